# SPDX-License-Identifier: MIT
"""Where files go that leave the archive: a folder, or one stream as a tar archive.

Rule 1: nothing is at the target's name before all of it is there, and on the disk. It is made beside it, in
`.NAME.part`, and renamed; what a killed process left there, the next one takes away.
Rule 2: one process at a time makes a target: the flock of the part decides.
Rule 3: a file that is placed was verified through the descriptor that is given.
Rule 4: a tar archive follows from what is put into it alone: same files, same bytes.
"""

import fcntl
import os
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Protocol

from aptfreeze.archive.checks import pieces
from aptfreeze.archive.layout import sync_file_system
from aptfreeze.archive.placing import How, open_new, place
from aptfreeze.deb import tarhead
from aptfreeze.errors import UsageError


class Outgoing(Protocol):
    """What takes files; all of it raises OSError."""

    counts: Counter[How]
    """How many files were placed how."""

    def put(self, path: str, data: bytes, mode: int = 0o644) -> None:
        """A small file."""

    def place(self, path: str, source: int, size: int) -> None:
        """An open file of that size."""


class OutgoingFolder:
    """Mutable state: the counts, and the folders that exist."""

    def __init__(self, root: Path) -> None:
        self.counts: Counter[How] = Counter()
        self._root = root
        self._made = {root}

    def __repr__(self) -> str:
        return f"<OutgoingFolder {self._root} {self.counts}>"

    def put(self, path: str, data: bytes, mode: int = 0o644) -> None:
        with open_new(self._free(path), mode) as file:
            _write_all(file, data)

    def place(self, path: str, source: int, size: int) -> None:
        self.counts[place(source, self._free(path), 0o444)] += 1

    def _free(self, path: str) -> Path:
        target = self._root / path
        if target.parent not in self._made:
            target.parent.mkdir(parents=True, exist_ok=True)
            self._made.add(target.parent)
        return target


class OutgoingTar:
    """Mutable state: the counts, and how many bytes were written."""

    def __init__(self, stream: IO[bytes], mtime: int) -> None:
        """`mtime` of every file, in seconds since 1970."""
        self.counts: Counter[How] = Counter()
        self._stream = stream
        self._mtime = mtime
        self._written = 0

    def __repr__(self) -> str:
        return f"<OutgoingTar {self._written} bytes>"

    def put(self, path: str, data: bytes, mode: int = 0o644) -> None:
        self._write(tarhead.regular_file(path, len(data), mode=mode, mtime=self._mtime))
        self._write(data + tarhead.padding(len(data)))

    def place(self, path: str, source: int, size: int) -> None:
        self._write(tarhead.regular_file(path, size, mode=0o644, mtime=self._mtime))
        for piece in pieces(source):
            self._write(piece)
        self._write(tarhead.padding(size))
        self.counts[How.COPIED] += 1

    def end(self) -> None:
        self._write(tarhead.end(self._written))

    def _write(self, data: bytes) -> None:
        _write_all(self._stream, data)
        self._written += len(data)


def _write_all(stream: IO[bytes], data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[stream.write(rest) :]


@contextmanager
def outgoing_stream(stream: IO[bytes], mtime: int) -> Iterator[OutgoingTar]:
    """A tar archive on an open stream, which has its end when the block has ended well. Raises OSError."""
    tar = OutgoingTar(stream, mtime)
    yield tar
    tar.end()


@contextmanager
def outgoing_folder(target: Path) -> Iterator[OutgoingFolder]:
    """A folder that is at `target` when the block has ended well; else nothing is there.

    UsageError if there is something already, or another process makes it; raises OSError.
    """
    if target.exists() and not (target.is_dir() and not any(target.iterdir())):
        raise UsageError(f"{target} exists and is no empty folder", hint="name a folder that does not exist yet")
    part = _part_of(target)
    fd = _locked(part, os.O_RDONLY | os.O_DIRECTORY)
    try:
        _clear(part)
        yield OutgoingFolder(part)
        sync_file_system(part)
        part.rename(target)
        _sync(target.parent)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    finally:
        os.close(fd)


@contextmanager
def outgoing_tar(target: Path, mtime: int) -> Iterator[OutgoingTar]:
    """A tar archive that is at `target`, in the place of what was there, when the block has ended well.

    A device or a pipe gets the stream as it comes. UsageError if another process makes it; raises OSError.
    """
    if target.exists() and not target.is_file():
        with target.open("wb", buffering=0) as stream, outgoing_stream(stream, mtime) as tar:
            yield tar
        return
    target = Path(os.path.realpath(target))
    part = _part_of(target)
    fd = _locked(part, os.O_WRONLY | os.O_CREAT)
    try:
        os.ftruncate(fd, 0)
        with open(fd, "wb", buffering=0, closefd=False) as stream, outgoing_stream(stream, mtime) as tar:
            yield tar
        os.fsync(fd)
        part.rename(target)
        _sync(target.parent)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    finally:
        os.close(fd)


def _part_of(target: Path) -> Path:
    return target.with_name(f".{target.name}.part")


def _locked(part: Path, flags: int) -> int:
    """The part, opened, and ours; UsageError if somebody else is at work."""
    while True:
        if flags & os.O_DIRECTORY:
            with suppress(FileExistsError):
                part.mkdir()
        fd = os.open(part, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(fd), os.stat(part, follow_symlinks=False)):  # noqa: PTH116
                return fd
        except BlockingIOError as error:
            os.close(fd)
            raise UsageError(
                f"another process writes {part} right now", hint="wait until it has ended, or name another target"
            ) from error
        except FileNotFoundError:
            pass  # it was finished between our two calls
        os.close(fd)


def _clear(part: Path) -> None:
    """What a killed process left."""
    for path in part.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def _sync(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
