# SPDX-License-Identifier: MIT
"""Files that come in from a folder or a tar archive that somebody else made: read one by one, and never believed.

Rule 1: nothing is unpacked. A name only tells which file it is; what becomes of it, its hash decides.
Rule 2: only regular files have content. In a tar archive links, devices and everything else are refused, folders are
passed over; in a folder, no symbolic link is followed, on no part of the way.
Rule 3: bounded: names by `deb.tar`'s limit, what is read into memory by the caller's.
Rule 4: a tar archive that ends anywhere but at its end is an IntegrityError.
"""

import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, NoReturn, Protocol

from aptfreeze.archive.checks import pieces
from aptfreeze.deb import tarhead
from aptfreeze.deb.deb822 import ParseError
from aptfreeze.deb.tar import LONGEST_NAME, MOST_MEMBERS
from aptfreeze.errors import IntegrityError, UsageError
from aptfreeze.values import immutable

_PIECE = 256 << 10
_FOLDER = b"5"
_PAX = b"xg"
_LINKS = {b"1": "a hard link", b"2": "a symbolic link"}
_COMPRESSED = {b"\x1f\x8b": "gzip", b"\xfd7zXZ\0": "xz", b"\x28\xb5\x2f\xfd": "zstd", b"BZh": "bzip2"}


@immutable
class Arrival:
    """One file, to be read before the next one is asked for."""

    path: str
    """As it is called there, without `./` in front."""
    size: int
    """In bytes."""
    pieces: Iterator[bytes]
    """The content; raises IntegrityError where it ends too early."""
    file: int | None = None
    """The file itself, open, where it is one of this machine's."""

    def read(self, limit: int) -> bytes:
        """The whole content; UsageError if it is larger than `limit` bytes."""
        if self.size > limit:
            raise UsageError(f"{self.path} has {self.size} bytes, and more than {limit} are not expected there")
        return b"".join(self.pieces)


class Incoming(Protocol):
    """Where files come from. The first file tells of the others."""

    def first(self, name: str, limit: int) -> bytes:
        """The content of the file of this name; UsageError if there is none."""

    def files(self, paths: Iterable[str]) -> Iterator[Arrival]:
        """A folder has these files, or raises IntegrityError; a stream has what it has."""


class IncomingFolder:
    def __init__(self, root: Path) -> None:
        self._root = root

    def __repr__(self) -> str:
        return f"<IncomingFolder {self._root}>"

    def first(self, name: str, limit: int) -> bytes:
        try:
            fd = self._open(name)
        except IntegrityError as error:
            raise UsageError(
                f"{self._root} is no export: it has no {name}", hint="name what aptfreeze export made"
            ) from error
        return self._arrival(name, fd).read(limit)

    def files(self, paths: Iterable[str]) -> Iterator[Arrival]:
        for path in paths:
            fd = self._open(path)
            try:
                yield self._arrival(path, fd)
            finally:
                os.close(fd)

    def _arrival(self, path: str, fd: int) -> Arrival:
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode):
            raise UsageError(f"{self._root / path} is no regular file, as every file of an export is")
        return Arrival(path, status.st_size, self._content(path, fd), fd)

    def _content(self, path: str, fd: int) -> Iterator[bytes]:
        try:
            yield from pieces(fd)
        except OSError as error:
            raise IntegrityError(f"{self._root / path} cannot be read: {error.strerror}") from error

    def _open(self, path: str) -> int:
        """Each part of the way by itself, so that none is a symbolic link."""
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
        at = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            *folders, name = path.split("/")
            for folder in folders:
                inner = os.open(folder, flags | os.O_DIRECTORY, dir_fd=at)
                os.close(at)
                at = inner
            return os.open(name, flags | os.O_NONBLOCK, dir_fd=at)  # a pipe must not be waited for
        except FileNotFoundError as error:
            raise IntegrityError(f"{self._root} lacks {path}") from error
        except OSError as error:
            link = self._root / path
            raise UsageError(
                f"{link} cannot be read as a file of an export: {error.strerror}",
                hint="an export has no symbolic links: name the folder that aptfreeze export made, or a copy of it",
            ) from error
        finally:
            os.close(at)


