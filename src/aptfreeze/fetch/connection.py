# SPDX-License-Identifier: MIT
"""One HTTP/1.1 client connection, blocking: bytes out, answers in, in the order of the requests.

Rule 1: it decides nothing: no retry, no redirect, no queue. It says what came, or how the connection failed.
Rule 2: one thread at a time reads; another one may `send` and `abort` meanwhile.
Rule 3: an answer that does not end as its framing says is a PassingError, never an end (RFC 9112 8).
Rule 4: OSErrors do not leave this module.
"""

import contextlib
import select
import socket
import time
from collections import deque
from collections.abc import Iterator
from enum import Enum
from typing import Protocol

from aptfreeze.fetch.failures import LostConnectionError, NoHttpError, PassingError, UnreachableError
from aptfreeze.values import immutable

_BUFFER = 256 << 10
_HEAD_LIMIT = 64 << 10
"""Bytes of one answer's head, or of what follows its last chunk."""
_LEAST = 8 << 10
"""Bytes that have to come in as long a waiting as the read timeout: who only drips is as good as silent."""
_NO_BODY = (204, 304)


class Wire(Protocol):
    """A connected socket, plain or TLS."""

    def sendall(self, data: bytes, /) -> None: ...
    def recv_into(self, buffer: bytearray, /) -> int: ...
    def fileno(self) -> int: ...
    def gettimeout(self) -> float | None: ...
    def getpeername(self) -> tuple[str, int]: ...
    def shutdown(self, how: int, /) -> None: ...
    def close(self) -> None: ...


@immutable
class Head:
    """Status line and header fields of one answer."""

    status: int
    reason: str
    headers: tuple[tuple[str, str], ...]

    def get(self, name: str) -> str | None:
        """The first field of that name (any case)."""
        return next((value for field, value in self.headers if field.lower() == name.lower()), None)

    @property
    def content_length(self) -> int | None:
        value = self.get("Content-Length") or ""
        return int(value) if value.isascii() and value.isdigit() else None


class _Mark(Enum):
    END = "end of a body"


class _Answers:
    """The parser's callbacks: turns bytes into heads, pieces of body and ends, in order."""

    def __init__(self) -> None:
        self.queue: deque[Head | bytes | _Mark] = deque()
        self.has_begun = False
        """Whether a byte of the answer that is expected next has come."""
        self.is_in_body = False
        self.is_framed = True
        """Whether the end of the body can be told from the end of the connection."""
        self.keeps_alive = True
        import httptools  # start-up time: a session may fetch nothing

        self._parser = httptools.HttpResponseParser(self)
        self._errors = (httptools.HttpParserError, httptools.HttpParserUpgrade)
        self._reason = b""
        self._headers: list[tuple[str, str]] = []
        self._head_size = 0
        """Bytes of heads and trailers since a head or a piece of a body was complete."""

    def feed(self, data: memoryview) -> None:
        """Raises PassingError for what is no HTTP."""
        before = len(self.queue)
        try:
            self._parser.feed_data(data)
        except self._errors as error:
            if self.keeps_alive:  # else: bytes after the last answer; nobody asked for them
                raise NoHttpError(f"answered with what is no HTTP/1.1 ({error})") from error
        if len(self.queue) > before:
            self._head_size = 0
            return
        self._head_size += len(data)
        if self._head_size > _HEAD_LIMIT:
            raise PassingError(f"answered with a head or trailer of more than {_HEAD_LIMIT} bytes")

    def on_message_begin(self) -> None:
        self.has_begun = True
        self._reason = b""
        self._headers = []

    def on_status(self, reason: bytes) -> None:
        self._reason += reason

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name.decode("latin-1"), (value or b"").decode("latin-1")))

    def on_headers_complete(self) -> None:
        head = Head(self._parser.get_status_code(), self._reason.decode("latin-1"), tuple(self._headers))
        if head.status >= 200:  # RFC 9110 15.2: interim answers may come at any time
            self.queue.append(head)
            self.is_in_body = True
        is_chunked = head.get("Transfer-Encoding") is not None
        self.is_framed = is_chunked or head.content_length is not None or head.status in _NO_BODY or head.status < 200

    def on_body(self, data: bytes) -> None:
        self.queue.append(data)

    def on_message_complete(self) -> None:
        self.has_begun = False
        if self.is_in_body:
            self.is_in_body = False
            self.keeps_alive = self._parser.should_keep_alive()
            self.queue.append(_Mark.END)


