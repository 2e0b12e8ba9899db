# SPDX-License-Identifier: MIT
"""Commands with another clock, by libfaketime: not the times of files, and no waiting time.

    product.command("status", env=clock.variables(+10 * clock.YEAR))
    run(clock.days_ahead(-30, ["date"]), ...)

The library is preloaded without Debian's program `faketime` around it. apt's methods, which become another user, leave
shared memory named by their process id in /dev/shm, and that program ends with "sem_open: File exists" when it gets a
process id again that is taken there; the library goes on.
"""

import os
from collections.abc import Sequence
from pathlib import Path

YEAR = 365
"""In days; nothing here depends on leap years."""

_LIBRARY = "faketime/libfaketime.so.1"
_ONLY_THE_CLOCK = {"NO_FAKE_STAT": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}


def can_move() -> bool:
    """Whether this machine has libfaketime, installed or unpacked by tools/debian-packages."""
    return _root() is not None


def variables(days: int) -> dict[str, str]:
    """What a process and all that it starts need in their environment to run so many days later, or earlier.

    AssertionError where `can_move` is false: a test that goes on would prove nothing.
    """
    root = _root()
    assert root is not None, "libfaketime is not installed"
    # The loader sets $LIB: programs of another architecture find their own library.
    return {**_ONLY_THE_CLOCK, "FAKETIME": f"{days:+}d", "LD_PRELOAD": f"{root}/usr/$LIB/{_LIBRARY}"}


def days_ahead(days: int, command: Sequence[str]) -> list[str]:
    """The command as it would run so many days later; earlier, if negative."""
    return ["env", *(f"{name}={value}" for name, value in variables(days).items()), *command]


def _root() -> str | None:
    """Below which the library lies: empty for the system itself; None: nowhere."""
    places = ("", os.environ.get("APTFREEZE_TOOLS", ""))
    return next((place for place in places if any(Path(f"{place}/usr/lib").glob(f"*/{_LIBRARY}"))), None)
