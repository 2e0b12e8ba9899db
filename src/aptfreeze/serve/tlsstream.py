# SPDX-License-Identifier: MIT
"""The `Stream` of a client that speaks TLS to us: a non-blocking SSLSocket whose handshake is done.

Rule 1: nothing stays inside that the descriptor does not tell of. OpenSSL takes one record at a time from the socket,
and `recv` takes all of it (at most 16 KiB by RFC 8446 5.1, which the caller has room for), so that a readable socket is
the only reason to read.
Rule 2: what did not go out is offered again in the same bytes, and not fewer of them: OpenSSL has encrypted some by
then, and refuses others. A piece of a file is therefore kept until all of it has gone.

Mutable state: the piece of a file that is being sent, and where its rest begins; whether our end was sent.
"""

import contextlib
import os
import socket
import ssl
from collections.abc import Sequence

from aptfreeze.serve.stream import Buffer, WantsWrite, reset

_PIECE = 256 * 1024
"""Of a file: read at once."""
_SENT_AT_ONCE = 64 * 1024
"""Bytes for one call of OpenSSL, which takes all of them or says nothing of those that went: see rule 2."""


class TlsStream:
    """See `Stream`."""

    __slots__ = ("_is_finished", "_piece", "_piece_at", "_socket")

    def __init__(self, secured: ssl.SSLSocket) -> None:
        self._socket = secured
        self._is_finished = False
        self._piece = memoryview(b"")
        self._piece_at = (-1, -1)  # descriptor and offset

    def fileno(self) -> int:
        return self._socket.fileno()

    def recv(self, size: int) -> bytes:
        try:
            return self._socket.recv(size)
        except ssl.SSLWantReadError:
            raise BlockingIOError from None
        except ssl.SSLWantWriteError:  # RFC 8446 4.6.3: a key update has to be answered first
            raise WantsWrite from None

    def sendmsg(self, buffers: Sequence[Buffer], more: bool) -> int:
        data = buffers[0] if len(buffers) == 1 else b"".join(buffers)
        return self._send(data if len(data) <= _SENT_AT_ONCE else memoryview(data))

    def sendfile(self, fd: int, offset: int, count: int) -> int:
        if not self._piece or self._piece_at != (fd, offset):
            self._piece = memoryview(os.pread(fd, min(count, _PIECE), offset))
        sent = self._send(self._piece)
        self._piece, self._piece_at = self._piece[sent:], (fd, offset + sent)
        return sent

    def _send(self, data: Buffer) -> int:
        """As much as the socket takes."""
        sent = 0
        try:
            while sent < len(data):
                sent += self._socket.send(data[sent : sent + _SENT_AT_ONCE])
        except (ssl.SSLWantWriteError, ssl.SSLWantReadError):
            if not sent:
                raise BlockingIOError from None
        return sent

    def finish(self) -> None:
        self._say_end()
        self._socket.shutdown(socket.SHUT_WR)  # from here on, what comes is dropped undeciphered
        self._is_finished = True

    def _say_end(self) -> None:
        """RFC 8446 6.1: the alert `close_notify`, by which the peer tells an end from a cut."""
        with contextlib.suppress(OSError):  # it has gone, and `unwrap` wants to wait for the peer's
            self._socket.unwrap()

    def close(self) -> None:
        if not self._is_finished:
            self._say_end()
            self._is_finished = True
        self._socket.close()

    def abort(self) -> None:
        self._is_finished = True
        reset(self._socket)
