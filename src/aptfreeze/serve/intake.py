# SPDX-License-Identifier: MIT
"""The receiving half of a connection: what its client sends, up to complete requests.

Rule 1: bytes are looked at before they are taken, which costs a microsecond: those behind the head of a CONNECT belong
to whoever takes the connection over, and stay in the kernel. In TLS, where nobody takes over, they are dropped.
Rule 2: an end of the client's sending is no end of its reading; nothing is read behind the last request.

Mutable state: the parser's, how far the end has come, two clock readings.
"""

from collections.abc import Callable

from aptfreeze.http.message import BadRequest, Request, RequestParser
from aptfreeze.serve.stream import PlainStream, Stream

_RECEIVE = 64 * 1024


class Intake:
    """Reads a stream until `is_over`."""

    def __init__(self, stream: Stream, client: str, time: Callable[[], float]) -> None:
        """`client` is its address, `time` the clock for the two readings."""
        self._stream = stream
        self._plain = stream if isinstance(stream, PlainStream) else None
        self._time = time
        self._parser = RequestParser(client)
        self.is_over = False
        """Whether no further request is read; may be set."""
        self.client_ended = False
        """Whether the client sends no more."""
        self.read_at = time()
        self.head_since: float | None = None
        """Since when a head is half received; the time in which nobody read is not the client's."""

    def drop(self) -> bool:
        """Read and drop; whether the client may send more. BlockingIOError, OSError of the peer."""
        return bool(self._stream.recv(_RECEIVE))

    def receive(self) -> list[Request | BadRequest]:
        """What the bytes that are there complete. BlockingIOError, also WantsWrite; OSError of the peer."""
        plain = self._plain
        data = self._stream.recv(_RECEIVE) if plain is None else plain.peek(_RECEIVE)
        self.read_at = self._time()
        if not data:
            self.is_over = self.client_ended = True
            self.head_since = None
            return []
        messages = self._messages(data)
        if plain is not None:
            plain.recv(len(data) - len(self._parser.leftover))
        self._time_head(bool(messages))
        return messages

    def _messages(self, data: bytes) -> list[Request | BadRequest]:
        try:
            return [*self._parser.feed(data)]
        except BadRequest as bad:
            return [*bad.before, self._over(bad)]

    def _over(self, bad: BadRequest) -> BadRequest:
        self.is_over = True
        return bad

    def _time_head(self, is_new: bool) -> None:
        if not self._parser.pending or self.is_over:
            self.head_since = None
        elif self.head_since is None or is_new:
            self.head_since = self.read_at  # of the first byte: later ones do not extend the limit

    def give_up(self, limit_s: float) -> BadRequest:
        """The client was too slow with a head: what to answer."""
        self.head_since = None
        return self._over(BadRequest(408, f"no complete request head within {limit_s:g} s"))

    def resume(self) -> None:
        """It is read again."""
        if self.head_since is not None:
            self.head_since = self._time()
