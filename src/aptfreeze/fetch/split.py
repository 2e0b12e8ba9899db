# SPDX-License-Identifier: MIT
"""A large file in parts that come over several connections at once, read in order.

A client's pipeline stands still while a large file is at its head. Where further connections to the host have shown to
be worth it (see `pace`), they have nothing to do then: each fetches a part.

Rule 1: the first part is the request that a whole file would be; the others begin when its answer has come and shows
that the server knows ranges. One that sends everything instead is taken at its word.
Rule 2: a further part waits in memory until it is its turn; so many are under way at once, none larger than 4 MiB.
Rule 3: the consumer sees one stream. A part that fails or is not as long as it should be, fails the stream at that
place; whoever goes on from there does so without parts, since a host that failed with one is not asked for parts again.
"""

import re
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from queue import SimpleQueue

from aptfreeze.errors import UpstreamError
from aptfreeze.fetch.failures import ForgoneError, PassingError
from aptfreeze.fetch.line import Response
from aptfreeze.fetch.priority import Asker, Priority
from aptfreeze.values import immutable

_LEAST = 2 << 20
"""Bytes of a part: at 100 Mbit/s five round trips of 30 ms, of which one is lost."""
_MOST = 4 << 20
CONTENT_RANGE = re.compile(r"bytes ([0-9]{1,19})-([0-9]{1,19})/([0-9]{1,19}|\*)")
"""RFC 9110 14.4: first and last byte, and the size of the whole."""


@immutable
class Part:
    """Bytes `start` up to and without `end` of a file."""

    start: int
    end: int

    @property
    def size(self) -> int:
        return self.end - self.start


Get = Callable[[Part, Asker], AbstractContextManager[Response]]
"""Ask for a part of the file."""


def parts_of(start: int, size: int, at_once: int) -> list[Part]:
    """The parts of the bytes from `start` on, for so many connections; a single one if it is not worth it (pure)."""
    rest = size - start
    if at_once < 2 or rest < 2 * _LEAST:
        return [Part(start, size)]
    length = min(max(-(-rest // at_once), _LEAST), _MOST)
    return [Part(each, min(each + length, size)) for each in range(start, size, length)]


@contextmanager
def opened(
    parts: Sequence[Part], get: Get, asker: Asker, at_once: int, refused: Callable[[], None]
) -> Iterator[tuple[Response, Iterator[bytes]]]:
    """The answer to the first part, and the pieces of the file in order.

    The pieces raise PassingError or what else the answer to a further part means. `refused` is called when the host
    turns out not to give parts.
    """
    with ExitStack() as first, _Further(parts[1:], get, asker, at_once - 1) as further:
        response = first.enter_context(get(parts[0], asker))
        yield response, _pieces(response, parts[0], first, further, refused)


def _pieces(
    response: Response, part: Part, first: ExitStack, further: "_Further", refused: Callable[[], None]
) -> Iterator[bytes]:
    if response.status != 206:
        refused()
        yield from response.body()
        return
    try:
        _require(response, part)
        further.begin()
        yield from _whole(response.body(), part)
        first.close()  # its connection is free for others now
        yield from further.pieces()
    except ForgoneError:  # not the host's doing
        raise
    except PassingError:
        refused()
        raise


def _require(response: Response, part: Part) -> None:
    """RFC 9110 15.3.7: a server may answer with another range than was asked for."""
    said = response.head.get("Content-Range") or ""
    match = CONTENT_RANGE.fullmatch(said) if response.status == 206 else None
    if match is None or (int(match[1]), int(match[2])) != (part.start, part.end - 1):
        raise PassingError(f"answered {response.status} {said[:80]!r} to bytes {part.start} to {part.end - 1}")


def _whole(pieces: Iterator[bytes], part: Part) -> Iterator[bytes]:
    """Without Content-Length nothing else tells that a connection ended too early; all behind it would be misplaced."""
    came = 0
    for piece in pieces:
        came += len(piece)
        if came > part.size:
            break
        yield piece
    if came != part.size:
        raise PassingError(f"sent {came} bytes as a part of {part.size}")


class _Further:
    """The parts after the first. Mutable state: those still to be begun, and those under way."""

    def __init__(self, parts: Sequence[Part], get: Get, asker: Asker, at_once: int) -> None:
        self._waiting = deque(parts)
        self._under_way: deque[_Coming] = deque()
        self._get = get
        self._asker = asker
        self._at_once = at_once

    def __enter__(self) -> "_Further":
        return self

    def __exit__(self, *_: object) -> None:
        for coming in self._under_way:
            coming.drop()

    def begin(self) -> None:
        while self._waiting and len(self._under_way) < self._at_once:
            self._under_way.append(_Coming(self._waiting.popleft(), self._get, self._asker))

    def pieces(self) -> Iterator[bytes]:
        while self._under_way:
            yield from self._under_way[0].pieces()
            self._under_way.popleft()
            self.begin()


class _Coming:
    """One part on its way, in a thread of its own: pieces, then what ended it (None: all is well)."""

    def __init__(self, part: Part, get: Get, asker: Asker) -> None:
        self._part = part
        self._get = get
        self._asker = asker
        self._queue: SimpleQueue[bytes | UpstreamError | None] = SimpleQueue()
        self._is_dropped = False
        threading.Thread(target=self._fetch, name="part", daemon=True).start()

    @property
    def priority(self) -> Priority:
        """That of the whole file, as long as somebody wants this part."""
        return Priority.FORGONE if self._is_dropped else self._asker.priority

    def drop(self) -> None:
        """Nobody wants it any more: it is not asked for if it waits, and read no further."""
        self._is_dropped = True

    def pieces(self) -> Iterator[bytes]:
        return _whole(self._queued(), self._part)

    def _queued(self) -> Iterator[bytes]:
        while (item := self._queue.get()) is not None:
            if isinstance(item, UpstreamError):
                raise item
            yield item

    def _fetch(self) -> None:
        try:
            with self._get(self._part, self) as response:
                _require(response, self._part)
                for piece in response.body():
                    self._queue.put(piece)
                    if self._is_dropped:
                        return
        except UpstreamError as error:
            self._queue.put(error)
        finally:
            self._queue.put(None)
