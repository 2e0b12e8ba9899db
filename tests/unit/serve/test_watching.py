# SPDX-License-Identifier: MIT
"""Looking at a session a few times a second, and showing what is seen."""

import asyncio
from collections.abc import Callable

from aptfreeze.describe.progress import Line
from aptfreeze.serve.watching import watched
from support.loops import in_loop

Shown = list[Line | None]


def shown_by(look: Callable[[float], Line | None], *, until: Callable[[Shown], bool], every_s: float = 0.001) -> Shown:
    """All that was shown of a session that lasts until something was."""
    shown: Shown = []
    changed = asyncio.Event()

    def show(line: Line | None) -> None:
        shown.append(line)
        changed.set()

    async def story() -> None:
        with watched(look, show, every_s=every_s):
            while not until(shown):
                await changed.wait()
                changed.clear()
        last = len(shown)
        await asyncio.sleep(every_s * 3 if every_s < 1 else 0)
        assert len(shown) == last, "nobody looks any more"

    in_loop(story)
    return shown


def test_it_looks_again_and_again_and_leaves_nothing() -> None:
    moments: list[float] = []

    def look(now: float) -> Line | None:
        moments.append(now)
        return Line(f"{len(moments)}")

    shown = shown_by(look, until=lambda shown: len(shown) == 3)

    assert shown == [Line("1"), Line("2"), Line("3"), None]
    assert moments == sorted(moments)


def test_what_is_over_at_once_is_not_shown() -> None:
    assert shown_by(lambda now: Line("never"), until=lambda _: True, every_s=3600) == [None]


def test_without_a_terminal_nobody_looks() -> None:
    def look(now: float) -> Line | None:
        raise AssertionError("nobody wants to know")

    async def story() -> None:
        with watched(look, None, every_s=0.0):
            for _ in range(10):
                await asyncio.sleep(0)

    in_loop(story)
