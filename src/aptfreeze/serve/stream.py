# SPDX-License-Identifier: MIT
"""The non-blocking byte stream under a connection.

Rule 1: no method waits. What would wait raises BlockingIOError; the caller comes back when the descriptor is ready.
Rule 2: errors of the peer are OSError, as the kernel gives them.
"""

import contextlib
import os
import socket
import struct
from collections.abc import Sequence
from typing import Protocol

Buffer = bytes | memoryview


class WantsWrite(BlockingIOError):
    """Reading can go on when the descriptor is *writable*: TLS has something to say first."""


class Stream(Protocol):
    """What a connection needs of a socket, encrypted or not."""

    def fileno(self) -> int:
        """The descriptor to wait for."""
        ...

    def recv(self, size: int) -> bytes:
        """Up to size bytes, but not fewer than there are; empty when the peer sends no more. Also `WantsWrite`.

        `size` is at least 16 KiB.
        """
        ...

    def sendmsg(self, buffers: Sequence[Buffer], more: bool) -> int:
        """Send at most 1024 buffers in one go; how many bytes were taken. `more`: others follow at once."""
        ...

    def sendfile(self, fd: int, offset: int, count: int) -> int:
        """Send from a file; how many bytes were taken, 0 if the file ends at the offset."""
        ...

    def finish(self) -> None:
        """Send the end: the peer reads everything up to here and then a clean end of stream."""
        ...

    def close(self) -> None:
        """Give the descriptor back. Bytes that the peer sent and nobody read turn this into a reset."""
        ...

    def abort(self) -> None:
        """Reset: the peer reads an error, never a clean end; what it has not received is lost."""
        ...


class PlainStream:
    """A TCP socket without encryption."""

    __slots__ = ("_socket",)

    def __init__(self, connected: socket.socket) -> None:
        connected.setblocking(False)
        # Without it, an answer in two segments waits 40 ms for the client's delayed acknowledgement.
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = connected

    def fileno(self) -> int:
        return self._socket.fileno()

    def recv(self, size: int) -> bytes:
        return self._socket.recv(size)

    def peek(self, size: int) -> bytes:
        """The same, and the bytes stay where they are."""
        return self._socket.recv(size, socket.MSG_PEEK)

    def detach(self) -> socket.socket:
        """The socket, for whoever takes the connection over; the stream is of no use from then on."""
        return self._socket

    def sendmsg(self, buffers: Sequence[Buffer], more: bool) -> int:
        return self._socket.sendmsg(buffers, (), socket.MSG_MORE if more else 0)

    def sendfile(self, fd: int, offset: int, count: int) -> int:
        return os.sendfile(self._socket.fileno(), fd, offset, count)

    def finish(self) -> None:
        self._socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self._socket.close()

    def abort(self) -> None:
        reset(self._socket)


def reset(connected: socket.socket) -> None:
    """Close a socket so that the peer reads an error."""
    with contextlib.suppress(OSError):  # the peer may have reset it first
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connected.close()
