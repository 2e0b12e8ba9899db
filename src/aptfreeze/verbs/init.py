# SPDX-License-Identifier: MIT
"""`aptfreeze init`: a lock file with an id and no pins. `run` does it by itself."""

from aptfreeze.environment.opened import Opened
from aptfreeze.errors import RefusedError


def init(opened: Opened) -> str:
    """Make the lock file, or keep the one that is there; what to tell."""
    path = opened.environment.lock_file
    if path.exists():
        return f"{path} exists: generation {opened.store.load().id}"
    if opened.store.locked.value:
        raise RefusedError(
            f"{path} does not exist, and {opened.store.locked.origin} forbids to make it",
            hint='run "aptfreeze init" without it, in a folder that can be written',
        )
    return f"made {path}: generation {opened.store.init().id}"
