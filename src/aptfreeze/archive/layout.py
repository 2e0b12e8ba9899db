# SPDX-License-Identifier: MIT
"""The archive on disk: where each file lies, and whether this folder can be one.

    <root>/version                          "aptfreeze archive 1"
    <root>/objects/sha256/ab/<hex>          mode 0444; the name is the sha256, so `sha256sum` can check it
    <root>/aliases/<algorithm>/ab/<hex>     text: the sha256 hex of the object with that other hash
    <root>/partial/<algorithm>-<hex>        a download that is running (flock) or can be resumed
    <root>/quarantine/<hex>.<n>             an object that no longer matched its name
    <root>/index/<algorithm>-<hex>.sqlite   look-up tables, rebuildable
    <root>/environments/<key>/              which environments use this archive, and what they pin; see `registry`
    <root>/condemned/<time>/<hex>           objects that nobody needed then; see `condemned`
    <root>/in-use                           flock, shared by all who use the archive; see `sharing`
    <root>/gc.mutex                         flock of the one who removes objects; its text names him
    <root>/tmp/                             files before their rename
    <root>/fsck.json                        how far an interrupted check has come (checkpoint.py)

Rule 1: a path from the network never becomes a file name; a digest does.
Rule 2: what is visible under objects/ was verified and is never modified.
Rule 3: each folder has the permissions of <root>, whatever the umask, and what root makes belongs to its owner: who
may use an archive may use all of it. Files are never written in place, so it does not matter whose they are.
"""

import contextlib
import errno
import itertools
import os
import stat
from pathlib import Path

from aptfreeze.archive.flock import try_lock
from aptfreeze.errors import StorageError, UsageError
from aptfreeze.freeze.digest import Algorithm, Digest
from aptfreeze.values import immutable

_VERSION = "aptfreeze archive 1\n"
_FOLDERS = ("objects/sha256", "aliases", "partial", "quarantine", "index", "tmp", "environments", "condemned")
_OTHERS = {"version", "in-use", "gc.mutex", "lost+found"}
_SETTING = "name another folder with --archive, APTFREEZE_ARCHIVE or [archive] path"
_counter = itertools.count()


@immutable
class Layout:
    """Paths below an archive's root."""

    root: Path

    def object(self, sha256: Digest) -> Path:
        """Where the object of that name is or would be; ValueError for another algorithm."""
        if sha256.algorithm is not Algorithm.SHA256:
            raise ValueError(f"objects are named by sha256, not {sha256.algorithm}")
        return self.root / "objects" / "sha256" / sha256.hex[:2] / sha256.hex

    def alias(self, digest: Digest) -> Path:
        return self.root / "aliases" / digest.algorithm / digest.hex[:2] / digest.hex

    def partial(self, digest: Digest) -> Path:
        return self.root / "partial" / f"{digest.algorithm}-{digest.hex}"

    def index(self, digest: Digest) -> Path:
        return self.root / "index" / f"{digest.algorithm}-{digest.hex}.sqlite"

    @property
    def in_use(self) -> Path:
        return self.root / "in-use"

    @property
    def mutex(self) -> Path:
        return self.root / "gc.mutex"

    @property
    def environments(self) -> Path:
        return self.root / "environments"

    @property
    def condemned(self) -> Path:
        return self.root / "condemned"

    def quarantined(self, sha256: Digest) -> Path:
        """A free name."""
        folder = self.root / "quarantine"
        return next(path for n in itertools.count() if not (path := folder / f"{sha256.hex}.{n}").exists())

    def temporary(self) -> Path:
        """A name in tmp/ that no other thread or process uses."""
        return self.root / "tmp" / f"{os.getpid()}-{os.urandom(6).hex()}-{next(_counter)}"

    def write(self, path: Path, data: bytes, mode: int = 0o644) -> None:
        """The one way a whole file comes into the archive: temporary file, then rename. Raises StorageError."""
        temporary = self.temporary()
        try:
            fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with open(fd, "wb") as file:  # noqa: PTH123 - a descriptor, not a path
                file.write(data)
                file.flush()
                os.fchmod(fd, mode)
            self.rename(temporary, path)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            raise storage_error(self.root, error) from error

    def rename(self, source: Path, target: Path) -> None:
        """`rename(2)`, making the target's folder if need be. Raises OSError."""
        try:
            source.rename(target)
        except FileNotFoundError:
            _make_folder(self.root, target.parent)
            source.rename(target)