class IncomingTar:
    """Mutable state: how far the stream was read, and how many members there were."""

    def __init__(self, stream: IO[bytes], name: str) -> None:
        """`name` is what messages call it."""
        self._stream = stream
        self._name = name
        self._members = 0

    def __repr__(self) -> str:
        return f"<IncomingTar {self._name}, {self._members} members>"

    def first(self, name: str, limit: int) -> bytes:
        arrival = self._next()
        if arrival is None or arrival.path != name:
            found = "nothing" if arrival is None else repr(arrival.path)
            raise UsageError(
                f"{self._name} does not begin with {name}, but with {found:.200}",
                hint="if an export was packed again by another program, unpack it, and import the folder",
            )
        data = arrival.read(limit)
        self._skip(-arrival.size % tarhead.BLOCK)
        return data

    def files(self, paths: Iterable[str]) -> Iterator[Arrival]:
        while (arrival := self._next()) is not None:
            yield arrival
            for _ in arrival.pieces:
                pass
            self._skip(-arrival.size % tarhead.BLOCK)

    def _next(self) -> Arrival | None:
        """The next regular file; None at the archive's end."""
        long_name = ""
        while True:
            head = self._head()
            if head is None:
                return None
            kind, size = tarhead.kind(head), tarhead.size(head)
            path = (long_name or tarhead.name(head)).removeprefix("./")
            if kind == tarhead.LONG_NAME:
                long_name = self._long_name(size)
            elif kind in tarhead.REGULAR:
                return Arrival(path, size, self._content(path, size))
            elif kind == _FOLDER:
                long_name = ""
            else:
                self._refuse(kind, path)

    def _head(self) -> bytes | None:
        self._members += 1
        if self._members > 2 * MOST_MEMBERS:
            raise UsageError(f"{self._name} has more than {2 * MOST_MEMBERS} members")
        head = self._take(tarhead.BLOCK, "before its end")
        if head == tarhead.END[: tarhead.BLOCK]:
            return None
        try:
            tarhead.check(head)
            tarhead.size(head)
        except ParseError as error:
            raise self._unreadable(head, error) from error
        return head

    def _unreadable(self, head: bytes, error: ParseError) -> UsageError:
        packed = next((name for magic, name in _COMPRESSED.items() if head.startswith(magic)), None)
        if packed is None or self._members > 1:
            return UsageError(f"{self._name} cannot be read as a tar archive: {error}")
        return UsageError(
            f"{self._name} is compressed by {packed}", hint=f"{packed} -dc {self._name} | aptfreeze import -"
        )

    def _long_name(self, size: int) -> str:
        if size > LONGEST_NAME:
            raise UsageError(f"{self._name} has a name of {size} bytes")
        data = self._take(size, "in a name")
        self._skip(-size % tarhead.BLOCK)
        return tarhead.text(data)

    def _content(self, path: str, size: int) -> Iterator[bytes]:
        while size:
            piece = self._take(min(size, _PIECE), f"in the middle of {path}")
            size -= len(piece)
            yield piece

    def _refuse(self, kind: bytes, path: str) -> NoReturn:
        if kind in _PAX:
            raise UsageError(
                f"{self._name} was packed again by another program", hint="unpack it, and import the folder"
            )
        what = _LINKS.get(kind, "no regular file")
        raise UsageError(f"{self._name}: {path!r:.200} is {what}, and an export has only regular files")

    def _skip(self, size: int) -> None:
        self._take(size, "in the middle of a file")

    def _take(self, size: int, where: str) -> bytes:
        data = self._stream.read(size) if size else b""
        if len(data) < size:
            raise IntegrityError(
                f"{self._name} is cut off: it ends {where}", hint="copy it again; the import can simply be repeated"
            )
        return data
