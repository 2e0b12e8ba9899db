# SPDX-License-Identifier: MIT
"""A server that outlives generations: each request is answered from the one that is current when it comes.

Rule 1: the lock file says which one is current. Whether it has changed is looked at before a request is answered, but
not more often than a person can notice.
Rule 2: requests that come while it is read wait for that; those that came before keep the generation they came in.
Rule 3: a lock file that is no good (an unfinished merge) is told once, and changes nothing.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

from aptfreeze.http.message import BadRequest, Request
from aptfreeze.serve.boundary import answered
from aptfreeze.serve.reply import Handler, Reply

_LOOK_EVERY_S = 0.02


class Following:
    """Mutable state: who answers now, what the lock file was like when it was read, when it was looked at last, and
    the reading that is under way."""

    def __init__(
        self, handler: Handler, lock_file: Path, follow: Callable[[], Awaitable[Handler]], tasks: asyncio.TaskGroup
    ) -> None:
        """`follow` reads the lock file and says who answers from now on; it raises nothing."""
        self._handler = handler
        self._lock_file = lock_file
        self._follow = follow
        self._tasks = tasks
        self._loop = asyncio.get_running_loop()
        self._seen: tuple[int, ...] = ()  # it may have changed since the generation was loaded
        self._looked_at = 0.0
        self._reading: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        return f"<Following {self._lock_file}, {self._handler!r}>"

    def answer(self, request: Request) -> Reply | asyncio.Future[Reply]:
        if self._reading is None and not self._has_changed():
            return self._handler.answer(request)
        return self._tasks.create_task(answered(request, self._late(request)), name=f"late {request.target[-80:]!r}")

    def refuse(self, bad: BadRequest) -> Reply:
        return self._handler.refuse(bad)

    def _has_changed(self) -> bool:
        now = self._loop.time()
        if now - self._looked_at < _LOOK_EVERY_S:
            return False
        self._looked_at = now
        found = self._look()
        if found == self._seen:
            return False
        self._seen = found
        self._reading = self._tasks.create_task(self._read(), name="read the lock file")
        return True

    def _look(self) -> tuple[int, ...]:
        try:
            found = os.stat(self._lock_file)  # noqa: PTH116 (before each request: pathlib takes twice as long)
        except OSError:
            return ()
        return (found.st_ino, found.st_mtime_ns, found.st_size)

    async def _read(self) -> None:
        self._handler = await self._follow()
        self._reading = None

    async def _late(self, request: Request) -> Reply:
        if self._reading is not None:
            await asyncio.shield(self._reading)
        reply = self._handler.answer(request)
        return reply if isinstance(reply, Reply) else await reply
