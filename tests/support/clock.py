# SPDX-License-Identifier: MIT
"""Commands with another clock, by libfaketime: not the times of files, and no waiting time.

    product.command("status", env=clock.variables(+10 * clock.YEAR))
    run(clock.days_ahead(-30, ["date"]), ...)

The library is preloaded without Debian's program `faketime` around it, and a whole build runs with the other clock:
aptfreeze, mmdebstrap, apt with its methods and gpgv; not what packages run in the new root, which has no libfaketime.
Two things are odd in libfaketime 0.9.10:
- Processes that become another user, as apt's methods do, leave shared memory in /dev/shm, named by their process id. A
  later one with that id (they are small in a namespace) and another owner ends at once; apt then says "At least one
  invalid signature was encountered". So `forget_the_dead` before a build.
- `time.sleep` of Python 3.11 and later ends in EINVAL (clock_nanosleep with an absolute time). Waiting for a lock, an
  event, a socket and in asyncio works.
"""

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

YEAR = 365
"""In days; nothing here depends on leap years."""

_LIBRARY = "faketime/libfaketime.so.1"
_MEMORY = Path("/dev/shm")
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


def forget_the_dead() -> None:
    """Removes the shared memory of processes that have ended, as far as this user may.

    What it takes for ended may run in a namespace of process ids: not beside a build of another test there.
    """
    for path in [*_MEMORY.glob("faketime_shm_*"), *_MEMORY.glob("sem.faketime_sem_*")]:
        with suppress(OSError):
            if not _is_shifted(path.name.rpartition("_")[2]):
                path.unlink()


def _is_shifted(process: str) -> bool:
    with suppress(OSError):
        return "libfaketime" in Path(f"/proc/{process}/maps").read_text(errors="replace")
    return False


def _root() -> str | None:
    """Below which the library lies: empty for the system itself; None: nowhere."""
    places = ("", os.environ.get("APTFREEZE_TOOLS", ""))
    return next((place for place in places if any(Path(f"{place}/usr/lib").glob(f"*/{_LIBRARY}"))), None)
