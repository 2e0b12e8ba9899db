# SPDX-License-Identifier: MIT
"""flock(2) without waiting, on files that others may rename or remove."""

import contextlib
import fcntl
import os
from pathlib import Path

from aptfreeze.archive.growth import Descriptor


def try_lock(fd: int, *, shared: bool = False) -> bool:
    """Lock an open file, or change the lock that is on it; false if somebody else's is in the way. Raises OSError.

    A lock that is being changed may be lost for a moment, and is if that fails.
    """
    try:
        fcntl.flock(fd, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def open_to_lock(path: Path) -> Descriptor:
    """For reading, and to lock it for ourselves alone: on NFS that needs a file that can be written. Raises OSError."""
    try:
        return Descriptor(os.open(path, os.O_RDWR | os.O_CLOEXEC))
    except OSError:  # not ours, or nobody's to write; if there is no such file, this says it
        return Descriptor.open(path)


def make_lock(path: Path) -> Descriptor:
    """The same; the file is made if there is none, for all who may write to its folder. Raises OSError."""
    with contextlib.suppress(FileNotFoundError):
        return open_to_lock(path)
    file = Descriptor(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666))
    with contextlib.suppress(PermissionError):  # another user made it at the same moment, and does it
        os.fchmod(file.fd, 0o666)  # whatever the umask
    return file


def is_named(fd: int, path: Path) -> bool:
    """Whether the path still is this open file's: it was neither removed nor replaced."""
    try:
        named = path.stat()
    except FileNotFoundError:
        return False
    return os.path.samestat(os.fstat(fd), named)
