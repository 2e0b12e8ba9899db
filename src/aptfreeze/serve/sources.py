# SPDX-License-Identifier: MIT
"""Source packages' indexes of the components in use: fetched beside the build, awaited at its end.

A component is in use when one of its Packages was asked. Its Sources is fetched with the lowest priority, so that
the sources of everything that was used can be told, and fetched, as long as this generation lives.
"""

import asyncio
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial

from aptfreeze.archive.growth import Growth, GrowthState
from aptfreeze.errors import AptfreezeError, UpstreamError
from aptfreeze.fetch.download import Download
from aptfreeze.fetch.failures import ReplacedError
from aptfreeze.fetch.lookup import Lookup
from aptfreeze.fetch.priority import Priority
from aptfreeze.freeze.generation import Pin, SuiteKey
from aptfreeze.serve.delivery import has_ended, until
from aptfreeze.serve.session import Session
from aptfreeze.values import immutable


@immutable
class Missing:
    """A Sources index that could not be had."""

    key: SuiteKey
    component: str
    error: AptfreezeError


Begun = Growth | AptfreezeError | None
"""What became of beginning a download: it goes on, it could not be begun, there is nothing to fetch."""


@dataclass(slots=True)
class _Wanted:
    """The Sources of one component in use."""

    key: SuiteKey
    pin: Pin
    component: str
    begun: asyncio.Future[Begun]

    @property
    def name(self) -> str:
        """`bookworm main`; a flat suite has no component and is told with its repository."""
        return f"{self.key.suite} {self.component}" if self.component else str(self.key)


class SourcesFollower:
    """Mutable state: the look-ups and downloads under way, by suite and component; those that `finish` awaits."""

    def __init__(self, session: Session, lookup: Lookup, threads: Executor) -> None:
        self._session = session
        self._lookup = lookup
        self._threads = threads
        self._wanted: dict[tuple[SuiteKey, str], _Wanted] = {}
        self._awaited: list[_Wanted] = []

    def __repr__(self) -> str:
        return f"<SourcesFollower {len(self._wanted)} components>"

    def used(self, key: SuiteKey, pin: Pin, component: str) -> None:
        """A Packages of this component was asked (the component of a flat suite is empty)."""
        known = self._wanted.get((key, component))
        if known is None or known.pin != pin:  # the suite was dropped and pinned anew
            self._wanted[key, component] = _Wanted(key, pin, component, self._begin(key, pin, component))

    def _begin(
        self, key: SuiteKey, pin: Pin, component: str, priority: Priority = Priority.SOURCES
    ) -> asyncio.Future[Begun]:
        return asyncio.get_running_loop().run_in_executor(self._threads, self._begun, key, pin, component, priority)

    def _begun(self, key: SuiteKey, pin: Pin, component: str, priority: Priority) -> Begun:
        """In a thread: begin the download; None if there is nothing to fetch."""
        try:
            return self._lookup.begin_sources(key, pin, component, priority)
        except AptfreezeError as error:
            return error

    async def finish(self, stop: asyncio.Event) -> list[Missing]:
        """Await all. When `stop` is set, those that have not come by then count as missing."""
        pins = self._session.generation.pins
        wanted = self._awaited = [each for each in self._wanted.values() if pins.get(each.key) == each.pin]
        async with asyncio.TaskGroup() as tasks:
            following = tasks.create_task(self._follow(wanted), name="follow Sources")
            stopping = tasks.create_task(stop.wait(), name="stop following Sources")
            await asyncio.wait((following, stopping), return_when=asyncio.FIRST_COMPLETED)
            following.cancel()
            stopping.cancel()
        self._awaited = []
        errors = ((each, _error(each.begun)) for each in wanted)
        return [Missing(each.key, each.component, error) for each, error in errors if error is not None]

    def awaited(self) -> tuple[Download, ...]:
        """While `finish` waits for one that is being fetched: all that it had to wait for. Else nothing."""
        outcomes = [(each, _outcome(each.begun)) for each in self._awaited]
        growths = [(each, growth) for each, growth in outcomes if isinstance(growth, Growth) and growth.error is None]
        if all(growth.state is GrowthState.COMPLETE for _, growth in growths):
            return ()
        return tuple(Download(each.name, growth.received, growth.size, Priority.SOURCES) for each, growth in growths)

    async def _follow(self, wanted: list[_Wanted]) -> None:
        for each in wanted:
            await self._hurry(each)
        for each in wanted:
            while isinstance(await self._end_of(each), ReplacedError):
                each.begun = self._begin(each.key, each.pin, each.component)

    async def _hurry(self, wanted: _Wanted) -> None:
        """Somebody waits for it now: it gives way no more to downloads whose client is gone."""
        growth = await asyncio.shield(wanted.begun)
        if isinstance(growth, Growth) and not has_ended(growth):
            hurried = self._begin(wanted.key, wanted.pin, wanted.component, Priority.DEMANDED)
            await asyncio.wait((hurried,))
            wanted.begun = hurried

    async def _end_of(self, wanted: _Wanted) -> AptfreezeError | None:
        growth = await asyncio.shield(wanted.begun)
        if not isinstance(growth, Growth):
            return growth
        await until(growth, partial(has_ended, growth))
        return growth.error


def _outcome(begun: asyncio.Future[Begun]) -> Begun:
    return begun.result() if begun.done() else None


def _error(begun: asyncio.Future[Begun]) -> AptfreezeError | None:
    """Why an index is missing; None if it is not."""
    outcome = _outcome(begun)
    if not begun.done() or (isinstance(outcome, Growth) and not has_ended(outcome)):
        return UpstreamError("interrupted while it was fetched; the next run goes on")
    return outcome.error if isinstance(outcome, Growth) else outcome