def storage_error(root: Path, error: OSError) -> StorageError:
    """A local failure in words: never the mirror's fault."""
    hints = {
        errno.ENOSPC: "free some space, or " + _SETTING,
        errno.EDQUOT: "free some space, or " + _SETTING,
        errno.EACCES: "give this user write access to it, or " + _SETTING,
        errno.EROFS: _SETTING,
    }
    return StorageError(
        f"cannot write to the archive {root}: {error.strerror or error}", hint=hints.get(error.errno or 0)
    )


def sync_file_system(folder: Path) -> None:
    """Have all that was written to the file system of this folder on the disk: one `syncfs(2)`. Raises OSError."""
    import ctypes  # start-up time; needed once per commit

    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        if ctypes.CDLL(None, use_errno=True).syncfs(fd) != 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    finally:
        os.close(fd)


def prepare(root: Path, *, read_only: bool) -> Layout:
    """Check an archive's version, or make a new archive; UsageError if this folder cannot be one."""
    version = root / "version"
    try:
        found = version.read_text("ascii")
    except FileNotFoundError:
        if read_only:
            raise UsageError(f"{root} is no aptfreeze archive: it has no file named version", hint=_SETTING) from None
        _create(root)
        return Layout(root)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read the archive's version file {version}: {error}", hint=_SETTING) from error
    if found != _VERSION:
        raise UsageError(
            f"the archive {root} is of another version: {found.strip()[:80]!r} instead of {_VERSION.strip()!r}",
            hint="use the aptfreeze that made it, or " + _SETTING,
        )
    if not read_only:
        with contextlib.suppress(OSError):  # who cannot write here only reads
            _make_folders(root)  # copies and caches of an archive may have lost its empty ones
    return Layout(root)


def _make_folders(root: Path) -> None:
    for name in _FOLDERS:
        _make_folder(root, root / name)


def _make_folder(root: Path, folder: Path) -> None:
    """With those above it up to the archive's root, as rule 3 says; nothing happens to one that exists."""
    if folder == root:
        return
    _make_folder(root, folder.parent)
    with contextlib.suppress(FileExistsError):
        folder.mkdir()
        status = root.stat()
        if os.geteuid() == 0:
            with contextlib.suppress(PermissionError):  # root of a user namespace that does not know the owner
                os.chown(folder, status.st_uid, status.st_gid)
        folder.chmod(stat.S_IMODE(status.st_mode))


def _create(root: Path) -> None:
    """Several processes may do this at once: each step can be repeated, the version file comes last."""
    try:
        root.mkdir(parents=True, exist_ok=True)
        strangers = {path.name for path in root.iterdir()} - {name.partition("/")[0] for name in _FOLDERS}
        if strangers := strangers - _OTHERS:
            raise UsageError(f"{root} is neither empty nor an archive: it holds {min(strangers)!r}", hint=_SETTING)
        _make_folders(root)
        _probe(root)
    except OSError as error:
        raise UsageError(f"cannot make an archive in {root}: {error.strerror or error}", hint=_SETTING) from error
    Layout(root).write(root / "version", _VERSION.encode())


def _probe(root: Path) -> None:
    """Whether this file system keeps the two promises that concurrent processes rely on (NFS may not)."""
    first, second = Layout(root).temporary(), Layout(root).temporary()
    try:
        with first.open("wb") as mine, first.open("rb") as other:
            try_lock(mine.fileno())
            if try_lock(other.fileno(), shared=True):
                raise UsageError(f"the file system of {root} ignores flock(2)", hint=_SETTING)
            first.rename(second)
            if os.fstat(other.fileno()).st_nlink != 1 or first.exists():
                raise UsageError(f"the file system of {root} does not rename atomically", hint=_SETTING)
    finally:
        first.unlink(missing_ok=True)
        second.unlink(missing_ok=True)
