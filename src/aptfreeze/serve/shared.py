# SPDX-License-Identifier: MIT
"""One call in a thread for all who want the same at the same time.

Rule 1: the call belongs to nobody: it goes on when those who asked have left.
Rule 2: what follows from its result happens once, in the event loop, before anybody is told, and also if nobody is
left to be told.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from concurrent.futures import Executor
from functools import partial
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


class SharedCalls(Generic[K, T]):
    """Mutable state: the calls under way, by what they are about. `follow` is what follows from a result."""

    def __init__(self, threads: Executor, follow: Callable[[K, T], None]) -> None:
        self._threads = threads
        self._follow = follow
        self._running: dict[K, asyncio.Future[T]] = {}

    def __repr__(self) -> str:
        return f"<SharedCalls {len(self._running)} under way>"

    def __len__(self) -> int:
        return len(self._running)

    def __contains__(self, key: K) -> bool:
        return key in self._running

    def join(self, key: K, call: Callable[[], T]) -> Awaitable[T]:
        """The result of the call that is under way for `key`, else of `call`; its exception is everybody's."""
        future = self._running.get(key)
        if future is None:
            future = self._running[key] = asyncio.get_running_loop().run_in_executor(self._threads, call)
            future.add_done_callback(partial(self._ended, key))
        return asyncio.shield(future)

    def _ended(self, key: K, future: asyncio.Future[T]) -> None:
        del self._running[key]
        if not future.cancelled() and future.exception() is None:
            self._follow(key, future.result())
