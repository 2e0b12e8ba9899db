# SPDX-License-Identifier: MIT
"""`aptfreeze rollback`: an earlier generation is current again."""

from aptfreeze.environment import transitions
from aptfreeze.environment.opened import Opened
from aptfreeze.environment.states import find_state
from aptfreeze.freeze.generation import Generation


def rollback(opened: Opened, word: str | None) -> tuple[Generation, Generation]:
    """Go to the generation that `word` names, else to the one made before; the one before, and the current one now."""
    before = opened.store.load()
    earlier = transitions.previous(opened.store, before) if word is None else find_state(opened.store, word)
    return before, transitions.rollback(opened.store, before, earlier)
