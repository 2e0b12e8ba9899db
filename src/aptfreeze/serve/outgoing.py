# SPDX-License-Identifier: MIT
"""The sending half of a connection: replies on their way into the socket.

A `Batch` holds replies that leave with one system call: heads and small bodies in one `sendmsg`, then at most one long
body, its `Tail`, which takes many calls. Bodies up to 32 KiB of a file are read and gathered; a longer one goes by
`sendfile` behind a head sent with MSG_MORE, so that both share their first segment.

Rule 1: nothing here waits. `advance` sends what it can and says why it stopped: see `Progress`.
Rule 2: what is missing when a body has begun raises `BodyLost`; the connection is reset, never ended cleanly.
Rule 3: a tail that waits for its source arranges by itself that `wake` is called in the event loop; wake-ups without
a cause happen and are harmless.
"""

import asyncio
import contextlib
import os
from collections.abc import Callable, Iterator
from enum import Enum, auto
from typing import Protocol

from aptfreeze.archive.growth import GrowthState
from aptfreeze.serve.reply import FileBody, Inline, PipeBody, Reply
from aptfreeze.serve.stream import Buffer, Stream

_SMALL = 32 * 1024  # measured: up to here a pread and one sendmsg cost less than sendmsg and sendfile
_GATHERED_REPLIES = 64  # two buffers each, far below the kernel's 1024
_GATHERED_BYTES = 256 * 1024
_PIPE_READ = 64 * 1024  # a pipe's usual capacity


class Progress(Enum):
    """Why sending stopped."""

    FINISHED = auto()
    SOCKET_FULL = auto()
    """Go on when the socket is writable."""
    SOURCE_EMPTY = auto()
    """Go on when `wake` is called."""
    TURN_OVER = auto()
    """Go on after the other connections."""


_FINISHED, _FAILED = Progress.FINISHED, GrowthState.FAILED  # for each hit: see `connection`


class BodyLost(Exception):
    """The rest of a body that was promised cannot be had."""


class Tail(Protocol):
    """A long body that is being sent."""

    sent: int

    def has_data(self) -> bool:
        """Whether the next `advance` will find something to send."""
        ...

    def advance(self, stream: Stream, limit: int) -> Progress:
        """Send at most about limit bytes. BlockingIOError means SOCKET_FULL; also BodyLost, OSError of the peer."""
        ...

    def close(self) -> None:
        """Stop following the source."""
        ...


class FileTail:
    """Follows a growing file."""

    __slots__ = ("_announced", "_body", "_following", "_loop", "_wake", "sent")

    def __init__(self, body: FileBody, loop: asyncio.AbstractEventLoop, wake: Callable[[], None]) -> None:
        self._body = body
        self._loop = loop
        self._wake = wake
        self._following = False
        self._announced = False
        self.sent = 0

    def has_data(self) -> bool:
        return self._body.growth.ready > self._body.start + self.sent

    def advance(self, stream: Stream, limit: int) -> Progress:
        growth, size = self._body.growth, self._body.size
        while self.sent < size:
            count = self._sendable()
            if count <= 0:
                return Progress.SOURCE_EMPTY
            if limit <= 0:
                return Progress.TURN_OVER
            sent = stream.sendfile(growth.descriptor(), self._body.start + self.sent, min(count, limit))
            if sent == 0:
                raise BodyLost(f"the file ends at {self._body.start + self.sent} instead of {self._body.end} bytes")
            self.sent += sent
            limit -= sent
        return Progress.FINISHED

    def _sendable(self) -> int:
        growth = self._body.growth
        if growth.state is GrowthState.FAILED:
            raise BodyLost(str(growth.error))
        count = min(growth.ready, self._body.end) - self._body.start - self.sent
        if count > 0 or self._following:
            return count
        self._following = True
        growth.subscribe(self._published)
        return self._sendable()  # what was published before the subscription called nobody

    def _published(self) -> None:
        """Runs in the thread that publishes. One wake-up is under way at a time, however often it publishes."""
        if not self._announced:
            self._announced = True
            with contextlib.suppress(RuntimeError):  # the event loop has ended
                self._loop.call_soon_threadsafe(self._grown)

    def _grown(self) -> None:
        self._announced = False  # before the growth is read again: what comes later announces itself
        if self._following:
            self._wake()

    def close(self) -> None:
        if self._following:
            self._following = False
            self._body.growth.unsubscribe(self._published)


