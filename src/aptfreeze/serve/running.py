# SPDX-License-Identifier: MIT
"""A proxy that runs: served, tended, and taken apart in order.

    async with running(world, "127.0.0.1", 0) as proxy:
        ...                                 # clients are served on proxy.url
        await proxy.finish(stop)            # what a session owes: Sources indexes, commits

Leaving without `finish` (an error, a signal) still writes the record; provisional pins stay for the next run.
"""

import asyncio
import gc
import socket
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from aptfreeze.environment.known import open_archive_for
from aptfreeze.environment.records import Totals
from aptfreeze.errors import AptfreezeError
from aptfreeze.fetch.download import Download
from aptfreeze.fetch.opened import OpenArchive
from aptfreeze.freeze.lockfile import state_digest
from aptfreeze.serve.assembly import Parts, World, assembled
from aptfreeze.serve.following import Following
from aptfreeze.serve.reply import Handler
from aptfreeze.serve.server import Server
from aptfreeze.serve.session import Session
from aptfreeze.serve.sources import Missing

if TYPE_CHECKING:
    from aptfreeze.describe.progress import Activity

_THREADS = 32
"""For look-ups and pinning; each of them may wait for a mirror."""


class Running:
    """The inside of `running`.

    Mutable state: the parts of the generation that is served, those of earlier ones, what was fetched for those, and
    since when each provisional pin waits.
    """

    def __init__(
        self, world: World, archive: OpenArchive, make: Callable[[World], Parts], server: Server, port: int
    ) -> None:
        """`make` puts the parts together that serve a world's generation."""
        self.port = port
        self._world = world
        self._archive = archive
        self._make = make
        self._server = server
        self._parts = make(world)
        self._past: list[Parts] = []
        self._fetched_before = Totals()
        self._waiting: dict[object, float] = {}
        self._writing = threading.Lock()  # a timer's write may still be on when the proxy closes

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def session(self) -> Session:
        """The present one: of the generation that is served."""
        return self._parts.session

    @property
    def handler(self) -> Handler:
        """Of the generation that is served."""
        return self._parts.handler

    @property
    def totals(self) -> Totals:
        """Of the present session."""
        fetched = self._fetched()
        return Totals(
            requests=self.session.traffic.requests,
            from_archive=self.session.traffic.from_archive,
            from_mirrors=fetched.from_mirrors - self._fetched_before.from_mirrors,
            mirror_requests=fetched.mirror_requests - self._fetched_before.mirror_requests,
        )

    def _fetched(self) -> Totals:
        fetched = self._archive.downloads.traffic().values()
        return Totals(
            from_mirrors=sum(host.received for host in fetched), mirror_requests=sum(host.requests for host in fetched)
        )

    def activity(self) -> "Activity":
        """What is done for clients right now."""
        from aptfreeze.describe.progress import Activity  # start-up time

        connections, downloads = self._server.connections, self._archive.downloads
        return Activity(
            requests=self.session.traffic.requests,
            connections=len(connections),
            is_busy=not all(connection.is_idle for connection in connections),
            downloads=downloads.running(),
            received=sum(host.received for host in downloads.traffic().values()),
        )

    def awaited(self) -> tuple[Download, ...]:
        """The Sources indexes that `finish` waits for."""
        return tuple(each for parts in self._all for each in (parts.sources.awaited() if parts.sources else ()))

    @property
    def _all(self) -> list[Parts]:
        return [*self._past, self._parts]

    async def follow(self) -> Handler:
        """Serve the generation that the lock file names now, with the single files that it has got; who answers from
        now on. Raises nothing.

        What is under way for the one before goes on.
        """
        try:
            found = await asyncio.to_thread(self._world.store.load)
        except AptfreezeError as error:
            self.session.notice(f"{error}\nThe generation before is served until that is mended.")
            return self.handler
        if found.id == self.session.generation.id:
            self.session.adopt(found.extra)
        else:
            await self._parts.first_sight.commit_unasked(set(self.session.provisional))
            self.session.record.count(self.totals)
            self._fetched_before = self._fetched()
            self._past.append(self._parts)
            self._parts = self._make(replace(self._world, generation=found))
            self._world.tell(f"serving generation {found.id[:12]} from now on")
        return self.handler

    async def finish(self, stop: asyncio.Event) -> list[Missing]:
        """Await the Sources indexes, commit what no index spoke for; returns the Sources that could not be had.

        `stop` gives up waiting: what has not come then is fetched by the next session.
        """
        missing: list[Missing] = []
        for parts in self._all:
            if parts.prefetch is not None:
                parts.prefetch.finish()
            missing += await parts.sources.finish(stop) if parts.sources else []
            await parts.first_sight.commit_unasked(set(parts.session.provisional))
            await parts.clashes.look()
        self._hear()
        return missing

    async def tend(self, every_s: float) -> None:
        """Write the record, tell what happened below, commit what nobody confirms; until cancelled."""
        while True:
            await asyncio.sleep(every_s)
            self._hear()
            await self._commit_waiting()
            await self._parts.clashes.look()
            self.session.record.count(self.totals)
            try:
                await asyncio.to_thread(self._flush)
            except AptfreezeError as error:  # a full disk, say: clients are served, and the next time tries again
                self.session.failure(str(error))

    def _flush(self) -> None:
        with self._writing:
            for parts in self._all:
                if parts.log is not None:
                    parts.log.flush()
                parts.session.record.flush()

    def close(self) -> None:
        """Write what is left of record and access log; UsageError if the record cannot be written."""
        self._hear()
        with self._writing:
            self.session.record.count(self.totals)
            for parts in self._all:
                if parts.log is not None:
                    parts.log.close()
            for parts in self._all:
                parts.session.record.close(datetime.now(UTC), state_digest(parts.session.generation))

    def _hear(self) -> None:
        notices = self._archive.objects.notices
        while notices:
            self.session.notice(str(notices.popleft()))

    async def _commit_waiting(self) -> None:
        limit, now = self._world.commit_after_s, asyncio.get_running_loop().time()
        provisional = self.session.provisional
        self._waiting = {key: self._waiting.get(key, now) for key in provisional}
        if limit is not None:
            await self._parts.first_sight.commit_unasked(
                {key for key in provisional if now - self._waiting[key] > limit}
            )


