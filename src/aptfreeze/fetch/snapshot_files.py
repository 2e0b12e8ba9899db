# SPDX-License-Identifier: MIT
"""Files of a snapshot service as suppliers: by their path in a dated state, and by what the service calls them.

Rule 1: the service is asked nothing twice in a process: which states there are, which files a package has, and what it
has not got is remembered; a "no" for an hour, since it goes on importing.
Rule 2: a service that cannot be reached at all has no say: it counts as one that lacks the file, so that a machine
without a way to it hears what the mirrors say.
Rule 3: each supplier is one place, so that wrong bytes of one say nothing of the others.
"""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import field
from datetime import datetime
from typing import TypeVar

from aptfreeze.errors import MissingUpstreamError
from aptfreeze.fetch.chain import Delivery, Means, MirrorUrl, Supplier, accept
from aptfreeze.fetch.failures import NoPlaceError, UnreachableError
from aptfreeze.fetch.priority import Asker
from aptfreeze.fetch.states import LOOKED_AT, Archive, Copy, copies, copies_url, guesses, states, timestamp
from aptfreeze.fetch.turns import Standing
from aptfreeze.freeze.catalog import IndexEntry
from aptfreeze.freeze.digest import Wanted
from aptfreeze.values import immutable

_T = TypeVar("_T")

_REMEMBERED_S = 3600.0
_LARGEST_ANSWER = 8 << 20
"""Bytes; all states of twenty years are 1 MB."""
_COPIES = 2
"""Files of one name and size that are tried."""
_ORDINALS = ("first", "second", "third", "fourth")


