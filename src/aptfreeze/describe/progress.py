# SPDX-License-Identifier: MIT
"""How it goes on, as one line: what is being fetched, how fast, how much is left. Text and arithmetic only.

Rule 1: what is not known is not guessed: without all sizes, or a rate, the line says less.
Rule 2: times come in as seconds of a clock that never goes back.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence

from aptfreeze.describe.amounts import counted, size_text, time_text
from aptfreeze.fetch.download import Download
from aptfreeze.values import immutable

_WINDOW_S = 5.0
"""The rate is that of so many last seconds."""
_SHORTEST_S = 0.5
"""Over less, a rate would be chance."""
_IDLE_S = 2.0
"""A server is idle after so long without anything to do; less would make its line flicker between two requests."""
_NAMES = 5


@immutable
class Line:
    """What is shown, for any width."""

    summary: str
    names: tuple[str, ...] = ()
    """Of what is under way, what matters most first."""

    def fitted(self, columns: int) -> str:
        """At most so many characters: as many names as fit, and how many more there are.

        >>> Line("1.2 MB/s", ("a.deb", "b.deb", "c.deb")).fitted(26)
        '1.2 MB/s: a.deb and 2 more'
        """
        text = next((text for text in self._texts() if len(text) <= columns), None)
        return text or _cut(min(self._texts(), key=len), columns)

    def _texts(self) -> Iterator[str]:
        """With fewer and fewer names."""
        for count in range(min(len(self.names), _NAMES), 0, -1):
            rest = len(self.names) - count
            more = f" and {rest} more" if rest else ""
            yield f"{self.summary}: {', '.join(self.names[:count])}{more}"
        if not self.names:
            yield self.summary


def _cut(text: str, columns: int) -> str:
    return f"{text[: columns - 3]}..." if columns > 3 else text[: max(columns, 0)]


class Rate:
    """Bytes per second. Mutable state: how many bytes there were when, of the last seconds, oldest first."""

    def __init__(self) -> None:
        self._counts: deque[tuple[float, int]] = deque()

    def __repr__(self) -> str:
        return f"<Rate {self.per_s}>"

    def count(self, total: int, now: float) -> None:
        """`total` bytes have come until `now`; fewer than the last time: they are counted anew."""
        if self._counts and total < self._counts[-1][1]:
            self._counts.clear()
        self._counts.append((now, total))
        while len(self._counts) > 1 and self._counts[1][0] <= now - _WINDOW_S:
            self._counts.popleft()

    @property
    def per_s(self) -> float | None:
        """None until there is one."""
        if not self._counts:
            return None
        (since, before), (now, total) = self._counts[0], self._counts[-1]
        return (total - before) / (now - since) if now - since >= _SHORTEST_S else None


class SourcesProgress:
    """Of the Sources indexes that a session awaits at its end.

    Mutable state: the rate, and whether it was told for good what is awaited and how not to.
    """

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._is_told = False
        self._rate = Rate()

    def line(self, awaited: Sequence[Download], now: float) -> Line | None:
        """None if nothing is awaited. `awaited` has those that have come, too."""
        if not awaited:
            return None
        if not self._is_told:
            self._is_told = True
            names = ", ".join(each.name for each in awaited)
            self._tell(f"fetching Sources indexes: {names} (Ctrl-C: the next run goes on)")
        received = sum(each.received for each in awaited)
        sizes = [each.size for each in awaited if each.size is not None]
        size = sum(sizes) if len(sizes) == len(awaited) else None
        self._rate.count(received, now)
        return Line(
            ", ".join(_amounts(received, size, self._rate.per_s)),
            tuple(_name(each) for each in awaited if each.received != each.size),
        )


class FetchingProgress:
    """Of a command that fetches what it needs. Mutable state: the rate."""

    def __init__(self) -> None:
        self._rate = Rate()

    def line(self, running: Sequence[Download], received: int, now: float) -> Line | None:
        """None if nothing is under way. `received`: so many bytes have come since the command's start."""
        self._rate.count(received, now)
        if not running:
            return None
        told = [f"fetching {counted(len(running), 'file')}"]
        if self._rate.per_s is not None:
            told.append(_rate_text(self._rate.per_s))
        return Line(", ".join(told), tuple(map(_name, running)))


