# SPDX-License-Identifier: MIT
"""The serving side without sockets: requests go to the handler, replies are read as a connection would send them.

with Handling(environment, archive, settings) as handling:
    assert handling.get(url).status == 200
"""

import asyncio
import os
import threading
from collections.abc import Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeVar

from aptfreeze.environment.folder import Environment
from aptfreeze.environment.process import Process
from aptfreeze.environment.store import EnvironmentStore
from aptfreeze.fetch.opened import open_archive
from aptfreeze.http.message import Headers, Request
from aptfreeze.serve.assembly import Parts, World, assembled
from aptfreeze.serve.reply import FileBody, Inline, Reply
from aptfreeze.settings import Settings
from support.client import APT_USER_AGENT

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    reason: str
    body: bytes


class Handling:
    """One session, its event loop in a thread; `told` is what a person was shown."""

    def __init__(self, environment: Path, settings: Settings, command: str = "test") -> None:
        environment.mkdir(parents=True, exist_ok=True)
        self.told: list[str] = []
        self._process = Process.current(command)
        self.store = EnvironmentStore(Environment(environment), self._process, locked=settings.locked)
        self._settings = settings
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._ended = asyncio.Event()

    def __enter__(self) -> Self:
        self._thread.start()
        self._opening = open_archive(self._settings)
        self.archive = self._opening.__enter__()
        self._threads = ThreadPoolExecutor(8)
        generation = self.store.init() if not self.store.locked.value else self.store.load()
        world = World(self.store, generation, self._settings, self._process, self.told.append)
        ready = threading.Event()

        async def serve() -> None:
            async with asyncio.TaskGroup() as tasks:
                threads = self._threads
                self.parts: Parts = assembled(world, self.archive, threads, threads, tasks, frozenset())
                ready.set()
                await self._ended.wait()

        self._serving = asyncio.run_coroutine_threadsafe(serve(), self._loop)
        assert ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._ended.set)
        self._serving.result(10)
        self._threads.shutdown()
        self._opening.__exit__(None, None, None)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Its result, out of the event loop."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(30)

    def ask(
        self, *targets: str, method: str = "GET", agent: str = APT_USER_AGENT, client: str = "127.0.0.1"
    ) -> list[Answer]:
        """The answers to requests that are made at once."""
        return self.asking(*targets, method=method, agent=agent, client=client).result(30)

    def asking(
        self, *targets: str, method: str = "GET", agent: str = APT_USER_AGENT, client: str = "127.0.0.1"
    ) -> "Future[list[Answer]]":
        """The same, without waiting for the answers."""

        async def all_at_once() -> list[Answer]:
            headers = Headers([("User-Agent", agent)])
            requests = [Request(method, t.encode(), "1.1", headers, True, client) for t in targets]
            return await asyncio.gather(*[self._answer(request) for request in requests])

        return asyncio.run_coroutine_threadsafe(all_at_once(), self._loop)

    def get(self, target: str, **options: str) -> Answer:
        (answer,) = self.ask(target, **options)
        return answer

    async def _answer(self, request: Request) -> Answer:
        answer = self.parts.handler.answer(request)
        reply = answer if isinstance(answer, Reply) else await answer
        body = b"" if request.method == "HEAD" else await asyncio.to_thread(_body_of, reply)
        if reply.done is not None:
            reply.done(len(body), True)
        first, _, _ = reply.head.partition(b"\r\n")
        _, status, reason = first.decode("latin-1").split(" ", 2)
        return Answer(int(status), reason, body)


def _body_of(reply: Reply) -> bytes:
    """Of a reply that is not passed through."""
    if isinstance(reply.body, Inline):
        return reply.body.data
    assert isinstance(reply.body, FileBody)
    reply.body.growth.wait(30)
    return os.pread(reply.body.growth.descriptor(), reply.body.size, reply.body.start)
