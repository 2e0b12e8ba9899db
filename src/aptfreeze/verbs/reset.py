# SPDX-License-Identifier: MIT
"""`aptfreeze reset`: forget pins, so that the next build pins anew."""

from collections.abc import Sequence

from aptfreeze.environment import transitions
from aptfreeze.environment.opened import Opened
from aptfreeze.environment.selection import select
from aptfreeze.freeze.generation import Generation


def reset(opened: Opened, words: Sequence[str]) -> tuple[Generation, Generation]:
    """Forget what the words name, or everything; the generation before, and the current one now."""
    before = opened.store.load()
    if not words:
        return before, transitions.reset(opened.store, before, None)
    chosen = select(before, words)
    return before, transitions.reset(opened.store, before, chosen.keys, chosen.urls)
