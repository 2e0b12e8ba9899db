# SPDX-License-Identifier: MIT
"""Fetching ahead what an earlier build was served, as long as the present one asks for the same.

Rule 1: it begins with the first file that the archive lacks; for a build whose files are all there no record is read.
Rule 2: a list is given up when the build goes another way. A file that is on another list may then begin that one.
Rule 3: it is nobody's affair: what it fails to get is told by whoever asks for it. A mirror that is in trouble gets
for a while only what clients wait for.
Rule 4: what nobody asked for in the end is told: it has cost time and room.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from functools import partial
from typing import TYPE_CHECKING

from aptfreeze.archive.growth import GrowthState
from aptfreeze.deb.paths import quoted
from aptfreeze.describe.amounts import counted, size_text
from aptfreeze.environment.records import AskedIndex
from aptfreeze.errors import MissingUpstreamError
from aptfreeze.fetch.failures import ReplacedError
from aptfreeze.fetch.lookup import Lookup
from aptfreeze.fetch.priority import Priority
from aptfreeze.freeze.digest import Digest
from aptfreeze.freeze.generation import Generation
from aptfreeze.freeze.outcome import PinnedPackage
from aptfreeze.serve.boundary import attended
from aptfreeze.serve.delivery import has_ended, until
from aptfreeze.serve.foresight import Foresight, name_of
from aptfreeze.serve.session import Session

if TYPE_CHECKING:
    from aptfreeze.serve.recall import Recall, Recalled

    Look = Callable[[Recall, Generation], Recalled | None]

_TROUBLE_S = 60.0
_LARGE = 4 << 20
"""Bytes; such a file takes a connection longer than all its neighbours on the list take theirs."""


class Prefetch:
    """Mutable state, touched in the event loop: the list that is followed and what is left of it; by digest what is on
    its way, what has come and what clients asked for. In one thread at a time: the `Recall`, made when it is needed."""

    def __init__(
        self,
        session: Session,
        lookup: Lookup,
        make_recall: "Callable[[], Recall]",
        threads: Executor,
        background: asyncio.TaskGroup,
    ) -> None:
        self._session = session
        self._lookup = lookup
        self._make_recall = make_recall
        self._recall: Recall | None = None
        self._threads = threads
        self._background = background
        self._loop = asyncio.get_running_loop()
        self._foresight: Foresight | None = None
        self._left: deque[PinnedPackage] = deque()
        self._coming: set[Digest] = set()
        self._came: dict[Digest, int] = {}
        """With the size in bytes."""
        self._asked: set[Digest] = set()
        self._is_looking = self._has_begun = False
        self._next_look: Look | None = None
        self._rests_until = 0.0

    def __repr__(self) -> str:
        return f"<Prefetch {self._foresight!r}, {len(self._left)} left, {len(self._coming)} on their way>"

    def asked(self, found: PinnedPackage) -> None:
        """A client asks for this file, whether the archive has it or not."""
        self._asked.add(found.entry.wanted.digest)
        if self._foresight is not None:
            self._foresight.asked(name_of(found))
            if not self._foresight.holds:
                self._give_up()

    def lacked(self, found: PinnedPackage) -> None:
        """The archive lacks a file that was asked: time to see which others will be."""
        is_expected = self._foresight is not None and name_of(found) in self._foresight
        if not is_expected and not self._left:
            self._look(lambda recall, generation: recall.by_package(found, generation))

    def lacked_index(self, index: AskedIndex) -> None:
        """The archive lacks a package index, so it will lack packages, too: they can come while apt reads the index."""
        if not self._has_begun:
            self._look(lambda recall, generation: recall.by_index(index, generation))

    def finish(self) -> None:
        """Fetch nothing more, and tell what was fetched in vain."""
        self._rests_until = float("inf")
        self._give_up()
        vain = [size for digest, size in self._came.items() if digest not in self._asked]
        if vain:
            self._session.notice(
                f"{counted(len(vain), 'file')} ({size_text(sum(vain))}) were fetched in vain, since an earlier build "
                "had asked for them; with prefetch = false in [fetch] of aptfreeze.toml, only what is asked is fetched"
            )

    def _give_up(self) -> None:
        self._foresight = None
        self._left.clear()
        for digest in self._coming:
            self._lookup.downloads.forgo(digest)

    def _look(self, look: "Look") -> None:
        if self._is_looking:
            self._next_look = look
        elif self._loop.time() >= self._rests_until:
            self._is_looking = True
            self._background.create_task(attended("prefetch", self._begin(look)), name="prefetch")

    async def _begin(self, look: "Look") -> None:
        generation = self._session.generation
        try:
            recalled = await self._loop.run_in_executor(self._threads, self._recalled, look, generation)
        finally:
            self._is_looking = False
            next_look, self._next_look = self._next_look, None
        if recalled is None and next_look is not None:
            self._look(next_look)
        if recalled is None or self._loop.time() < self._rests_until:
            return
        self._has_begun = True
        self._foresight = Foresight(recalled.names)
        self._left = left = deque(large_first(recalled.files))
        async with asyncio.TaskGroup() as tasks:
            for number in range(min(self._lookup.downloads.at_once, len(left))):
                tasks.create_task(self._fetch_all(left), name=f"prefetch {number}")

    def _recalled(self, look: "Look", generation: Generation) -> "Recalled | None":
        """In a thread."""
        self._recall = self._recall or self._make_recall()
        return look(self._recall, generation)

    async def _fetch_all(self, left: deque[PinnedPackage]) -> None:
        """One of several that share the list, so that a few files are on their way at once and not all of them."""
        while left:
            await self._fetch(left.popleft())

    async def _fetch(self, file: PinnedPackage) -> None:
        wanted = file.entry.wanted
        suppliers = self._lookup.suppliers(file.repository, quoted(file.relative))
        growth = self._lookup.downloads.join(wanted, suppliers, Priority.PREFETCHED)
        if growth.state is GrowthState.COMPLETE:  # a client or another process was quicker
            return
        self._coming.add(wanted.digest)
        try:
            await until(growth, partial(has_ended, growth))
        finally:
            self._coming.discard(wanted.digest)
        if growth.error is None:
            self._came[wanted.digest] = growth.size or 0
        elif not isinstance(growth.error, MissingUpstreamError | ReplacedError):
            self._rests_until = max(self._rests_until, self._loop.time() + _TROUBLE_S)
            self._give_up()


def large_first(files: Sequence[PinnedPackage]) -> list[PinnedPackage]:
    """The order in which a list is there soonest: large files, the largest before the others, then as they were asked.

    At 100 Mbit/s gcc takes 1.5 s of one connection; begun last, all that is behind it would wait.
    """

    def large(file: PinnedPackage) -> int:
        size = file.entry.wanted.size or 0
        return size if size >= _LARGE else 0

    return sorted(files, key=large, reverse=True)
