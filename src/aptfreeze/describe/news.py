# SPDX-License-Identifier: MIT
"""What is new in a package: the entries of the Debian changelog inside its .deb that an older version did not have.

Policy 12.7: usr/share/doc/PACKAGE/changelog.Debian.gz, of a native package changelog.gz; what a rebuild for one
architecture adds (binNMU) stands beside it in changelog.Debian.ARCHITECTURE.gz; and the whole folder, or the file, can
be a link to that of another package of the same source.

Rule 1: whatever the file is, there is an answer: entries, or the reason why there are none, as a sentence.
Rule 2: nothing of the .deb is run or unpacked onto the disk.
"""

import posixpath
from collections.abc import Mapping
from pathlib import Path

from aptfreeze.deb.archive import read
from aptfreeze.deb.changelog import Entry, entries, entries_after
from aptfreeze.deb.compression import decompress
from aptfreeze.deb.deb822 import ParseError
from aptfreeze.deb.tar import File, Link
from aptfreeze.values import immutable

LARGEST_CHANGELOG = 128 << 20
"""Bytes of one, decompressed; the kernel's have 10 MB."""
_DOCS = "usr/share/doc"
_LONGEST_CHAIN = 5
_Found = Mapping[str, File | Link]


@immutable
class News:
    """Entries, or the reason why there are none."""

    entries: tuple[Entry, ...] = ()
    """Newest first."""
    reason: str = ""
    """A sentence without its subject, which is the .deb; empty if there are entries."""
    beside: str = ""
    """The package in whose .deb the changelog is, if this one has only a link to it."""

    @property
    def text(self) -> str:
        """The entries with a blank line between them, else the reason."""
        return "\n\n".join(entry.text for entry in self.entries) or self.reason


class _NoneFound(Exception):
    """There is nothing to tell: why, and where else to look."""

    def __init__(self, reason: str, beside: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.beside = beside


def news(deb: Path | int, package: str, architecture: str, after: str) -> News:
    """The changelog entries of a .deb that are newer than version `after`.

    `after` is the version of the *source* package that the older .deb was built from: that is what a changelog counts
    by, and some .debs have another one (`clang` 1:14.0-55.7 is of source 0.55.7).
    `deb` is its path, or an open descriptor that stays open and is left at any offset. Blocks: it reads the whole file.
    """
    try:
        found = _documents(deb, package, architecture)
        own, rebuilds = _changelog(found, package), _rebuilds(found, package, architecture)
        new = (*entries_after(rebuilds, after), *entries_after(own, after))
        return News(new, "" if new else _nothing_after(own, after))
    except OSError as error:
        return News(reason=f"cannot be read: {error.strerror or error}")
    except ParseError as error:
        return News(reason=f"cannot be read: {error}")
    except _NoneFound as none:
        return News(reason=none.reason, beside="" if none.beside == package else none.beside)


def _documents(deb: Path | int, package: str, architecture: str) -> _Found:
    """The files and links that a changelog can be in, by path; the folder itself if it is a link."""
    folder = f"{_DOCS}/{package}"
    names = ("changelog", "changelog.Debian", f"changelog.Debian.{architecture}")
    paths = {folder, *(f"{folder}/{name}{suffix}" for name in names for suffix in ("", ".gz"))}
    with open(deb, "rb", closefd=isinstance(deb, Path)) as file:
        file.seek(0)
        return {each.path: each for each in read(file, paths.__contains__)}


def _changelog(found: _Found, package: str) -> bytes:
    folder = f"{_DOCS}/{package}"
    if isinstance(found.get(folder), Link):
        _follow(found, folder)
    for name in ("changelog.Debian", "changelog"):
        content = _content(found, f"{folder}/{name}")
        if content is not None:
            return content
    raise _NoneFound(f"has no changelog in {folder}")


def _rebuilds(found: _Found, package: str, architecture: str) -> bytes:
    return _content(found, f"{_DOCS}/{package}/changelog.Debian.{architecture}") or b""


def _content(found: _Found, path: str) -> bytes | None:
    """Of the file with this name, compressed (as policy wants it) or not; None if it is not there."""
    for suffix in (".gz", ""):
        if path + suffix in found:
            file = _follow(found, path + suffix)
            return _decompressed(file) if file.path.endswith(".gz") else file.content
    return None


def _decompressed(file: File) -> bytes:
    try:
        return b"".join(decompress([file.content], ".gz", LARGEST_CHANGELOG))
    except ParseError as error:
        raise ParseError(f"its {file.path}: {error}") from error


def _follow(found: _Found, path: str) -> File:
    """The file that a path leads to by links. Raises _NoneFound if it is not in this .deb."""
    start = path
    for _ in range(_LONGEST_CHAIN):
        match found.get(path):
            case File() as file:
                return file
            case Link() as link:
                folder = "" if link.is_hard or link.target.startswith("/") else posixpath.dirname(path)
                path = posixpath.normpath(posixpath.join(folder, link.target.lstrip("/")))
            case None:
                break
    raise _NoneFound(f"has no changelog of its own: {start} is a link to {path}", _package_of(path))


def _package_of(path: str) -> str:
    """The package in whose documents a path lies; empty: none."""
    match path.split("/"):
        case ["usr", "share", "doc", package, *_]:
            return package
    return ""


def _nothing_after(changelog: bytes, after: str) -> str:
    newest = next(entries(changelog), None)
    if newest is None:
        return "has a changelog without any entry in Debian's form"
    return f"has no changelog entry after {after} (its newest is {newest.version})"
