# SPDX-License-Identifier: MIT
"""What happens to a suite between the first request for it and its line in the lock file.

Rule 1: one pin for all who ask: waiters of this process share one fetch, other processes share the state's pin.
Rule 2: a new pin is provisional until the first file that it lists has verified; then it is committed.
Rule 3: if such a file cannot be had from any mirror, the mirror is in the middle of an update: the pin is dropped,
the client is told to come again, and the next InRelease request starts anew. A committed pin is never dropped.
Rule 4: a pin of which nobody asked a package index is committed in the end. One whose index was still on its way is
neither committed nor dropped: nothing is known of it, and the next run goes on with it.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from aptfreeze.archive.objects import Objects
from aptfreeze.deb.paths import Location
from aptfreeze.environment.store import EnvironmentStore, Placed
from aptfreeze.errors import AptfreezeError, MidSyncError, RefusedError, UpstreamError
from aptfreeze.fetch.failures import ClosingError
from aptfreeze.fetch.lookup import Lookup
from aptfreeze.freeze.digest import Digest
from aptfreeze.freeze.generation import Pin, SuiteKey
from aptfreeze.freeze.resolve import find_suite
from aptfreeze.serve.session import Session

if TYPE_CHECKING:
    from aptfreeze.environment.pinning import Pinning

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Won:
    """The pin that every run of this environment uses now."""

    placed: Placed
    remark: str = ""
    """Empty if another run pinned it."""


class FirstSight:
    """Mutable state: the fetches that are under way, by what they are to pin.

    `pinning` is asked, in a thread, when something is to be pinned.
    """

    def __init__(
        self,
        session: Session,
        store: EnvironmentStore,
        objects: Objects,
        pinning: "Callable[[], Pinning]",
        lookup: Lookup,
        threads: Executor,
    ) -> None:
        self._session = session
        self._store = store
        self._objects = objects
        self._pinning = pinning
        self._lookup = lookup
        self._threads = threads
        self._suites: dict[SuiteKey, asyncio.Future[_Won]] = {}
        self._singles: dict[str, asyncio.Future[Digest]] = {}

    def __repr__(self) -> str:
        return f"<FirstSight {len(self._suites)} suites under way, {len(self._session.provisional)} provisional>"

    # --- pinning ---

    async def suite(self, key: SuiteKey, asked: str) -> None:
        """Add a pin of `key` to the session's generation; raises what forbids it or hinders it."""
        future = self._suites.get(key)
        if future is None:
            future = self._suites[key] = self._run(self._pin, key, asked)
            future.add_done_callback(lambda _: self._suites.pop(key, None))
        won = await asyncio.shield(future)
        if won.placed.key not in self._session.generation.pins:
            self._adopt(won)
            await self._warn_of_a_second_name(won.placed.key, won.placed.pin)
        if find_suite(self._session.generation, key.repository, key.suite) is None:
            raise self._unclear(key, won.placed.key)

    def _unclear(self, key: SuiteKey, rival: SuiteKey) -> RefusedError:
        """Why no pin answers to the suite although one of its names is pinned: which one is meant, nobody can tell."""
        pins = self._session.generation.pins
        named = sorted(k.suite for k, pin in pins.items() if k.repository == key.repository and key.suite in pin.names)
        if named:
            return RefusedError(
                f"{key}: {key.suite} is a name of several pinned suites ({', '.join(named)}), and none of them has it "
                "as its own",
                hint="name one of these suites in the source list instead",
            )
        return RefusedError(
            f"{key}: its Release says that it is {rival.suite} too, and that is pinned as another suite",
            hint=f"name {rival.suite} in the source list instead, or build with the two in two environments",
        )

    def _pin(self, key: SuiteKey, asked: str) -> _Won:
        """In a thread: the environment's pin, or a new one."""
        known = self._known(key)
        if known is not None:
            return _Won(known)
        candidate = self._pinning().candidate(key, asked)
        placed = self._store.add_provisional(self._session.generation.id, key, candidate.pin)
        return _Won(placed, candidate.remark if placed.pin == candidate.pin else "")

    def _known(self, key: SuiteKey) -> Placed | None:
        """A pin that another run of this environment made since this session began."""
        own = self._store.generation(self._session.generation.id)
        found = find_suite(own, key.repository, key.suite)
        if found is not None:
            return Placed(*found, is_committed=True)
        pending = {each: entry.pin for each, entry in self._store.provisional().items()}
        found = find_suite(replace(own, pins=pending), key.repository, key.suite)
        return found and Placed(*found, is_committed=False)

    def _adopt(self, won: _Won) -> None:
        session, placed = self._session, won.placed
        session.generation = session.generation.with_pin(placed.key, placed.pin)
        session.dropped.discard(placed.key)
        if not placed.is_committed:
            session.provisional.add(placed.key)
        if won.remark:
            session.pinned_now[placed.key] = placed.pin
            session.tell(f"pinned {placed.key}: {won.remark}")

    async def _warn_of_a_second_name(self, key: SuiteKey, pin: Pin) -> None:
        others = [
            (other, its_pin)
            for other, its_pin in self._session.generation.pins.items()
            if other.repository != key.repository and its_pin.codename == pin.codename and its_pin.root != pin.root
        ]
        if pin.codename and others:
            warning = await self._run(self._second_name, key, pin, others)
            if warning:
                self._session.notice(warning)

    def _second_name(self, key: SuiteKey, pin: Pin, others: list[tuple[SuiteKey, Pin]]) -> str:
        """In a thread: the usual leak of R1 is one repository under two names, frozen at two times."""
        mine = self._lookup.release(key, pin)
        for other, its_pin in others:
            its = self._lookup.release(other, its_pin)
            if (its.origin, its.label, its.codename) == (mine.origin, mine.label, mine.codename) and mine.origin:
                return (
                    f"{key} and {other} say that they are the same suite ({mine.origin} {mine.codename}) but are "
                    "frozen in different states. If they are two names of one repository, tell it in aptfreeze.toml:"
                    f'\n[mirrors]\n"{other.repository}" = ["http://{other.repository}", "http://{key.repository}"]'
                )
        return ""

    # --- the fate of a provisional pin ---

    async def confirmed(self, key: SuiteKey) -> None:
        """A file that the pin lists has verified: it goes into the lock file."""
        await self._commit_provisional({key})

    async def commit_unasked(self, keys: set[SuiteKey]) -> None:
        """Commit those of the pins that are provisional still because nobody asked for an index."""
        asked = {SuiteKey(index.repository, index.suite) for index in self._session.record.usage().indexes}
        await self._commit_provisional(keys - asked)

    async def _commit_provisional(self, keys: set[SuiteKey]) -> None:
        keys = keys & self._session.provisional
        if keys:
            self._session.provisional -= keys
            pins = {key: self._session.generation.pins[key] for key in sorted(keys)}
            await self._run(self._commit, pins)

    def _commit(self, pins: dict[SuiteKey, Pin]) -> None:
        self._objects.sync()
        self._store.commit(self._session.generation.id, pins)

    async def failed(self, key: SuiteKey, file: str, error: UpstreamError) -> AptfreezeError:
        """What a client is told when a file of the suite cannot be had; a provisional pin is dropped."""
        session = self._session
        if key not in session.provisional or isinstance(error, ClosingError):
            return mid_sync(key) if key in session.dropped else error
        session.provisional.discard(key)
        reason = f"{file} cannot be had: {error.message}"
        if not await self._run(self._store.drop, session.generation.id, key, session.generation.pins[key], reason):
            return error  # another run has seen an index of it verify: it is committed
        session.retract(key)
        session.notice(
            f"the pin of {key} was dropped before any index verified ({reason}); the next InRelease request pins anew"
        )
        return mid_sync(key)

    # --- single files ---

    async def single(self, url: str, location: Location) -> None:
        """Pin a file outside every chain by its url (without scheme)."""
        future = self._singles.get(url)
        if future is None:
            future = self._singles[url] = self._run(self._pin_single, url, location)
            future.add_done_callback(lambda _: self._singles.pop(url, None))
        digest = await asyncio.shield(future)
        if url not in self._session.generation.extra:
            self._session.generation = self._session.generation.with_extra(url, digest)
            self._session.tell(f"pinned the single file {url} ({digest})")

    def _pin_single(self, url: str, location: Location) -> Digest:
        own = self._store.generation(self._session.generation.id)
        if url in own.extra:
            return own.extra[url]
        digest = self._pinning().single(location.raw_url)
        return self._store.add_extra(own.id, url, digest)

    def _run(self, call: Callable[P, T], *arguments: P.args, **_: P.kwargs) -> asyncio.Future[T]:
        return asyncio.get_running_loop().run_in_executor(self._threads, call, *arguments)


def mid_sync(key: SuiteKey) -> MidSyncError:
    """The answer to every file of a suite whose provisional pin was dropped."""
    return MidSyncError(
        f"the mirror of {key} is in the middle of an update: its InRelease and its indexes do not fit together",
        hint="run apt-get update again in a minute, or add another mirror to [mirrors] in aptfreeze.toml",
    )
