# SPDX-License-Identifier: MIT
"""Whether one file of an archive is what its name says. Nothing is changed by it.

Rule 1: the bytes decide; what an index says of a size follows from them.
Rule 2: a file that is gone, or was replaced, while it was looked at is no fault: objects are replaced by good ones, and
taken away by whoever may.
Rule 3: reading ends at once when the caller has had enough (`Reading.stop`).
"""

import errno
import os
import stat
import threading
from collections.abc import Callable, Iterable
from enum import StrEnum
from pathlib import Path

from aptfreeze.archive.checks import pieces
from aptfreeze.archive.growth import Descriptor
from aptfreeze.archive.hashing import Fingerprint
from aptfreeze.archive.layout import Layout
from aptfreeze.archive.survey import digest_of
from aptfreeze.freeze.digest import Algorithm, Digest
from aptfreeze.values import immutable

_LONGEST_ALIAS = 200
"""Bytes; a sha256 in hex has 64."""
_OTHERS_MAY_WRITE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH


class Kind(StrEnum):
    """What a file is by the folder that it lies in; for people and programs."""

    OBJECT = "object"
    ALIAS = "alias"
    TABLE = "look-up table"
    QUARANTINED = "quarantined"
    STRAY = "stray"
    """Nothing that belongs there: another name, no file."""


@immutable
class Finding:
    """One file, as it was found."""

    kind: Kind
    file: str
    """Below the archive's root."""
    size: int
    """In bytes."""
    fault: str = ""
    """What is wrong with it; empty: nothing."""
    digest: Digest | None = None
    """What it is named by; None for a stray."""
    is_writable: bool = False
    """An object that somebody may write to."""
    is_linked: bool = False
    """An object that has another name besides (a hard link): who writes there changes it."""


class Reading:
    """What all who read share. Mutable state, under the lock: how many bytes were read so far."""

    def __init__(self) -> None:
        self.stop = threading.Event()
        self.size = 0
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"<Reading {self.size} bytes{', stopped' * self.stop.is_set()}>"

    def fingerprint(self, fd: int, algorithms: Iterable[Algorithm] = ()) -> Fingerprint:
        """Of a whole open file. Raises OSError; InterruptedError once it was stopped."""
        found = Fingerprint(algorithms)
        for piece in pieces(fd):
            found.update(piece)
            with self._lock:
                self.size += len(piece)
            if self.stop.is_set():
                raise InterruptedError(errno.EINTR, "stopped")
        return found


def examine(layout: Layout, file: str, reading: Reading) -> Finding | None:
    """Look at a file that `survey.files` found; None if it is gone. InterruptedError as for `Reading.fingerprint`."""
    look = _LOOKS[file.partition("/")[0]]
    try:
        return look(layout, file, reading)
    except FileNotFoundError:
        return Finding(Kind.STRAY, file, 0, "a link that leads nowhere") if (layout.root / file).is_symlink() else None
    except InterruptedError:
        raise
    except OSError as error:
        return Finding(Kind.STRAY, file, 0, f"cannot be looked at: {error.strerror or error}")


def _object(layout: Layout, file: str, reading: Reading) -> Finding | None:
    path, digest = layout.root / file, digest_of(file.rpartition("/")[2])
    if not path.is_file():
        path.stat()
        return Finding(Kind.STRAY, file, 0, "is no file, or a folder that cannot be read")
    if digest is None or layout.object(digest) != path:
        return Finding(Kind.STRAY, file, path.stat().st_size, _misplaced(digest))
    while True:
        fault, status = _objection(path, digest, reading)
        if not fault or _is_same(path, status):
            is_writable, is_linked = bool(status.st_mode & _OTHERS_MAY_WRITE), status.st_nlink > 1
            return Finding(Kind.OBJECT, file, status.st_size, fault, digest, is_writable, is_linked)


def _objection(path: Path, digest: Digest, reading: Reading) -> tuple[str, os.stat_result]:
    """What is wrong with the bytes, and the file that this was said of. FileNotFoundError."""
    try:
        descriptor = Descriptor.open(path)
        status = os.fstat(descriptor.fd)
        found = reading.fingerprint(descriptor.fd)
    except (FileNotFoundError, InterruptedError):
        raise
    except OSError as error:  # an unreadable sector is as bad as wrong bytes
        return f"cannot be read: {error.strerror or error}", path.stat()
    if found.sha256 == digest:
        return "", status
    return ("is empty" if found.size == 0 else f"its {found.size} bytes are {found.sha256}"), status


def _is_same(path: Path, status: os.stat_result) -> bool:
    """Whether the file still is the one with this status; FileNotFoundError if there is none."""
    return os.path.samestat(path.stat(), status)


def _misplaced(digest: Digest | None) -> str:
    return "its name is no sha256" if digest is None else "it lies in the wrong folder"


def _alias(layout: Layout, file: str, reading: Reading) -> Finding | None:
    """An alias to an object that is not held says nothing, and does no harm."""
    path, parts = layout.root / file, file.split("/")
    digest = digest_of(parts[-1], parts[1])
    if digest is None or layout.alias(digest) != path:
        return Finding(Kind.STRAY, file, 0, "its name is no digest")
    with path.open("rb") as opened:
        text = opened.read(_LONGEST_ALIAS)
    sha256 = digest_of(text.decode("latin-1").strip())
    if sha256 is None:
        return Finding(Kind.ALIAS, file, len(text), "it holds no sha256", digest)
    return Finding(Kind.ALIAS, file, len(text), _alias_fault(layout.object(sha256), digest, sha256, reading), digest)


def _alias_fault(target: Path, digest: Digest, sha256: Digest, reading: Reading) -> str:
    try:
        descriptor = Descriptor.open(target)
    except OSError:
        return ""
    found = reading.fingerprint(descriptor.fd, [digest.algorithm])
    if found.sha256 != sha256 or found.digest(digest.algorithm) == digest:
        return ""  # a damaged object is told by itself
    return f"the object {sha256} that it names is {found.digest(digest.algorithm)}"


def _table(layout: Layout, file: str, reading: Reading) -> Finding | None:
    from aptfreeze.archive.table import objection  # sqlite

    path = layout.root / file
    algorithm, _, rest = path.name.partition("-")
    digest = digest_of(rest.removesuffix(".sqlite"), algorithm)
    if digest is None or layout.index(digest) != path:
        return Finding(Kind.STRAY, file, path.stat().st_size, "its name is not that of a look-up table")
    size, fault = path.stat().st_size, objection(path)
    path.stat()  # who built it anew, or deleted it as damaged, meanwhile
    return Finding(Kind.TABLE, file, size, fault, digest)


def _quarantined(layout: Layout, file: str, reading: Reading) -> Finding | None:
    """What lies there counts only where the archive has no other file of that name: then something was lost."""
    path = layout.root / file
    digest = digest_of(path.name.partition(".")[0])
    if digest is None or layout.object(digest).exists():
        return Finding(Kind.QUARANTINED, file, path.stat().st_size, "", digest)
    fault, status = _objection(path, digest, reading)
    told = "is in quarantine although its bytes are right" if not fault else f"is in quarantine: {fault}"
    return Finding(Kind.QUARANTINED, file, status.st_size, told, digest)


_Look = Callable[[Layout, str, Reading], Finding | None]
_LOOKS: dict[str, _Look] = {"aliases": _alias, "index": _table, "objects": _object, "quarantine": _quarantined}