@asynccontextmanager
async def running(
    world: World,
    host: str,
    port: int,
    *,
    listener: socket.socket | None = None,
    grace_s: float = 5.0,
    tend_every_s: float = 2.0,
) -> AsyncIterator[Running]:
    """Serve a session on host and port (0: a free one), or on a `listener` that is there, until the context is left.

    Clients that are in the middle of something then have `grace_s` to get it.
    """
    if not gc.isenabled():  # it rested during the start: see __main__
        gc.freeze()
        gc.enable()
    server = Server()
    with (
        closing(server),
        open_archive_for(world.store, world.settings) as archive,
        ThreadPoolExecutor(_THREADS, "look-up") as threads,
        ThreadPoolExecutor(_THREADS, "relay") as relays,
    ):
        port = server.listen(host, port) if listener is None else server.adopt(listener)
        archive.routes.avoid(port)
        if world.gate is not None:
            from aptfreeze.serve.gate import guard  # start-up time

            archive.downloads.hosts.guarded(guard(world.settings, world.generation, server.addresses))
        try:
            async with asyncio.TaskGroup() as tasks:

                def make(world: World) -> Parts:
                    return assembled(world, archive, threads, relays, tasks, server.addresses)

                proxy = Running(world, archive, make, server, port)
                handler = proxy.handler
                if world.follows:
                    handler = Following(handler, world.store.environment.lock_file, proxy.follow, tasks)
                serving = tasks.create_task(server.serve(handler), name="serve")
                tending = tasks.create_task(proxy.tend(tend_every_s), name="tend")
                try:
                    yield proxy
                finally:
                    tending.cancel()
                    try:
                        await server.stop(grace_s)
                    finally:  # also if that was cancelled: threads that wait for a mirror would hinder the end
                        serving.cancel()
                        archive.downloads.close()
                        proxy.close()
        except BaseExceptionGroup as group:
            # One error of the body, or of a task, is that error and not a group of one.
            raise group.exceptions[0] if len(group.exceptions) == 1 else group from None
