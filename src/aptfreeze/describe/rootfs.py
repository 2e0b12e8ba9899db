# SPDX-License-Identifier: MIT
"""A root file system as it is handed over: a folder, a tar archive in any compression, or dpkg's status file alone.

Rule 1: only dpkg's lists and os-release are read; nothing is unpacked, and a link that leads out of the folder is
followed within it, as a chroot would.
Rule 2: a tar archive is read as a stream, once, to its end: one that is cut off is an error, not a shorter list.
Rule 3: what cannot be read is an IntegrityError with the file and the line; no such file is a UsageError.
"""

import posixpath
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, cast

from aptfreeze.deb import compression
from aptfreeze.deb.deb822 import ParseError
from aptfreeze.deb.installed import Installed, installed
from aptfreeze.errors import IntegrityError, UsageError
from aptfreeze.values import immutable

_STATUS = "var/lib/dpkg/status"
_STATUS_D = "var/lib/dpkg/status.d"
_OS_RELEASE = ("etc/os-release", "usr/lib/os-release")
_MOST_LINKS = 40
_PIECE = 1 << 20
_BLOCK = 512
LARGEST_STATUS = 1 << 30
"""Bytes; that of an image with all of Debian would have 0.1 GB."""
LARGEST_ROOTFS = 1 << 44
"""Bytes of a tar archive, decompressed."""
_MAGIC = {
    b"\x1f\x8b": ".gz",
    b"\xfd7zXZ\0": ".xz",
    b"BZh": ".bz2",
    b"\x28\xb5\x2f\xfd": ".zst",
}


@immutable
class Rootfs:
    """What a root file system says of itself."""

    path: Path
    packages: tuple[Installed, ...]
    """Sorted by name, architecture and version."""
    os_release: Mapping[str, str]
    """os-release(5); empty: it has none, as a status file alone."""


def read(path: Path) -> Rootfs:
    """Blocks: a tar archive is read as a whole."""
    try:
        found = _folder(path) if path.is_dir() else _file(path)
        return _rootfs(path, found)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise UsageError(
            f"there is no {path}",
            hint="name a folder with a root file system, a tar archive of one, or its var/lib/dpkg/status",
        ) from error
    except (OSError, tarfile.TarError, EOFError, ParseError) as error:
        raise IntegrityError(
            f"{path} cannot be read: {error}", hint="is it whole? build it, or copy it, anew"
        ) from error


def _rootfs(path: Path, found: Mapping[str, bytes]) -> Rootfs:
    lists = {name: data for name, data in found.items() if name not in _OS_RELEASE}
    if not lists:
        raise IntegrityError(
            f"{path} has no {_STATUS} and no {_STATUS_D}, so it does not tell its packages",
            hint="name the root file system before dpkg's lists are taken out of it, or a copy of its status file",
        )
    packages = [package for name, data in lists.items() for package in _parsed(name, data)]
    release = next((found[name] for name in _OS_RELEASE if name in found), b"")
    return Rootfs(
        path,
        tuple(sorted(packages, key=lambda each: (each.name, each.architecture, each.version))),
        _variables(release.decode("utf-8", "replace")),
    )


def _parsed(name: str, data: bytes) -> Iterator[Installed]:
    try:
        yield from installed(data)
    except ParseError as error:
        raise ParseError(f"{name}: {error}") from error


def _variables(text: str) -> dict[str, str]:
    """Lines `NAME=value` with shell quotes, os-release(5)."""
    pairs = (line.partition("=") for line in text.splitlines() if "=" in line and not line.startswith("#"))
    return {name.strip(): value.strip().strip("\"'") for name, _, value in pairs}


def _is_wanted(name: str) -> bool:
    """In status.d, Bazel's images have a list of checksums beside each paragraph."""
    folder, _, base = name.rpartition("/")
    return name in (_STATUS, *_OS_RELEASE) or (folder == _STATUS_D and not base.endswith(".md5sums"))


# --- a folder ---


def _folder(root: Path) -> dict[str, bytes]:
    names = [_STATUS, *_OS_RELEASE]
    beside = _within(root, _STATUS_D)
    if beside.is_dir():
        names += sorted(name for each in beside.iterdir() if _is_wanted(name := f"{_STATUS_D}/{each.name}"))
    return {name: file.read_bytes() for name in names if (file := _within(root, name)).is_file()}


def _within(root: Path, name: str) -> Path:
    """The file of this name as a process whose root is that folder would find it."""
    left, at = name.split("/"), "/"
    for _ in range(_MOST_LINKS * len(left)):
        if not left:
            break
        at = posixpath.normpath(posixpath.join(at, left.pop(0)))
        here = root / at.lstrip("/")
        if here.is_symlink():
            left = [*str(here.readlink()).split("/"), *left]
            at = "/" if str(here.readlink()).startswith("/") else posixpath.dirname(at)
    return root / at.lstrip("/")


# --- a file ---


def _file(path: Path) -> dict[str, bytes]:
    with path.open("rb") as file:
        start = file.read(_BLOCK)
        file.seek(0)
        suffix = next((suffix for magic, suffix in _MAGIC.items() if start.startswith(magic)), "")
        if suffix or start[257:262] == b"ustar":
            return _tar(_Pieces(compression.decompress(_pieces(file), suffix, LARGEST_ROOTFS)))
        if b":" not in start:
            raise ParseError("it is neither a tar archive nor a status file of dpkg")
        return {_STATUS: file.read(LARGEST_STATUS)}


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    while piece := file.read(_PIECE):
        yield piece


def _tar(source: "_Pieces") -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    with tarfile.open(fileobj=cast(BinaryIO, source), mode="r|") as archive:
        for member in archive:
            name = posixpath.normpath("/" + member.name).lstrip("/")
            if member.isreg() and _is_wanted(name) and member.size <= LARGEST_STATUS:
                content = archive.extractfile(member)
                assert content is not None
                found[name] = content.read()
            vars(archive)["members"].clear()  # it would remember every member: 1 KB for each file of an image
    source.finish()
    return found


class _Pieces:
    """Pieces as a file that is read once; remembers its last bytes. Mutable: what is at hand, and the end."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._at_hand = b""
        self._last = b""

    def read(self, size: int) -> bytes:
        got = [self._at_hand]
        length = len(self._at_hand)
        while length < size and (piece := next(self._pieces, b"")):
            got.append(piece)
            length += len(piece)
        data = b"".join(got)
        self._at_hand = data[size:]
        self._last = (self._last + data[:size])[-_BLOCK:]
        return data[:size]

    def finish(self) -> None:
        """Reads the rest; ParseError if it does not end as tar archives end, with a block of zeros (POSIX pax)."""
        while self.read(_PIECE):
            pass
        if self._last.strip(b"\0") or len(self._last) < _BLOCK:
            raise ParseError("the tar archive is cut off: it has no end")
