# SPDX-License-Identifier: MIT
"""The growing file of one download, the only channel between the one who fetches and all who read, in any process.

Rule 1: who holds the flock of `partial/<algorithm>-<hex>` writes it, only at its end; everyone else only reads.
Rule 2: bytes that turned out wrong are never overwritten: the file is replaced by a new one, and the old one, which
readers may have open, has no name any more (`is_discarded`).
Rule 3: a file without a holder belongs to somebody who was killed or gave up. Its bytes are hashed again, and the
download goes on behind them.
Rule 4: another user's file is followed like any other, but not gone on with: who gets its lock begins a new one.
Rule 5: who will not wait for the holder writes a file of his own, which nobody else knows; then there are two who
make the same object, and that is allowed.
Rule 6: a finished download is renamed to an object while the flock is held, so that whoever gets the lock next
sees that the name is gone.
"""

import errno
import fcntl
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Self

from aptfreeze.archive.checks import pieces
from aptfreeze.archive.flock import is_named, try_lock
from aptfreeze.archive.growth import Descriptor
from aptfreeze.archive.hashing import Fingerprint
from aptfreeze.archive.objects import Objects
from aptfreeze.freeze.digest import Digest, Wanted


class Partial:
    """An open partial file, ours to write (`is_mine`) or another process's to follow.

    Mutable state, all of the one thread that uses it: the file, whether we hold its flock, the running hashes of its
    bytes, and who sent them.
    """

    def __init__(self, objects: Objects, wanted: Wanted, *, is_shared: bool = True) -> None:
        """Open or make the file, and lock it if nobody else has; one of our own if not shared. Raises OSError."""
        self.wanted = wanted
        self.contributors: set[str] = set()
        """Whose bytes are in the file; blame needs a single one."""
        self._objects = objects
        self._is_shared = is_shared
        self._path = objects.layout.partial(wanted.digest) if is_shared else objects.layout.temporary()
        self._fingerprint = Fingerprint(wanted.algorithms)
        self._file, self.is_mine = _open(self._path)

    def __repr__(self) -> str:
        return f"<Partial {self._path.name} {'mine' if self.is_mine else 'followed'}, {self.have} bytes>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Leave the bytes, if there are any, for whoever goes on; the flock ends with the descriptor."""
        if self._file.fd >= 0 and self.is_mine and self._is_useless and self.is_named:
            self._path.unlink(missing_ok=True)
        self._file.close()

    @property
    def _is_useless(self) -> bool:
        return self.length == 0 or not self._is_shared

    def descriptor(self) -> Descriptor:
        """The same file once more, for readers: opened by itself, since the flock must end with us."""
        return Descriptor.open(Path(f"/proc/self/fd/{self._file.fd}"))

    # --- following ---

    @property
    def length(self) -> int:
        """In bytes, now."""
        return os.fstat(self._file.fd).st_size

    @property
    def is_discarded(self) -> bool:
        """Whether these bytes turned out wrong: nothing more of them may be sent."""
        return os.fstat(self._file.fd).st_nlink == 0

    def take_over(self) -> bool:
        """Try to get the flock; true if its holder has ended. Whether the name is still there, `is_named` tells."""
        self.is_mine = self.is_mine or try_lock(self._file.fd)
        return self.is_mine

    @property
    def is_named(self) -> bool:
        """Whether the file still has the name of a partial one: else it was finished or discarded."""
        return is_named(self._file.fd, self._path)

    @property
    def became_object(self) -> bool:
        """Whether the file was finished and is the object now; then it is trusted, as its holder has verified it."""
        path = self._objects.path(self.wanted.digest)
        if path is None or not is_named(self._file.fd, path):
            return False
        self._objects.trust(self.wanted.digest, os.fstat(self._file.fd))
        return True

    # --- writing ---

    @property
    def have(self) -> int:
        """So many bytes are written and hashed."""
        return self._fingerprint.size

    def inherit(self) -> int:
        """Hash what a killed download left; returns how many bytes that is. Raises OSError.

        What cannot be gone on with is discarded: a file that is too long, or not ours to write.
        """
        is_too_long = self.wanted.size is not None and self.length > self.wanted.size
        if is_too_long or not self._is_ours:
            self.discard()
        for piece in pieces(self._file.fd):
            self._fingerprint.update(piece)
        if self.have:
            self.contributors.add("an earlier download")
        return self.have

    @property
    def _is_ours(self) -> bool:
        """Whether we can write to the file, and write-protect it in the end."""
        may_write = fcntl.fcntl(self._file.fd, fcntl.F_GETFL) & os.O_RDWR
        return bool(may_write) and os.geteuid() in (0, os.fstat(self._file.fd).st_uid)

    def require_room(self) -> None:
        """OSError if the rest will not fit onto the disk; better now than when half of it went to a client."""
        room = os.fstatvfs(self._file.fd)
        if (self.wanted.size or 0) - self.have > room.f_bfree * room.f_frsize:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def append(self, data: bytes) -> None:
        """Raises OSError when the disk is full: what is written then is cut off again."""
        view = memoryview(data)
        written = 0
        try:
            while written < len(view):
                written += os.pwrite(self._file.fd, view[written:], self.have + written)
        except OSError:
            os.ftruncate(self._file.fd, self.have)
            raise
        self._fingerprint.update(data)

    def objection(self) -> str | None:
        """What is wrong with the bytes as a whole; None if they are what is wanted."""
        return self._fingerprint.objection(self.wanted)

    def discard(self) -> None:
        """Start anew in another file, without letting the lock go in between. Raises OSError."""
        fresh = self._objects.layout.temporary()
        file = Descriptor(os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644))
        try_lock(file.fd)
        fresh.rename(self._path)
        self._file.close()
        self._file = file
        self._fingerprint = Fingerprint(self.wanted.algorithms)
        self.contributors.clear()

    def install(self, names: Iterable[Digest] = ()) -> Digest:
        """Make the verified bytes an object, to be found by these verified digests as well; returns its name.

        Raises OSError.
        """
        sha256 = self._fingerprint.sha256
        self._objects.adopt(self._path, sha256, [self.wanted.digest, *names])
        return sha256


def _open(path: Path) -> tuple[Descriptor, bool]:
    """The file that has this name, and whether we got its lock."""
    while True:
        file = _opened(path)
        is_mine = try_lock(file.fd)
        if is_named(file.fd, path):
            return file, is_mine
        file.close()  # finished or discarded between open and lock


def _opened(path: Path) -> Descriptor:
    """For writing; for reading alone if it is there and may not be written."""
    try:
        return Descriptor(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644))
    except PermissionError:
        if not path.exists():
            raise
        return Descriptor.open(path)
