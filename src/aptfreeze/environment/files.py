# SPDX-License-Identifier: MIT
"""The only code that writes files of an environment.

Rule 1: a file is replaced as a whole (new file beside it, fsync, rename, fsync of the folder), so that a reader and a
`kill -9` see the old bytes or the new ones; or it is a `.jsonl` file that whole lines are appended to.
Rule 2: whoever calls `replace` holds the environment's lock: the new file's name is fixed, so a killed writer leaves
at most one stray file, which the next one removes.
Rule 3: `sudo aptfreeze run` must not leave files that the folder's owner cannot change: root gives them away.
Rule 4: an OSError becomes a UsageError that names the file.
Rule 5: a symbolic link is followed where people may have put one, for the lock file; one in the state's folder comes
from a hostile checkout, and whoever runs aptfreeze there, maybe root, must not write to where it points.
Rule 6: a file that the user named for a verb's data (`deliver`) may be a pipe or a device.
"""

import contextlib
import errno
import json
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn

from aptfreeze.errors import UsageError

_IS_A_FOLDER = "a folder lies where this file belongs: move it away"
_READING_HINTS = {
    errno.EACCES: "make it readable for this user",
    errno.EISDIR: _IS_A_FOLDER,
    errno.ELOOP: "it is a symbolic link that leads to itself: put the file in its place",
    errno.ENOTDIR: "a file lies where a folder belongs: move it away",
}
_WRITING_HINTS = {
    errno.EACCES: "make it writable for this user, or use --locked and an environment that is complete",
    errno.EPERM: "make it writable for this user, or use --locked and an environment that is complete",
    errno.EISDIR: _IS_A_FOLDER,
    errno.ENOENT: "make the folder that it belongs into",
    errno.ENOTDIR: "a file lies where a folder belongs: move it away",
    errno.EROFS: "copy the environment's folder to a file system that can be written",
    errno.ENOSPC: "make room and run the same command again; nothing that was written before is lost",
    errno.EDQUOT: "make room and run the same command again; nothing that was written before is lost",
}


def read(path: Path) -> bytes | None:
    """A whole file; None if there is none."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        _tell("read", path, error, _READING_HINTS)


def read_private(path: Path, hint: str) -> bytes | None:
    """A file that holds a private key; UsageError if others than its owner can read or write it. None if there is none.

    `hint` says what to do beside taking these rights away.
    """
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return read(path)  # which says it
    if mode & 0o077:
        raise UsageError(
            f"{path} holds a private key and can be read or written by others (mode {mode:o})",
            hint=f"chmod 600 {path}{hint}",
        )
    return read(path)


def replace(path: Path, data: bytes, *, mode: int = 0o666) -> None:
    """Put `data` in the place of the file, for good when this returns; `mode`, less the umask, is that of a new one.

    A symbolic link is replaced itself; see `followed`.
    """
    beside = path.with_name(f".{path.name}.new")
    try:
        beside.unlink(missing_ok=True)
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        try:
            _keep_mode_and_owner(descriptor, path)
            _write_all(descriptor, data)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        beside.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        _tell("write", path, error, _WRITING_HINTS)


def followed(path: Path) -> Path:
    """Where a file that people may have made a symbolic link really is: the link stays one when that is replaced."""
    return Path(os.path.realpath(path))


def check_deliverable(path: Path) -> None:
    """UsageError if `deliver` could not write this file now, as far as that can be told without writing."""
    try:
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if not _is_special(path) and not os.access(path.parent, os.W_OK | os.X_OK):
            path.parent.stat()
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        _tell("write", path, error, _WRITING_HINTS)


def deliver(path: Path, data: bytes) -> None:
    """Write a file that somebody named for its data. A pipe or a device stays what it is and gets the data."""
    if not _is_special(path):
        replace(followed(path), data)
        return
    try:
        path.write_bytes(data)
    except OSError as error:
        _tell("write", path, error, _WRITING_HINTS)


def take_back(path: Path) -> None:
    """Remove what `deliver` wrote, if it is a file and still there."""
    if not _is_special(path):
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


@contextlib.contextmanager
def told_as_usage(verb: str, path: Path) -> Iterator[None]:
    """An OSError of the block is told as a UsageError: `path` is what somebody named, `verb` what could not be done."""
    try:
        yield
    except OSError as error:
        _tell(verb, path, error, _WRITING_HINTS)


def _is_special(path: Path) -> bool:
    return path.exists() and not path.is_file()


def make_folder(path: Path) -> None:
    """Make a folder and those above it, if missing."""
    try:
        for folder in [*reversed(path.parents), path]:
            with contextlib.suppress(FileExistsError):
                if not folder.exists():
                    folder.mkdir()
                    give_away(folder, folder.parent)
    except OSError as error:
        _tell("create", path, error, _WRITING_HINTS)


def append(path: Path, records: Iterable[Mapping[str, Any]]) -> None:
    """Append one JSON line for each record, in one write: lines of several processes do not mix.

    A line that a killed writer left torn is ended first, so that only that line is lost.
    """
    lines = lines_of(records)
    if not lines:
        return
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
        try:
            size = os.fstat(descriptor).st_size
            if size == 0:
                give_away(descriptor, path.parent)
            elif os.pread(descriptor, 1, size - 1) != b"\n":
                lines = b"\n" + lines
            _write_all(descriptor, lines)
        finally:
            os.close(descriptor)
    except OSError as error:
        _tell("write", path, error, _WRITING_HINTS)


def lines_of(records: Iterable[Mapping[str, Any]]) -> bytes:
    """As `append` writes them."""
    return b"".join(json.dumps(record, separators=(",", ":")).encode() + b"\n" for record in records)


def read_records(path: Path, *, beginning: bytes = b"") -> Iterator[dict[str, Any]]:
    """The records of a `.jsonl` file; a line that is torn (its writer was killed) is passed over.

    `beginning`: only those whose line, as `append` writes it, begins so.
    """
    return parse_records(lines(path), beginning=beginning)


def parse_records(lines: Iterable[bytes], *, beginning: bytes = b"") -> Iterator[dict[str, Any]]:
    """The same of the lines of such a file."""
    for line in lines:
        if not line.startswith(beginning):
            continue
        with contextlib.suppress(ValueError, RecursionError):
            record = json.loads(line)
            if isinstance(record, dict):
                yield record


def lines(path: Path) -> Iterator[bytes]:
    """Of a file, one after the other: a record of 100 000 packages has 30 MB. None if there is no file."""
    try:
        with path.open("rb") as file:
            yield from file
    except FileNotFoundError:
        return
    except OSError as error:
        _tell("read", path, error, _READING_HINTS)


def _write_all(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _keep_mode_and_owner(descriptor: int, target: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.fchmod(descriptor, stat.S_IMODE(target.stat().st_mode))
    give_away(descriptor, target.parent)


def give_away(created: int | Path, folder: Path) -> None:
    """What root makes belongs to the owner of the folder that it is made in."""
    if os.geteuid() == 0:
        owner = folder.stat()
        with contextlib.suppress(PermissionError):  # root of a user namespace that does not know the owner
            os.chown(created, owner.st_uid, owner.st_gid)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _tell(verb: str, path: Path, error: OSError, hints: Mapping[int, str]) -> NoReturn:
    raise UsageError(f"cannot {verb} {path}: {error.strerror or error}", hint=hints.get(error.errno or 0)) from error
