# SPDX-License-Identifier: MIT
"""Source packages' indexes of the components in use: fetched beside the build, awaited at its end.

A component is in use when one of its Packages was asked. Its Sources is fetched with the lowest priority, so that
the sources of everything that was used can be told, and fetched, as long as this generation lives.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial

from aptfreeze.archive.growth import Growth, GrowthState
from aptfreeze.errors import AptfreezeError, UpstreamError
from aptfreeze.fetch.lookup import Lookup
from aptfreeze.fetch.priority import Priority
from aptfreeze.freeze.generation import Pin, SuiteKey
from aptfreeze.serve.delivery import until


@dataclass(frozen=True, slots=True)
class Missing:
    """A Sources index that could not be had."""

    key: SuiteKey
    component: str
    error: AptfreezeError


class SourcesFollower:
    """Mutable state: the look-ups and downloads under way, by suite and component."""

    def __init__(self, lookup: Lookup, threads: Executor) -> None:
        self._lookup = lookup
        self._threads = threads
        self._wanted: dict[tuple[SuiteKey, str], asyncio.Future[Growth | AptfreezeError | None]] = {}

    def __repr__(self) -> str:
        return f"<SourcesFollower {len(self._wanted)} components>"

    def used(self, key: SuiteKey, pin: Pin, component: str) -> None:
        """A Packages of this component was asked (the component of a flat suite is empty)."""
        if (key, component) not in self._wanted:
            run = asyncio.get_running_loop().run_in_executor
            self._wanted[key, component] = run(self._threads, self._start, key, pin, component)

    def _start(self, key: SuiteKey, pin: Pin, component: str) -> Growth | AptfreezeError | None:
        """In a thread: begin the download; None if there is nothing to fetch."""
        try:
            return self._lookup.begin_sources(key, pin, component, Priority.SOURCES)
        except AptfreezeError as error:
            return error

    async def finish(self, progress: Callable[[int, int], None], stop: asyncio.Event) -> list[Missing]:
        """Await all. While one is on its way, `progress` is told the bytes that are there and all that are known of.

        When `stop` is set, those that have not come by then count as missing.
        """
        async with asyncio.TaskGroup() as tasks:
            following = tasks.create_task(self._follow(progress), name="follow Sources")
            stopping = tasks.create_task(stop.wait(), name="stop following Sources")
            await asyncio.wait((following, stopping), return_when=asyncio.FIRST_COMPLETED)
            following.cancel()
            stopping.cancel()
        errors = ((wanted, _error(future)) for wanted, future in self._wanted.items())
        return [Missing(key, component, error) for (key, component), error in errors if error is not None]

    async def _follow(self, progress: Callable[[int, int], None]) -> None:
        outcomes = [await asyncio.shield(future) for future in list(self._wanted.values())]
        growths = [outcome for outcome in outcomes if isinstance(outcome, Growth)]

        def has_ended(growth: Growth) -> bool:
            if growth.state is not GrowthState.GROWING:
                return True
            progress(sum(each.ready for each in growths), sum(each.size or 0 for each in growths))
            return False

        for growth in growths:
            await until(growth, partial(has_ended, growth))


def _error(future: asyncio.Future[Growth | AptfreezeError | None]) -> AptfreezeError | None:
    """Why an index is missing; None if it is not."""
    outcome = future.result() if future.done() else None
    if not future.done() or (isinstance(outcome, Growth) and outcome.state is GrowthState.GROWING):
        return UpstreamError("interrupted while it was fetched; the next run goes on")
    return outcome.error if isinstance(outcome, Growth) else outcome
