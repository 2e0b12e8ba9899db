# SPDX-License-Identifier: MIT
"""The threads that run downloads: a demanded one never waits for a thread, the others share a few.

The threads are daemons: none of them can keep the process alive, whatever server it hangs on.
Mutable state, under the lock: the queue of tasks, which of them are still to be run, how many threads there are and
how many of them have nothing to do.
"""

import heapq
import itertools
import threading
from collections.abc import Callable

_IDLE_S = 5.0

Task = Callable[[], None]


class Crew:
    def __init__(self, limit: int) -> None:
        """`limit` threads for what is not urgent."""
        self._limit = limit
        self._queue: list[tuple[bool, int, int, Task]] = []
        self._pending: set[Task] = set()
        self._ages = itertools.count()
        self._threads: set[threading.Thread] = set()
        self._idle = 0
        self._is_closed = False
        self._changed = threading.Condition()

    def __repr__(self) -> str:
        return f"<Crew {len(self._threads)} threads, {self._idle} idle, {len(self._pending)} tasks waiting>"

    def submit(self, task: Task, priority: int, *, at_once: bool) -> None:
        """Run it in a thread, lower priorities first; `at_once`: now, in a new thread if need be."""
        with self._changed:
            self._pending.add(task)
            self._push(task, priority, at_once)

    def hurry(self, task: Task, priority: int, *, at_once: bool) -> None:
        """The same for one that may be waiting already; nothing happens if it runs."""
        with self._changed:
            if task in self._pending:
                self._push(task, priority, at_once)

    def close(self, timeout_s: float) -> None:
        """Drop what waits, and wait so long for what runs."""
        with self._changed:
            self._is_closed = True
            self._pending.clear()
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self._threads, timeout_s)

    def _push(self, task: Task, priority: int, at_once: bool) -> None:
        heapq.heappush(self._queue, (not at_once, priority, next(self._ages), task))
        if len(self._pending) <= self._idle:
            self._changed.notify()
        elif not self._is_closed and (at_once or len(self._threads) < self._limit):
            thread = threading.Thread(target=self._work, name="download", daemon=True)
            self._threads.add(thread)
            thread.start()

    def _work(self) -> None:
        try:
            while (task := self._next()) is not None:
                task()
        finally:
            with self._changed:
                self._leave()

    def _next(self) -> Task | None:
        """The next task, waiting for one; None if this thread is to end. It does not count from then on."""
        with self._changed:
            while not self._is_closed:
                task = self._pop()
                if task is not None:
                    return task
                if self._queue or not self._wait():  # a thread too many for what is left, or idle for long
                    break
            self._leave()
            return None

    def _pop(self) -> Task | None:
        while self._queue and (self._queue[0][0] is False or len(self._threads) <= self._limit):
            *_, task = heapq.heappop(self._queue)
            if task in self._pending:
                self._pending.discard(task)
                return task
        return None

    def _wait(self) -> bool:
        self._idle += 1
        self._changed.wait(_IDLE_S)
        self._idle -= 1
        return bool(self._queue) or self._is_closed

    def _leave(self) -> None:
        self._threads.discard(threading.current_thread())
        if self._is_closed:
            self._changed.notify_all()
        elif self._queue:  # it may have been woken for this, and was one too many
            self._changed.notify()
