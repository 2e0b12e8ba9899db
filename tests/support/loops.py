# SPDX-License-Identifier: MIT
"""Stories that are told in an event loop."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


def in_loop(story: Callable[[], Awaitable[T]], limit_s: float = 20) -> T:
    """What the story returns; TimeoutError if it hangs. What it logs as an unhandled error, the test fails with."""
    unhandled: list[str] = []

    async def told() -> T:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: unhandled.append(str(context)))
        async with asyncio.timeout(limit_s):
            return await story()

    result = asyncio.run(told())
    assert unhandled == []
    return result
