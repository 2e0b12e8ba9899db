# SPDX-License-Identifier: MIT
"""What a person at a terminal sees of a command that takes long: a thread looks a few times a second.

Rule: nothing waits for it but the end, which waits for one look; an error of it ends the looking, and nothing else.
`serve.watching` does the same in an event loop.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from aptfreeze.describe.progress import FetchingProgress, Line
from aptfreeze.fetch.download import Downloads

EVERY_S = 0.3

Look = Callable[[float], Line | None]
"""Is given the seconds of a clock that never goes back."""
Show = Callable[[Line | None], None]


@contextmanager
def watched(look: Look, show: Show | None, *, every_s: float = EVERY_S) -> Iterator[None]:
    """Show what `look` sees until the context is left, then nothing any more. Without `show`, nobody looks.

    It looks for the first time after `every_s`: what is over sooner is not shown.
    """
    if show is None:
        yield
        return
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(every_s):
            show(look(time.monotonic()))

    thread = threading.Thread(target=watch, name="progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        show(None)


def fetching_of(downloads: Downloads) -> Look:
    """A look at what is being fetched."""
    progress = FetchingProgress()

    def look(now: float) -> Line | None:
        received = sum(host.received for host in downloads.traffic().values())
        return progress.line(downloads.running(), received, now)

    return look
