# SPDX-License-Identifier: MIT
"""The backbone: one request, from its head to its reply.

    request -> path -> outcome of the generation -> archive, or the one running download -> reply

This is the only path. A plain hit takes it once and is prepared from then on. Every AptfreezeError on the way
becomes an answer here, and nowhere else.
"""

import asyncio
from concurrent.futures import Executor
from dataclasses import replace
from typing import assert_never

from aptfreeze.deb.paths import Location, PathError, quoted
from aptfreeze.errors import AptfreezeError, RefusedError, StorageError, UsageError
from aptfreeze.fetch.lookup import Lookup
from aptfreeze.fetch.mirrors import Mirrors
from aptfreeze.freeze.outcome import (
    Absent,
    Asked,
    Foreign,
    Outcome,
    PinnedFile,
    PinnedPackage,
    PinnedPayload,
    PinnedResigned,
    PinnedRoot,
    PinnedSingle,
    Unpinned,
    UnpinnedSingle,
)
from aptfreeze.freeze.resolve import resolve
from aptfreeze.http.message import BadRequest, Request
from aptfreeze.serve.absence import AbsenceDesk
from aptfreeze.serve.answers import MistakenRequest, error_reply, text_reply
from aptfreeze.serve.boundary import answered
from aptfreeze.serve.connects import Connects, is_from_apt
from aptfreeze.serve.delivery import Delivery
from aptfreeze.serve.first_sight import FirstSight, mid_sync
from aptfreeze.serve.frozen import FrozenFiles
from aptfreeze.serve.passing import PassThrough
from aptfreeze.serve.reply import Reply
from aptfreeze.serve.session import Session

_METHODS = ("GET", "HEAD")
_EVERYDAY = (404, 503)
"""Statuses of errors that are no news for whoever watches: a "no", "come again" (told already)."""


class Proxy:
    """The handler of all connections of a session. Holds no state of its own."""

    def __init__(
        self,
        session: Session,
        lookup: Lookup,
        mirrors: Mirrors,
        delivery: Delivery,
        first_sight: FirstSight,
        frozen: FrozenFiles,
        absence: AbsenceDesk,
        passing: PassThrough,
        connects: Connects,
        *,
        tasks: asyncio.TaskGroup,
        threads: Executor,
    ) -> None:
        self._session = session
        self._lookup = lookup
        self._mirrors = mirrors
        self._delivery = delivery
        self._first_sight = first_sight
        self._frozen = frozen
        self._absence = absence
        self._passing = passing
        self._connects = connects
        self._tasks = tasks
        self._threads = threads
        self._loop = asyncio.get_running_loop()

    def __repr__(self) -> str:
        return f"<Proxy {self._session.traffic.requests} requests, {self._delivery!r}, {self._first_sight!r}>"

    def answer(self, request: Request) -> Reply | asyncio.Future[Reply]:
        """The reply to a plain hit at once, to everything else as a task of its own."""
        self._session.traffic.requests += 1
        prepared = self._delivery.prepared(request, self._loop.time())
        if prepared is not None:
            return prepared
        return self._tasks.create_task(
            answered(request, self._answer(request)), name=f"{request.method} {request.target[-80:]!r}"
        )

    def refuse(self, bad: BadRequest) -> Reply:
        """The reply to what is no acceptable request."""
        self._session.traffic.requests += 1
        self._session.traffic.refused += 1
        return text_reply(bad.status, bad.reason, bad.reason, close=True)

    async def _answer(self, request: Request) -> Reply:
        try:
            return await self._reply(request)
        except AptfreezeError as error:
            self._session.traffic.refused += 1
            if isinstance(error, MistakenRequest):
                pass
            elif isinstance(error, RefusedError | UsageError | StorageError):
                self._session.verdict(str(error))
            elif error.status not in _EVERYDAY:
                self._session.failure(str(error))
            return error_reply(error, head_only=request.method == "HEAD")

    async def _reply(self, request: Request) -> Reply:
        if request.method == "CONNECT":
            return await self._connects.answer(request)
        if request.method == "TRACE" or request.target == b"*":
            return self._passing.refuse(request)
        asked = self._asked(request)
        if request.method not in _METHODS:
            return await self._passing.forward(request, asked.location)
        outcome = await self._settled(asked)
        if isinstance(outcome, Unpinned):
            await self._first_sight.suite(outcome.key, outcome.file)
            outcome = await self._settled(asked)
        elif isinstance(outcome, UnpinnedSingle):
            await self._first_sight.single(outcome.url, asked.location)
            outcome = await self._settled(asked)
        return await self._served(request, asked, outcome)

    async def _settled(self, asked: Asked) -> Outcome:
        resolution = resolve(asked, self._session.generation)
        return await self._loop.run_in_executor(self._threads, self._lookup.settle, resolution)

    async def _served(self, request: Request, asked: Asked, outcome: Outcome) -> Reply:
        match outcome:
            case PinnedPackage():
                return await self._frozen.package(request, outcome, asked.location)
            case PinnedFile():
                return await self._frozen.file(request, outcome)
            case PinnedRoot():
                return await self._frozen.root(request, outcome)
            case PinnedPayload() | PinnedResigned():
                return await self._frozen.made(request, outcome)
            case PinnedSingle():
                return await self._frozen.single(request, outcome, asked.location)
            case Absent():
                raise await self._absence.explain(asked, outcome, is_probe=request.method == "HEAD")
            case Foreign():
                return await self._passing.relay(request, asked.location)
            case Unpinned():  # it was pinned just now, and dropped again
                raise mid_sync(outcome.key)
            case UnpinnedSingle():
                raise AptfreezeError(f"{asked.location.text} was pinned and is not part of the generation")
            case _:
                assert_never(outcome)

    def _asked(self, request: Request) -> Asked:
        if request.target.startswith(b"/"):
            raise MistakenRequest(
                "this is an HTTP proxy, and the request names no host",
                hint="set http_proxy to this address, or Acquire::http::Proxy in apt's configuration",
            )
        try:
            location = Location.parse(request.target)
        except PathError as error:
            raise MistakenRequest(f"the request's target cannot be understood: {error}") from error
        identified, session = self._identified(location), self._session
        if location.scheme == "https":
            for host in (location.host, identified.host):
                self._mirrors.schemes.asked_by_https(host)
        return Asked(identified, is_from_apt(request), session.architectures, session.resigns)

    def _identified(self, location: Location) -> Location:
        """The same location under its repository's own name, if it was asked by another one."""
        text = self._mirrors.identify(location.text)
        if text == location.text:
            return location
        host, slash, path = text.partition("/")
        return replace(location, host=host, path=slash + path, raw_path=quoted(slash + path))
