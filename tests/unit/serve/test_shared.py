# SPDX-License-Identifier: MIT
"""One call for all who want the same at the same time."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from aptfreeze.serve.shared import SharedCalls
from support.loops import in_loop


class Work:
    """A call that takes until it may end."""

    def __init__(self, error: Exception | None = None) -> None:
        self.calls = 0
        self.may_end = threading.Event()
        self._error = error

    def __call__(self) -> str:
        self.calls += 1
        assert self.may_end.wait(10)
        if self._error is not None:
            raise self._error
        return "done"


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as threads:
        yield threads


def test_all_who_ask_meanwhile_get_the_result_of_one_call(threads: ThreadPoolExecutor) -> None:
    work, followed = Work(), list[tuple[str, str]]()
    calls = SharedCalls[str, str](threads, lambda key, result: followed.append((key, result)))

    async def story() -> None:
        waiters = [asyncio.ensure_future(calls.join("x", work)) for _ in range(3)]  # noqa: TID251 - awaited below
        assert "x" in calls
        assert "y" not in calls
        work.may_end.set()
        assert await asyncio.gather(*waiters) == ["done"] * 3
        assert len(calls) == 0
        assert await calls.join("x", work) == "done"

    in_loop(story)
    assert work.calls == 2
    assert followed == [("x", "done")] * 2


def test_what_follows_has_happened_when_the_first_is_told(threads: ThreadPoolExecutor) -> None:
    followed: list[str] = []
    calls = SharedCalls[str, str](threads, lambda _, result: followed.append(result))

    async def story() -> None:
        await calls.join("x", lambda: "done")
        assert followed == ["done"]

    in_loop(story)


def test_a_failure_is_everybodys_and_nothing_follows_from_it(threads: ThreadPoolExecutor) -> None:
    work, followed = Work(ValueError("no")), list[str]()
    calls = SharedCalls[str, str](threads, lambda _, result: followed.append(result))

    async def story() -> None:
        waiters = [calls.join("x", work) for _ in range(2)]
        work.may_end.set()
        results = await asyncio.gather(*waiters, return_exceptions=True)
        assert [str(result) for result in results] == ["no", "no"]
        assert "x" not in calls

    in_loop(story)
    assert (work.calls, followed) == (1, [])


def test_it_goes_on_when_those_who_asked_have_left(threads: ThreadPoolExecutor) -> None:
    work, followed = Work(), asyncio.Event()
    calls = SharedCalls[str, str](threads, lambda key, result: followed.set())

    async def story() -> None:
        async def ask() -> None:
            await calls.join("x", work)

        async with asyncio.TaskGroup() as tasks:
            client = tasks.create_task(ask())
            await asyncio.sleep(0)
            client.cancel()
        assert "x" in calls
        work.may_end.set()
        await followed.wait()

    in_loop(story)
