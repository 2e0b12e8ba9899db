# SPDX-License-Identifier: MIT
"""A further place for the bytes of an open file: the same file if the file system can, else a clone, else a copy.

Rule: it is the open file that gets the place, whatever its name leads to by now: who has verified a descriptor places
what was verified.
"""

import errno
import fcntl
import os
from enum import StrEnum
from io import FileIO
from pathlib import Path

from aptfreeze.archive.checks import pieces

_FICLONE = 0x40049409
"""ioctl_ficlone(2)."""
_CANNOT_LINK = frozenset({errno.EXDEV, errno.EPERM, errno.EMLINK, errno.EACCES, errno.ENOENT, errno.EOPNOTSUPP})
"""Another file system, somebody else's file (`fs.protected_hardlinks`), too many names, a file without a name."""


class How(StrEnum):
    LINKED = "linked"
    CLONED = "cloned"
    """Other metadata, the same blocks, until one of both is written to: btrfs, XFS."""
    COPIED = "copied"


def place(source: int, target: Path, mode: int) -> How:
    """Put the open file `source` at `target`, where nothing is; what is no link gets this mode. Raises OSError."""
    if link(source, target):
        return How.LINKED
    with open_new(target, mode) as file:
        if clone(source, file.fileno()):
            return How.CLONED
        for piece in pieces(source):
            file.write(piece)
    return How.COPIED


def link(source: int, target: Path) -> bool:
    """Give the open file a further name; whether the file system could. Raises OSError for what else is wrong."""
    folder = os.open("/proc/self/fd", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        # linkat(2): with AT_SYMLINK_FOLLOW, which Python passes only beside a folder's descriptor
        os.link(str(source), target, src_dir_fd=folder, follow_symlinks=True)
    except OSError as error:
        if error.errno not in _CANNOT_LINK or not target.parent.is_dir():
            raise
        return False
    finally:
        os.close(folder)
    return True


def clone(source: int, target: int) -> bool:
    """Let an open, empty file share the blocks of another one; whether the file system could."""
    try:
        fcntl.ioctl(target, _FICLONE, source)
    except OSError:
        return False
    return True


def open_new(path: Path, mode: int) -> FileIO:
    """A file for writing that does not exist yet. Raises OSError."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    return FileIO(fd, "wb")
