# SPDX-License-Identifier: MIT
"""`aptfreeze init`: a lock file with an id and no pins. `run` does it by itself."""

from typing import Any

from aptfreeze.environment.opened import Opened
from aptfreeze.errors import RefusedError
from aptfreeze.freeze.generation import Generation
from aptfreeze.values import immutable


@immutable
class Initial:
    """The lock file that there is now."""

    path: str
    generation: Generation
    is_new: bool
    """Whether this made it."""


def init(opened: Opened) -> Initial:
    """Make the lock file, or keep the one that is there."""
    path = opened.environment.lock_file
    if path.exists():
        return Initial(str(path), opened.store.load(), is_new=False)
    if opened.store.locked.value:
        raise RefusedError(
            f"{path} does not exist, and {opened.store.locked.origin} forbids to make it",
            hint='run "aptfreeze init" without it, in a folder that can be written',
        )
    return Initial(str(path), opened.store.init(), is_new=True)


def line(found: Initial) -> str:
    """For people."""
    done = f"made {found.path}" if found.is_new else f"{found.path} exists"
    return f"{done}: generation {found.generation.id}"


def data(found: Initial) -> dict[str, Any]:
    """For `--json`."""
    return {
        "lock_file": found.path,
        "generation": found.generation.id,
        "created": found.generation.created.isoformat(),
        "made": found.is_new,
    }