class Connection:
    """Mutable state: the socket, the answers that were received and not yet taken, how the connection failed, and how
    long one has waited for how many bytes lately."""

    def __init__(self, wire: Wire, peer: str) -> None:
        """`wire` is connected and has the read timeout set; `peer` is for messages."""
        self.peer = peer
        self.answered = 0
        """So many answers were taken to their end."""
        self.is_usable = True
        """Whether a further answer can come."""
        self._asked = 0
        self._wire = wire
        self._answers = _Answers()
        self._buffer = bytearray(_BUFFER)
        self._view = memoryview(self._buffer)
        self._failure: PassingError | None = None
        self._patience_s = wire.gettimeout() or float("inf")
        self._waited_s = 0.0
        self._came = 0

    def __repr__(self) -> str:
        return f"<Connection {self.peer}, {self.answered} answered{'' if self.is_usable else ', ended'}>"

    def send(self, request: bytes) -> None:
        """LostConnectionError if the server has closed: it cannot have acted on it."""
        self._asked += 1
        try:
            self._wire.sendall(request)
        except OSError as error:
            self.is_usable = False
            raise LostConnectionError(f"{self.peer} closed the connection ({error})") from error

    def head(self, *, is_head: bool = False) -> Head:
        """Wait for the next answer; PassingError, LostConnectionError.

        `is_head` says that the request was a HEAD: there is no body, and the connection is good for nothing more.
        """
        while not self._answers.queue:
            self._receive()
        head = self._answers.queue.popleft()
        self._wait_anew()
        if not isinstance(head, Head):
            raise PassingError(f"{self.peer} sent a body without a head")
        if is_head:
            self.is_usable = False
        return head

    def body(self) -> Iterator[bytes]:
        """The pieces of the body, to its end; PassingError if it is cut."""
        while True:
            while not self._answers.queue:
                self._receive()
            piece = self._answers.queue.popleft()
            if not isinstance(piece, bytes):
                break
            yield piece
        self.answered += 1
        self._wait_anew()
        ends = not self._answers.keeps_alive and not self._answers.queue
        is_ahead = self.answered == self._asked and (self._answers.queue or self._answers.has_begun)
        if ends or is_ahead:  # an answer without a request must not become the answer to the next one
            self.is_usable = False

    @property
    def is_stale(self) -> bool:
        """Whether an idle connection has ended, or something came that nobody asked for."""
        poll = select.poll()
        poll.register(self._wire.fileno(), select.POLLIN)
        return bool(poll.poll(0))

    @property
    def address(self) -> str:
        """Whom it is connected to; empty if that is over."""
        try:
            return str(self._wire.getpeername()[0])
        except OSError:
            return ""

    def abort(self) -> None:
        """From any thread: whoever reads or sends fails now."""
        self.is_usable = False
        with contextlib.suppress(OSError):  # it was not connected any more
            self._wire.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.is_usable = False
        self._wire.close()

    def _receive(self) -> None:
        if self._failure is not None:
            raise self._failure
        began = time.monotonic()
        try:
            count = self._wire.recv_into(self._buffer)
        except TimeoutError as error:
            self.is_usable = False
            raise UnreachableError(f"{self.peer} fell silent") from error
        except OSError as error:
            self._fail(str(error))
            return
        if not count:
            self._end()
            return
        self._judge_pace(count, time.monotonic() - began)
        try:
            self._answers.feed(self._view[:count])
        except PassingError as error:  # what came before it is still good
            self._fail_with(type(error)(f"{self.peer} {error.message}"))

    def _judge_pace(self, came: int, waited_s: float) -> None:
        self._came += came
        self._waited_s += waited_s
        if self._waited_s < self._patience_s:
            return
        if self._came < _LEAST:
            self.is_usable = False
            raise UnreachableError(f"{self.peer} only drips: {self._came} bytes in {self._waited_s:.0f} s")
        self._wait_anew()

    def _wait_anew(self) -> None:
        self._came, self._waited_s = 0, 0.0

    def _end(self) -> None:
        if self._answers.is_in_body and not self._answers.is_framed:
            self._answers.is_in_body = False
            self._answers.keeps_alive = False
            self._answers.queue.append(_Mark.END)
        else:
            self._fail("in the middle of an answer" if self._answers.has_begun else "before it answered")

    def _fail(self, how: str) -> None:
        lost = not self._answers.has_begun
        kind = LostConnectionError if lost else PassingError
        self._fail_with(kind(f"{self.peer} closed the connection {how}" if how else self.peer))

    def _fail_with(self, failure: PassingError) -> None:
        self.is_usable = False
        self._failure = failure
        if not self._answers.queue:
            raise failure
