# SPDX-License-Identifier: MIT
"""One writer at a time: a flock on a file, with a time limit and a message that names who holds it.

The kernel frees the lock when its holder ends, however it ends: there is no stale lock to remove. Threads of one
process exclude each other too, since each call opens the file anew.
"""

import errno
import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from aptfreeze.environment.files import give_away
from aptfreeze.environment.process import Process
from aptfreeze.errors import UsageError

LIMIT_S = 30.0
_FIRST_PAUSE_S = 0.001
_LONGEST_PAUSE_S = 0.05


@contextmanager
def exclusive(path: Path, process: Process, *, limit_s: float = LIMIT_S) -> Iterator[None]:
    """Hold the lock on `path` (made if missing) during the block; UsageError if it is not free within `limit_s`."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise UsageError(f"cannot open the lock {path}: {error.strerror}") from error
    try:
        _acquire(descriptor, path, limit_s)
        _sign(descriptor, path, process)
        yield
    finally:
        os.close(descriptor)


def _acquire(descriptor: int, path: Path, limit_s: float) -> None:
    deadline = time.monotonic() + limit_s
    pause_s = _FIRST_PAUSE_S
    while not _try(descriptor, path):
        if time.monotonic() >= deadline:
            raise UsageError(
                f"{path} is held by {_holder(descriptor)}; waited {limit_s:g} s",
                hint="wait until that command has ended, or end it, and try again",
            )
        time.sleep(pause_s)
        pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)


def _try(descriptor: int, path: Path) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS):
            raise
        raise UsageError(
            f"the file system of {path} has no flock: {error.strerror}",
            hint="keep the environment's folder on a local file system, or mount the network one with locking",
        ) from error
    return True


def _sign(descriptor: int, path: Path, process: Process) -> None:
    """Tell those who wait who it is. In place: the file that is locked must stay the same; it is only a message."""
    with suppress(OSError):  # a full disk does not keep anybody from holding the lock
        give_away(descriptor, path.parent)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(process.to_record()).encode(), 0)


def _holder(descriptor: int) -> str:
    try:
        return str(Process.from_record(json.loads(os.pread(descriptor, 4096, 0))))
    except (OSError, ValueError):
        return "another aptfreeze command"