class FilesProgress:
    """Of many files that are fetched, or looked at, one after the other. Mutable state: the rate."""

    def __init__(self, files: int, size: int | None) -> None:
        """`files` in all, which have `size` bytes; None: bytes are no measure of it."""
        self._files = files
        self._size = size
        self._rate = Rate()

    def line(self, done: int, done_size: int, running: Sequence[Download], now: float) -> Line:
        """`done` files of `done_size` bytes are finished; those that are `running` count as far as they have come."""
        told = [f"{done} of {counted(self._files, 'file')}"]
        if self._size is not None:
            received = min(self._size, done_size + sum(each.received for each in running))
            self._rate.count(received, now)
            told += _amounts(received, self._size, self._rate.per_s)
        return Line(", ".join(told), tuple(_name(each) for each in running if each.received))


class ArchiveProgress:
    """Of a check of every object, in the order of their names. Mutable state: the rate, and where it began when."""

    def __init__(self) -> None:
        self._rate = Rate()
        self._began: tuple[float, float] | None = None

    def line(self, objects: int, read: int, position: str, now: float) -> Line:
        """`objects` are done, the last of them that of `position`; `read` bytes came from the disk since the start."""
        self._rate.count(read, now)
        told = [counted(objects, "object"), f"{size_text(read)} read"]
        if self._rate.per_s is not None:
            told.append(_rate_text(self._rate.per_s))
        share = _share(position)
        if share is not None:
            told.append(f"{100 * share:.0f}%")
            since, before = self._began = self._began or (now, share)
            if now - since >= _SHORTEST_S and share > before:
                told.append(f"{time_text((now - since) * (1 - share) / (share - before))} left")
        return Line(", ".join(told))


def _share(position: str) -> float | None:
    """How much lies before an object: hashes are spread evenly, so that nothing has to be counted beforehand."""
    folder, _, name = position.rpartition("/")
    try:
        return int(name[:6], 16) / 0x1000000 if folder.startswith("objects/") else None
    except ValueError:
        return None


@immutable
class Activity:
    """What a server does, as it was a moment ago."""

    requests: int
    """Of all clients, since its start."""
    connections: int
    is_busy: bool
    """Whether a client waits for an answer, or a part of it."""
    downloads: tuple[Download, ...]
    received: int
    """Bytes from mirrors, since its start."""


class ServingProgress:
    """Of a server. Mutable state: the rate, how many requests there were, and when it last had something to do."""

    def __init__(self) -> None:
        self._rate = Rate()
        self._requests = 0
        self._busy_at: float | None = None

    def line(self, seen: Activity, now: float) -> Line | None:
        """None if the server is idle."""
        self._rate.count(seen.received, now)
        if seen.is_busy or seen.downloads or seen.requests != self._requests:
            self._busy_at = now
        self._requests = seen.requests
        if self._busy_at is None or now - self._busy_at > _IDLE_S:
            return None
        told = [counted(seen.requests, "request"), counted(seen.connections, "connection")]
        if seen.downloads and self._rate.per_s is not None:
            told.append(_rate_text(self._rate.per_s))
        ranked = sorted(seen.downloads, key=lambda each: (each.priority, each.received == 0))
        return Line(", ".join(told), tuple(_name(each) for each in ranked))


def _amounts(received: int, size: int | None, per_s: float | None) -> Iterator[str]:
    """`3.1 MB of 9.4 MB`, `1.2 MB/s`, `6 s left`, as far as they are known."""
    yield size_text(received) if size is None else f"{size_text(received)} of {size_text(size)}"
    if per_s is not None:
        yield _rate_text(per_s)
        if size is not None and per_s >= 1:
            yield f"{time_text((size - received) / per_s)} left"


def _rate_text(per_s: float) -> str:
    return f"{size_text(round(per_s))}/s"


def _name(download: Download) -> str:
    """`hello_1.0_amd64.deb 43%`."""
    return f"{download.name} {100 * download.received // download.size}%" if download.size else download.name
