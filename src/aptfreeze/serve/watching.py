# SPDX-License-Identifier: MIT
"""What a person at a terminal sees of a session: looked at a few times a second, as long as it lasts.

Rule: nothing here waits, and nothing waits for it; an error of it ends the looking, and nothing else.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from aptfreeze.describe.progress import ServingProgress, SourcesProgress
from aptfreeze.describe.watching import EVERY_S, Look, Show
from aptfreeze.serve.running import Running


@contextmanager
def watched(look: Look, show: Show | None, *, every_s: float = EVERY_S) -> Iterator[None]:
    """Show what `look` sees until the context is left, then nothing any more. Without `show`, nobody looks.

    It looks for the first time after `every_s`: what is over sooner is not shown.
    """
    if show is None:
        yield
        return
    loop = asyncio.get_running_loop()
    timer: asyncio.TimerHandle

    def tick() -> None:
        nonlocal timer
        show(look(loop.time()))
        timer = loop.call_later(every_s, tick)

    timer = loop.call_later(every_s, tick)
    try:
        yield
    finally:
        timer.cancel()
        show(None)


def sources_of(proxy: Running, tell: Callable[[str], None]) -> Look:
    """A look at the Sources indexes that the proxy awaits; once there are any, `tell` is told which."""
    progress = SourcesProgress(tell)
    return lambda now: progress.line(proxy.awaited(), now)


def serving_of(proxy: Running) -> Look:
    """A look at what the proxy does for its clients."""
    progress = ServingProgress()
    return lambda now: progress.line(proxy.activity(), now)