class Memory:
    """What services have said. Mutable state: answers of the API by URL, with the time until which they count; until
    when a URL counts as missing; the locks under which the API is asked, by URL."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._states: dict[str, tuple[tuple[str, ...], float]] = {}
        self._copies: dict[str, tuple[tuple[Copy, ...], float]] = {}
        self._missing: dict[str, float] = {}
        self._asking: dict[str, threading.Lock] = {}

    def __repr__(self) -> str:
        return f"<Memory of {len(self._states) + len(self._copies)} answers, {len(self._missing)} missing>"

    def state(self, means: Means, archive: Archive, date: datetime, place: int, asker: Asker) -> str:
        """The timestamp of the first (second, ...) state at or after a Date; MissingUpstreamError if there is none."""
        return _at(place, self._states_since(means, archive, date, asker), "no state since then is kept")

    def _states_since(self, means: Means, archive: Archive, date: datetime, asker: Asker) -> tuple[str, ...]:
        if not archive.service:
            return guesses(date)
        url = archive.question(date)
        try:
            return self._answer(means, url, asker, lambda data: states(data, archive.name, date), self._states)
        except MissingUpstreamError:  # no such API there
            return guesses(date)

    def copy(self, means: Means, url: str, archive: str, name: str, size: int | None, place: int, asker: Asker) -> Copy:
        """The first (second) file of that name and size of the package whose files `url` tells, those of the archive
        before the others; MissingUpstreamError if there is none."""
        fitting = [copy for copy in self.files(means, url, asker) if copy.name == name and size in (None, copy.size)]
        fitting.sort(key=lambda copy: copy.archive != archive)
        return _at(place, fitting, "no such file of that package is kept")

    def files(self, means: Means, url: str, asker: Asker) -> tuple[Copy, ...]:
        """All files of the package whose files `url` tells; MissingUpstreamError if there is no such package."""
        return self._answer(means, url, asker, copies, self._copies)

    def _answer(
        self,
        means: Means,
        url: str,
        asker: Asker,
        read: Callable[[bytes], tuple[_T, ...]],
        known: dict[str, tuple[tuple[_T, ...], float]],
    ) -> tuple[_T, ...]:
        """What the API says; what is no answer of it is as good as 404. An empty one may be another one later."""
        with self._asking.setdefault(url, threading.Lock()):
            found, until = known.get(url, ((), 0.0))
            if until <= self._clock():
                with self.unless_missing(url), means.hosts.get(url, asker) as response:
                    accept(response)
                    found = _read(response.body(), read)
                known[url] = found, float("inf") if found else self._clock() + _REMEMBERED_S
            return found

    @contextmanager
    def unless_missing(self, url: str) -> Iterator[None]:
        """MissingUpstreamError if the URL was missing a while ago; remembers it if it is now."""
        if self._missing.get(url, 0.0) > self._clock():
            raise MissingUpstreamError("404 before")
        try:
            yield
        except MissingUpstreamError:
            self._missing[url] = self._clock() + _REMEMBERED_S
            raise


@immutable
class SnapshotFile:
    """A file by its path, in the first state since the Date of the Release that leads to it, or in a later one."""

    memory: Memory = field(compare=False, repr=False)
    archive: Archive
    date: datetime
    relative: str
    """Below the repository, normalised."""
    place: int = 0
    """How many of those states are passed over."""

    @property
    def name(self) -> str:
        return f"{self.archive.url} ({_ORDINALS[self.place]} state since {timestamp(self.date)})/{self.relative}"

    def standing(self, means: Means) -> Standing:
        return Standing.LAST_RESORT

    @contextmanager
    def open(self, means: Means, wanted: Wanted, start: int, asker: Asker) -> Iterator[Delivery]:
        def url() -> str:
            state = self.memory.state(means, self.archive, self.date, self.place, asker)
            return self.archive.file(state, self.relative)

        with _opened(self.memory, self.archive, url, means, wanted, start, asker) as delivery:
            yield delivery


@immutable
class SnapshotCopy:
    """A file of a package by its sha1, which the service tells; whichever states it is in."""

    memory: Memory = field(compare=False, repr=False)
    archive: Archive
    question: str
    """The URL that tells the files of the package."""
    relative: str
    place: int = 0
    """How many files of that name and size are passed over: it may have been republished."""

    @property
    def name(self) -> str:
        return f"{self.archive.service}/file ({_ORDINALS[self.place]} by name and size)/{self.relative}"

    def standing(self, means: Means) -> Standing:
        return Standing.LAST_RESORT

    @contextmanager
    def open(self, means: Means, wanted: Wanted, start: int, asker: Asker) -> Iterator[Delivery]:
        def url() -> str:
            name = self.relative.rpartition("/")[2]
            archive, question = self.archive, self.question
            copy = self.memory.copy(means, question, archive.name, name, wanted.size, self.place, asker)
            return f"{archive.service}/file/{copy.sha1}"

        with _opened(self.memory, self.archive, url, means, wanted, start, asker) as delivery:
            yield delivery


def dated_files(memory: Memory, url: str, date: datetime, relative: str) -> list[Supplier]:
    """A file in the first states since a Date, where the states below `url` have it."""
    archive = Archive(url)
    return [SnapshotFile(memory, archive, date, relative, place) for place in range(LOOKED_AT)]


def package_copies(memory: Memory, url: str, entry: IndexEntry, relative: str) -> list[Supplier]:
    """A file of a package, where the service has an API that tells its sha1."""
    archive = Archive(url)
    if not archive.service:
        return []
    is_source = entry.architecture == "source"
    question = copies_url(archive.service, entry.package, entry.version, is_source=is_source)
    return [SnapshotCopy(memory, archive, question, relative, place) for place in range(_COPIES)]


def _at(place: int, found: Sequence[_T], why: str) -> _T:
    if place < len(found):
        return found[place]
    raise NoPlaceError(why) if place else MissingUpstreamError(why)


@contextmanager
def within_reach(means: Means, url: str) -> Iterator[None]:
    """MissingUpstreamError if the host cannot be reached: rule 2."""
    if means.hosts.standing(url) is Standing.AWAY:
        raise MissingUpstreamError("it could not be reached a moment ago")
    try:
        yield
    except UnreachableError as error:
        raise MissingUpstreamError(f"it cannot be reached ({error.message})") from error


def _read(body: Iterable[bytes], read: Callable[[bytes], _T]) -> _T:
    data = bytearray()
    for piece in body:
        data += piece
        if len(data) > _LARGEST_ANSWER:
            raise MissingUpstreamError(f"it answers more than {_LARGEST_ANSWER} bytes")
    try:
        return read(bytes(data))
    except ValueError as error:
        raise MissingUpstreamError(f"its answer is not understood: {error}") from error


@contextmanager
def _opened(
    memory: Memory, archive: Archive, url: Callable[[], str], means: Means, wanted: Wanted, start: int, asker: Asker
) -> Iterator[Delivery]:
    """What the service has at a URL, which it may have to be asked for."""
    with ExitStack() as delivering:
        with within_reach(means, archive.url):
            found = url()
            with memory.unless_missing(found):
                delivery = delivering.enter_context(MirrorUrl(found).open(means, wanted, start, asker))
        yield delivery
