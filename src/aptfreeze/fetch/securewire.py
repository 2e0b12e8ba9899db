# SPDX-License-Identifier: MIT
"""A TLS connection as a `Wire`: one thread reads, another one may send and shut down meanwhile.

Rule 1: OpenSSL does not allow two threads in one connection, so each call into it is short, never waits, and is made
under the lock; waiting for the network happens outside.
Rule 2: a server may refuse us after the handshake (TLS 1.3 does so for client certificates): no lost connection.
Rule 3: an end without TLS's own goodbye is a failure, never an end: somebody may have cut the answer.
"""

import select
import socket
import ssl
import threading
import time
from collections.abc import Callable


class SecureWire:
    """Mutable state: the socket with its TLS state, used under the lock; how reading will fail after what has come."""

    def __init__(
        self, wire: ssl.SSLSocket, timeout_s: float | None, refused: Callable[[ssl.SSLError], Exception]
    ) -> None:
        """`wire` is past its handshake, and made to tell ragged ends (`suppress_ragged_eofs=False`).

        `refused` makes what is raised when the server ends it by an alert.
        """
        wire.setblocking(False)
        self._refused = refused
        self._wire = wire
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        self._failure: OSError | None = None

    def __repr__(self) -> str:
        return f"<SecureWire {self._wire.version()}>"

    def sendall(self, data: bytes, /) -> None:
        rest = memoryview(data)
        while rest:
            rest = rest[self._do(lambda rest=rest: self._wire.send(rest)) :]  # type: ignore[misc]

    def recv_into(self, buffer: bytearray, /) -> int:
        """As much as has come, up to the size of the buffer; 0 at the end."""
        if self._failure is not None:
            raise self._failure
        room = memoryview(buffer)
        count = self._do(lambda: self._wire.recv_into(room))
        while 0 < count < len(room):  # a record has 16 KiB at most
            try:
                with self._lock:
                    more = self._wire.recv_into(room[count:])
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                break
            except OSError as error:
                self._failure = error
                break
            if not more:
                break  # it is said again
            count += more
        return count

    def fileno(self) -> int:
        return self._wire.fileno()

    def gettimeout(self) -> float | None:
        return self._timeout_s

    def getpeername(self) -> tuple[str, int]:
        host, port, *_ = self._wire.getpeername()
        return host, port

    def shutdown(self, how: int, /) -> None:
        """From any thread. The socket's own shutdown: that of SSLSocket would let a reader go on without TLS."""
        socket.socket.shutdown(self._wire, how)

    def close(self) -> None:
        self._wire.close()

    def _do(self, call: Callable[[], int]) -> int:
        """The result of a call that may have to wait; TimeoutError if it takes too long.

        That is reckoned for the whole of it: a record that comes byte by byte is as good as none.
        """
        until = None if self._timeout_s is None else time.monotonic() + self._timeout_s
        while True:
            try:
                with self._lock:
                    return call()
            except ssl.SSLWantReadError:
                event = select.POLLIN
            except ssl.SSLWantWriteError:
                event = select.POLLOUT
            except ssl.SSLError as error:
                if "ALERT" in (error.reason or ""):
                    raise self._refused(error) from error
                raise
            self._wait(event, until)

    def _wait(self, event: int, until: float | None) -> None:
        poll = select.poll()
        poll.register(self._wire.fileno(), event)
        left_s = None if until is None else until - time.monotonic()
        if left_s is not None and (left_s <= 0 or not poll.poll(left_s * 1000)):
            raise TimeoutError("timed out")
        if left_s is None:
            poll.poll()
