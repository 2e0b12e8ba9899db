# SPDX-License-Identifier: MIT
"""What happens to a suite between the first request for it and its line in the lock file.

Rule 1: one pin for all who ask: waiters of this process share one fetch, other processes share the state's pin.
Rule 2: a new pin is provisional until the first file that it lists has verified; then it is committed.
Rule 3: if such a file cannot be had from any mirror, the mirror is in the middle of an update: the pin is dropped,
the client is told to come again, and the next InRelease request starts anew. A committed pin is never dropped.
Rule 4: a pin of which nobody asked a package index is committed in the end. One whose index was still on its way is
neither committed nor dropped: nothing is known of it, and the next run goes on with it.
Rule 5: what happened to a pin counts in the session also if the client that caused it has left; and what happened to
a file of an earlier pin of the suite says nothing about the present one.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from aptfreeze.archive.objects import Objects
from aptfreeze.deb.paths import Location
from aptfreeze.environment.continuity import alias_notice
from aptfreeze.environment.store import EnvironmentStore, Placed
from aptfreeze.errors import AptfreezeError, MidSyncError, RefusedError, UpstreamError
from aptfreeze.fetch.failures import ClosingError
from aptfreeze.fetch.lookup import Lookup
from aptfreeze.freeze.digest import Digest
from aptfreeze.freeze.generation import Pin, SuiteKey
from aptfreeze.freeze.resolve import find_suite
from aptfreeze.serve.session import Session
from aptfreeze.serve.shared import SharedCalls
from aptfreeze.values import immutable

if TYPE_CHECKING:
    from aptfreeze.environment.pinning import Pinning


@immutable
class _Won:
    """The pin that every run of this environment uses now."""

    placed: Placed
    remark: str = ""
    """Empty if another run pinned it."""


class FirstSight:
    """Mutable state: what is being pinned, committed and dropped; pins not yet compared with other repositories'.

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
        self._suites = SharedCalls[SuiteKey, _Won](threads, lambda _, won: self._adopt(won))
        self._singles = SharedCalls[str, Digest](threads, self._adopt_single)
        self._drops = SharedCalls[tuple[SuiteKey, Pin], str](threads, self._dropped)
        self._uncompared: set[SuiteKey] = set()

    def __repr__(self) -> str:
        return f"<FirstSight {len(self._suites)} suites under way, {len(self._session.provisional)} provisional>"

    # --- pinning ---

    async def suite(self, key: SuiteKey, asked: str) -> None:
        """Add a pin of `key` to the session's generation; raises what forbids it or hinders it."""
        won = await self._suites.join(key, partial(self._pin, key, asked))
        await self._warn_of_a_second_name(won.placed.key)
        if find_suite(self._session.generation, key.repository, key.suite) is None:
            raise mid_sync(key) if won.placed.key in self._session.dropped else self._unclear(key, won.placed.key)

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
        return found and self._store.add_provisional(own.id, *found)  # which refuses it under --locked

    def _adopt(self, won: _Won) -> None:
        session, placed = self._session, won.placed
        if placed.key in session.generation.pins:
            return
        session.generation = session.generation.with_pin(placed.key, placed.pin)
        session.dropped.discard(placed.key)
        self._uncompared.add(placed.key)
        if not placed.is_committed:
            session.provisional.add(placed.key)
        if won.remark:
            session.pinned_now[placed.key] = placed.pin
            session.tell(f"pinned {placed.key}: {won.remark}")
            if notice := alias_notice(placed.key, placed.pin):
                session.notice(notice)

    async def _warn_of_a_second_name(self, key: SuiteKey) -> None:
        pins = self._session.generation.pins
        if key not in self._uncompared or key not in pins:
            return
        self._uncompared.discard(key)
        pin = pins[key]
        others = [  # one that is yet to be compared finds this one then: two that come at once are told once
            (other, its_pin)
            for other, its_pin in pins.items()
            if other.repository != key.repository and its_pin.codename == pin.codename and its_pin.root != pin.root
            if other not in self._uncompared
        ]
        if pin.codename and others:
            compare = partial(self._second_name, key, pin, others)
            warning = await asyncio.get_running_loop().run_in_executor(self._threads, compare)
            if warning:
                self._session.notice(warning)

    def _second_name(self, key: SuiteKey, pin: Pin, others: list[tuple[SuiteKey, Pin]]) -> str:
        """In a thread: the usual leak of R1 is one repository under two names, frozen at two times."""
        try:
            mine = self._lookup.release(key, pin)
            releases = [(other, self._lookup.release(other, its_pin)) for other, its_pin in others]
        except AptfreezeError:
            return ""  # one of them is not in this archive: it is no fault of the suite that was asked
        for other, its in releases:
            if (its.origin, its.label, its.codename) == (mine.origin, mine.label, mine.codename) and mine.origin:
                return (
                    f"{key} and {other} say that they are the same suite ({mine.origin} {mine.codename}) but are "
                    "frozen in different states. If they are two names of one repository, tell it in aptfreeze.toml:"
                    f'\n[mirrors]\n"{other.repository}" = ["http://{other.repository}", "http://{key.repository}"]'
                )
        return ""

    # --- the fate of a provisional pin ---

    def is_provisional(self, key: SuiteKey, pin: Pin) -> bool:
        """Whether the fate of this very pin is open: an earlier one of the suite may have been dropped."""
        return key in self._session.provisional and self._session.generation.pins.get(key) == pin

    async def confirmed(self, key: SuiteKey, pin: Pin) -> None:
        """A file that the pin lists has verified: it goes into the lock file."""
        if self.is_provisional(key, pin):
            await self._commit_provisional({key})

    async def commit_unasked(self, keys: set[SuiteKey]) -> None:
        """Commit those of the pins that are provisional still because nobody asked for an index."""
        asked = {SuiteKey(index.repository, index.suite) for index in self._session.record.usage().indexes}
        await self._commit_provisional(keys - asked)

    async def _commit_provisional(self, keys: set[SuiteKey]) -> None:
        """Commit those of the pins that are provisional still; nothing spoke against them.

        What hinders it is a verdict: clients were served what the lock file does not have.
        """
        for key in sorted(keys & self._session.provisional):
            pin = self._session.generation.pins[key]
            if (key, pin) in self._drops:
                continue
            self._session.provisional.discard(key)
            try:
                await asyncio.get_running_loop().run_in_executor(self._threads, self._commit, key, pin)
            except AptfreezeError as error:
                self._session.verdict(f"the pin of {key} could not be written: {error}")
                if isinstance(error, MidSyncError | RefusedError):  # another run has settled it otherwise
                    self._session.retract(key)
                else:
                    self._session.provisional.add(key)

    def _commit(self, key: SuiteKey, pin: Pin) -> None:
        self._objects.sync()
        self._store.commit(self._session.generation.id, {key: pin})

    async def failed(self, key: SuiteKey, pin: Pin, file: str, error: UpstreamError) -> AptfreezeError:
        """What a client is told when a file of the suite cannot be had; a provisional pin is dropped."""
        if self.is_provisional(key, pin) and not isinstance(error, ClosingError):
            reason = f"{file} cannot be had: {error.message}"
            await self._drops.join((key, pin), partial(self._drop, key, pin, reason))
        return error if self._session.generation.pins.get(key) == pin else mid_sync(key)

    def _drop(self, key: SuiteKey, pin: Pin, reason: str) -> str:
        """In a thread: why the pin is void now; empty if another run has seen an index of it verify."""
        generation_id = self._session.generation.id
        is_dropped = self._store.drop(generation_id, key, pin, reason)
        is_committed = not is_dropped and self._store.generation(generation_id).pins.get(key) == pin
        return "" if is_committed else reason

    def _dropped(self, place: tuple[SuiteKey, Pin], reason: str) -> None:
        key, pin = place
        if not self.is_provisional(key, pin):
            return
        if not reason:
            self._session.provisional.discard(key)
            return
        self._session.retract(key)
        self._session.notice(
            f"the pin of {key} was dropped before any index verified ({reason}); the next InRelease request pins anew"
        )

    # --- single files ---

    async def single(self, url: str, location: Location) -> None:
        """Pin a file outside every chain by its url (without scheme)."""
        await self._singles.join(url, partial(self._pin_single, url, location))

    def _pin_single(self, url: str, location: Location) -> Digest:
        own = self._store.generation(self._session.generation.id)
        if url in own.extra:
            return own.extra[url]
        digest = self._pinning().single(location.raw_text)
        return self._store.add_extra(own.id, url, digest)

    def _adopt_single(self, url: str, digest: Digest) -> None:
        if url not in self._session.generation.extra:
            self._session.generation = self._session.generation.with_extra(url, digest)
            self._session.tell(f"pinned the single file {url} ({digest})")


def mid_sync(key: SuiteKey) -> MidSyncError:
    """The answer to every file of a suite whose provisional pin was dropped."""
    return MidSyncError(
        f"the mirror of {key} is in the middle of an update: its InRelease and its indexes do not fit together",
        hint="run apt-get update again in a minute, or add another mirror to [mirrors] in aptfreeze.toml",
    )
