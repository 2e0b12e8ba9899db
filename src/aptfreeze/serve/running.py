# SPDX-License-Identifier: MIT
"""A proxy that runs: everything put together for one session, and taken apart in order.

    async with running(world, "127.0.0.1", 0) as proxy:
        ...                                 # clients are served on proxy.url
        await proxy.finish(progress)        # what a session owes: Sources indexes, commits

Leaving without `finish` (an error, a signal) still writes the record; provisional pins stay for the next run.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from aptfreeze.archive.index import Indexes
from aptfreeze.archive.objects import Objects
from aptfreeze.environment.absent import Absences
from aptfreeze.environment.generations import read_copies
from aptfreeze.environment.machine import architecture
from aptfreeze.environment.process import Process
from aptfreeze.environment.records import Record, Totals, architectures
from aptfreeze.environment.store import EnvironmentStore
from aptfreeze.fetch.download import Downloads
from aptfreeze.fetch.lookup import Lookup
from aptfreeze.fetch.mirrors import Mirrors
from aptfreeze.freeze.generation import Generation
from aptfreeze.freeze.lockfile import state_digest
from aptfreeze.serve.absence import AbsenceDesk
from aptfreeze.serve.delivery import Delivery
from aptfreeze.serve.first_sight import FirstSight
from aptfreeze.serve.frozen import FrozenFiles
from aptfreeze.serve.passing import PassThrough
from aptfreeze.serve.proxy import Proxy
from aptfreeze.serve.server import Server
from aptfreeze.serve.session import Session
from aptfreeze.serve.sources import Missing, SourcesFollower
from aptfreeze.settings import Settings, Sources

if TYPE_CHECKING:
    from aptfreeze.environment.pinning import Pinning

_THREADS = 32
"""For look-ups and pinning; each of them may wait for a mirror."""
_LARGEST_ROOT = 64 << 20
"""Bytes of an InRelease, or of a single file."""
_TEND_EVERY_S = 2.0


@dataclass(frozen=True, slots=True)
class World:
    """What a session begins with."""

    store: EnvironmentStore
    generation: Generation
    settings: Settings
    process: Process
    tell: Callable[[str], None]
    """Shows a line to a person."""
    commit_after_s: float | None = None
    """A provisional pin that no index request has confirmed for so long is committed; None: at the end only."""


@dataclass(frozen=True, slots=True)
class Archive:
    """Everything below the serving side."""

    objects: Objects
    indexes: Indexes
    downloads: Downloads
    mirrors: Mirrors
    lookup: Lookup


@contextmanager
def opened(settings: Settings) -> Iterator[Archive]:
    """The archive with its downloads, which end with the context."""
    objects = Objects(settings.archive.path)
    indexes = Indexes(objects)
    downloads = Downloads(objects, settings.fetch)
    mirrors = Mirrors(settings.mirrors)
    lookup = Lookup(objects, indexes, downloads, mirrors, offline=settings.offline.value)
    try:
        yield Archive(objects, indexes, downloads, mirrors, lookup)
    finally:
        downloads.close()
        objects.close()
        indexes.close()


class Running:
    """The inside of `running`. Mutable state: since when each provisional pin waits."""

    def __init__(
        self,
        world: World,
        archive: Archive,
        session: Session,
        first_sight: FirstSight,
        sources: SourcesFollower | None,
        port: int,
    ) -> None:
        self.session = session
        self.port = port
        self._world = world
        self._archive = archive
        self._first_sight = first_sight
        self._sources = sources
        self._waiting: dict[object, float] = {}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def totals(self) -> Totals:
        fetched = self._archive.downloads.traffic().values()
        return Totals(
            requests=self.session.traffic.requests,
            from_archive=self.session.traffic.from_archive,
            from_mirrors=sum(host.received for host in fetched),
            mirror_requests=sum(host.requests for host in fetched),
        )

    async def finish(self, progress: Callable[[int, int], None]) -> list[Missing]:
        """Await the Sources indexes, commit what is provisional; returns the Sources that could not be had."""
        missing = await self._sources.finish(progress) if self._sources else []
        await self._first_sight.commit(set(self.session.provisional))
        self._hear()
        return missing

    async def tend(self) -> None:
        """Write the record, tell what happened below, commit what nobody confirms; until cancelled."""
        while True:
            await asyncio.sleep(_TEND_EVERY_S)
            self._hear()
            await self._commit_waiting()
            self.session.record.count(self.totals)
            await asyncio.to_thread(self.session.record.flush)

    def close_record(self) -> None:
        self._hear()
        self.session.record.count(self.totals)
        self.session.record.close(datetime.now(UTC), state_digest(self.session.generation))

    def _hear(self) -> None:
        notices = self._archive.objects.notices
        while notices:
            self.session.notice(str(notices.popleft()))

    async def _commit_waiting(self) -> None:
        limit, now = self._world.commit_after_s, asyncio.get_running_loop().time()
        provisional = self.session.provisional
        self._waiting = {key: self._waiting.get(key, now) for key in provisional}
        if limit is not None:
            await self._first_sight.commit({key for key in provisional if now - self._waiting[key] > limit})


@asynccontextmanager
async def running(world: World, host: str, port: int) -> AsyncIterator[Running]:
    """Serve a session on host and port (0: a free one) until the context is left."""
    server = Server()
    with (
        closing(server),
        opened(world.settings) as archive,
        ThreadPoolExecutor(_THREADS, "look-up") as threads,
        ThreadPoolExecutor(_THREADS, "relay") as relays,
    ):
        port = server.listen(host, port)
        try:
            async with asyncio.TaskGroup() as tasks:
                proxy, handler = _assembled(world, archive, threads, relays, tasks, port)
                serving = tasks.create_task(server.serve(handler), name="serve")
                tending = tasks.create_task(proxy.tend(), name="tend")
                try:
                    yield proxy
                finally:
                    tending.cancel()
                    await server.stop()
                    serving.cancel()
                    archive.downloads.close()
                    proxy.close_record()
        except BaseExceptionGroup as group:
            # One error of the body, or of a task, is that error and not a group of one.
            raise group.exceptions[0] if len(group.exceptions) == 1 else group from None


def _assembled(
    world: World, archive: Archive, threads: Executor, relays: Executor, tasks: asyncio.TaskGroup, port: int
) -> tuple[Running, Proxy]:
    settings, store = world.settings, world.store
    session = _session(world)
    offline = settings.offline.value
    first_sight = FirstSight(
        session, store, archive.objects, partial(_pinning, archive, settings), archive.lookup, threads
    )
    wants_sources = settings.policy.sources is not Sources.OFF
    sources = SourcesFollower(archive.lookup, threads) if wants_sources else None
    delivery = Delivery(archive.objects, archive.downloads, session)
    absences = Absences(None if store.is_read_only else store.environment.absent)
    frozen = FrozenFiles(session, archive.lookup, delivery, first_sight, sources, absences, tasks)
    archive_only = Lookup(archive.objects, archive.indexes, archive.downloads, archive.mirrors, offline=True)
    absence = AbsenceDesk(session, archive_only, partial(read_copies, store.environment), threads)
    passing = PassThrough(session, archive.downloads, relays, offline=offline)
    handler = Proxy(
        session,
        archive.lookup,
        archive.mirrors,
        delivery,
        first_sight,
        frozen,
        absence,
        passing,
        tasks=tasks,
        threads=threads,
    )
    return Running(world, archive, session, first_sight, sources, port), handler


def _session(world: World) -> Session:
    store = world.store
    folder = None if store.is_read_only else store.environment.records
    record = Record(folder, world.generation.id, world.process, datetime.now(UTC))
    in_use = architectures(store.environment.records) | {architecture()}
    return Session(world.generation, record, world.tell, architectures=in_use)


def _pinning(archive: Archive, settings: Settings) -> "Pinning":
    # Start-up time: a build whose suites are all pinned needs nothing of OpenPGP.
    from aptfreeze.environment.pinning import Judges, Pinning
    from aptfreeze.trust.backends import backend
    from aptfreeze.trust.keyrings import keyrings_for

    judges = Judges(
        trust=settings.trust,
        verifier=lambda: backend(settings.trust.backend),
        keyrings=lambda repository: keyrings_for(repository, settings.trust),
        now=lambda: datetime.now(UTC),
    )
    return Pinning(
        archive.objects,
        archive.mirrors,
        lambda url: archive.downloads.fetch_bytes([url], _LARGEST_ROOT).data,
        judges,
        offline=settings.offline.value,
    )
