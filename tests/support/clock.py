# SPDX-License-Identifier: MIT
"""Commands with another clock, by libfaketime: not the times of files, and no waiting time.

The library is preloaded without Debian's program `faketime` around it. apt's methods, which become another user, leave
shared memory named by their process id in /dev/shm, and that program ends with "sem_open: File exists" when it gets a
process id again that is taken there; the library goes on.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path

_ONLY_THE_CLOCK = ("NO_FAKE_STAT=1", "FAKETIME_DONT_FAKE_MONOTONIC=1")


def can_move() -> bool:
    """Whether this machine has libfaketime, installed or unpacked by tools/debian-packages."""
    return bool(_libraries()) or shutil.which("faketime") is not None


def days_ahead(days: int, command: Sequence[str]) -> list[str]:
    """The command as it would run so many days later; earlier, if negative."""
    shift = f"{days:+}d"
    if not _libraries():
        return ["env", *_ONLY_THE_CLOCK, "faketime", "-f", shift, *command]  # ours, which preloads too
    # The loader sets $LIB: programs of another architecture find their own library.
    return ["env", *_ONLY_THE_CLOCK, f"FAKETIME={shift}", "LD_PRELOAD=/usr/$LIB/faketime/libfaketime.so.1", *command]


def _libraries() -> list[Path]:
    return list(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