class PipeTail:
    """Copies a pipe; reads it only when the socket has taken what was read before."""

    __slots__ = ("_body", "_loop", "_pending", "_wake", "_watching", "sent")

    def __init__(self, body: PipeBody, loop: asyncio.AbstractEventLoop, wake: Callable[[], None]) -> None:
        os.set_blocking(body.fd, False)
        self._body = body
        self._loop = loop
        self._wake = wake
        self._watching = False
        self._pending = memoryview(b"")
        self.sent = 0

    def has_data(self) -> bool:
        return False  # unknown, and MSG_MORE would hold the head back for 200 ms

    def advance(self, stream: Stream, limit: int) -> Progress:
        while limit > 0:
            if not self._pending:
                try:
                    data = os.read(self._body.fd, _PIPE_READ)
                except BlockingIOError:
                    self._watch()
                    return Progress.SOURCE_EMPTY
                if not data:
                    return self._ended()
                self._pending = memoryview(data)
            sent = self._send(stream)
            limit -= sent
            if self._pending:
                self.close()
                return Progress.SOCKET_FULL
        return Progress.TURN_OVER

    def _send(self, stream: Stream) -> int:
        try:
            sent = stream.sendmsg([self._pending], False)
        except BlockingIOError:
            return 0
        self.sent += sent
        self._pending = self._pending[sent:]
        return sent

    def _ended(self) -> Progress:
        if self._body.ended_well is not None and not self._body.ended_well():
            raise BodyLost(f"its writer failed after {self.sent} bytes")
        return Progress.FINISHED

    def _watch(self) -> None:
        if not self._watching:
            self._watching = True
            self._loop.add_reader(self._body.fd, self._wake)

    def close(self) -> None:
        if self._watching:
            self._watching = False
            self._loop.remove_reader(self._body.fd)


class Batch:
    """Replies that go out together. Mutable: the buffers still to send, how many bytes were sent, the tail."""

    __slots__ = ("_buffers", "_gathered", "_loop", "_parts", "_sent", "_tail", "_wake")

    def __init__(self, loop: asyncio.AbstractEventLoop, wake: Callable[[], None]) -> None:
        self._loop = loop
        self._wake = wake
        self._buffers: list[Buffer] = []
        self._parts: list[tuple[Reply, int, int]] = []  # reply, size of its head, size of its gathered body
        self._gathered = 0
        self._sent = 0
        self._tail: Tail | None = None

    def __len__(self) -> int:
        """How many replies it holds."""
        return len(self._parts)

    @property
    def sent(self) -> int:
        """Bytes sent so far, heads included."""
        return self._sent if self._tail is None else self._sent + self._tail.sent

    @property
    def is_full(self) -> bool:
        return self._tail is not None or len(self._parts) >= _GATHERED_REPLIES or self._gathered >= _GATHERED_BYTES

    def add(self, reply: Reply, head: bytes) -> None:
        """Append a reply; only while it is not full. `head` goes out in place of the reply's own."""
        body = reply.body
        data = body.data if isinstance(body, Inline) else _small_file(body) if isinstance(body, FileBody) else None
        size = len(data) if data else 0
        self._parts.append((reply, len(head), size))
        self._gathered += len(head) + size
        if head:
            self._buffers.append(head)
        if data:
            self._buffers.append(data)
        if isinstance(body, PipeBody):
            self._tail = PipeTail(body, self._loop, self._wake)
        elif isinstance(body, FileBody) and data is None:
            self._tail = FileTail(body, self._loop, self._wake)

    def advance(self, stream: Stream, limit: int) -> Progress:
        """Send at most about limit bytes; BodyLost, or OSError of the peer, when the connection has to end."""
        try:
            if self._buffers:
                limit -= self._send_gathered(stream)
            if self._buffers:
                return Progress.SOCKET_FULL
            return _FINISHED if self._tail is None else self._tail.advance(stream, limit)
        except BlockingIOError:
            return Progress.SOCKET_FULL

    def _send_gathered(self, stream: Stream) -> int:
        sent = stream.sendmsg(self._buffers, self._tail is not None and self._tail.has_data())
        self._sent += sent
        self._buffers = [] if self._sent == self._gathered else _without_first(self._buffers, sent)
        return sent

    def receipts(self, finished: bool) -> Iterator[tuple[Reply, int, bool]]:
        """Of each reply, how many bytes of its body were sent and whether that is all; also after a cut."""
        end = 0
        for number, (reply, head_size, body_size) in enumerate(self._parts, 1):
            start, end = end + head_size, end + head_size + body_size
            if self._tail is not None and number == len(self._parts):
                yield reply, self._tail.sent, finished
            else:
                is_whole = self._sent >= end
                yield reply, body_size if is_whole else max(self._sent - start, 0), is_whole

    def close(self) -> None:
        """Stop following the source of the tail; before the receipts are told."""
        if self._tail is not None:
            self._tail.close()


def _small_file(body: FileBody) -> bytes | None:
    """The body if it is small and there as a whole; what is amiss with the file shows when it is sent as a tail."""
    growth, size = body.growth, body.size
    if size > _SMALL or growth.ready < body.end or growth.state is _FAILED:
        return None
    if size == 0:
        return b""
    try:
        data = os.pread(growth.descriptor(), size, body.start)
    except OSError:
        return None
    return data if len(data) == size else None


def _without_first(buffers: list[Buffer], count: int) -> list[Buffer]:
    """The buffers without their first count bytes."""
    for position, buffer in enumerate(buffers):
        if count < len(buffer):
            return [memoryview(buffer)[count:], *buffers[position + 1 :]]
        count -= len(buffer)
    return []
