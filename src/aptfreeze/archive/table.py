# SPDX-License-Identifier: MIT
"""One look-up table: the sqlite file of one package index.

Rule 1: it is written once, under another name, and opened immutable: no journal, no locks.
Rule 2: whatever sqlite finds wrong with it is a DamagedTableError, never a "not listed".
"""

import errno
import os
import sqlite3
from collections.abc import Collection, Iterable, Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, Self

from aptfreeze.deb.index import PoolEntry
from aptfreeze.freeze.catalog import IndexEntry
from aptfreeze.freeze.digest import Digest, Wanted

_SCHEMA = 2
_HASHES = ("sha256", "sha512", "sha1", "md5")
_COLUMNS = ("path", "size", *_HASHES, "package", "version", "architecture", "source", "source_version")
_CREATE = f"""
    PRAGMA journal_mode = OFF;
    PRAGMA synchronous = OFF;
    CREATE TABLE entry (path TEXT PRIMARY KEY, size INTEGER, sha256 BLOB, sha512 BLOB, sha1 BLOB, md5 BLOB,
        package TEXT, version TEXT, architecture TEXT, source TEXT, source_version TEXT) WITHOUT ROWID;
    PRAGMA user_version = {_SCHEMA};
"""
# The first of two entries of one path counts, as in apt.
_INSERT = f"INSERT OR IGNORE INTO entry VALUES ({', '.join('?' * len(_COLUMNS))})"
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM entry"
_AT_ONCE = 999
"""As many values as any SQLite takes in one query."""
# A hash that only one of the two has compares as NULL, which counts as no difference.
_CLASHES = f"""
    SELECT count(*), min(path) FROM main.entry AS mine JOIN other.entry AS its USING (path)
    WHERE {" OR ".join(f"mine.{column} <> its.{column}" for column in ("size", *_HASHES))}
"""


class VersionRow(NamedTuple):
    """What a comparison of whole indexes needs of one file: a tuple, since there are 60 000 of them at once."""

    package: str
    architecture: str
    version: str
    source: str | None
    """None: it has the package's name."""
    source_version: str | None
    """None: it has the package's version."""
    size: int
    """In bytes."""
    sha256: bytes | None


class NamedDigest(NamedTuple):
    """A file, as far as a list for people needs it: a tuple, for the same reason."""

    digest: bytes
    package: str
    version: str
    architecture: str
    """`source` for the files of a source package."""
    path: str


_DIGESTS = f"SELECT coalesce({', '.join(_HASHES)}) FROM entry"
_NAMED_DIGESTS = f"SELECT coalesce({', '.join(_HASHES)}), package, version, architecture, path FROM entry"
_VERSIONS = f"SELECT {', '.join(VersionRow._fields)} FROM entry"


class DamagedTableError(Exception):
    """The file is no usable table; the message is sqlite's."""


class Table:
    """An open table, for any thread; it closes itself when nobody refers to it any more."""

    __slots__ = ("_connection",)

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    @classmethod
    def open(cls, path: Path) -> Self | None:
        """None if there is no such file; DamagedTableError if it is none, or of another schema."""
        if not path.exists():
            return None
        try:
            table = cls(sqlite3.connect(_immutable(path), uri=True, check_same_thread=False))
        except sqlite3.OperationalError as error:
            raise DamagedTableError(str(error)) from error
        (schema,) = next(table._select("PRAGMA user_version"))
        next(table._select("SELECT kind FROM origin"), None)
        if schema != _SCHEMA:
            raise DamagedTableError(f"it has schema {schema} instead of {_SCHEMA}")
        return table

    def find(self, path: str) -> IndexEntry | None:
        """What the index says of a path; None if it does not list it."""
        row = next(self._select(_SELECT + " WHERE path = ?", path), None)
        return None if row is None else _entry(row)

    def named(self, packages: Iterable[str]) -> Iterator[tuple[str, IndexEntry]]:
        """The paths of all files of these packages, in any order, by one pass for each thousand of names."""
        names = iter(packages)
        while some := list(islice(names, _AT_ONCE)):
            marks = ", ".join("?" * len(some))
            for row in self._select(f"{_SELECT} WHERE package IN ({marks})", *some):
                yield row[0], _entry(row)

    def entries(self) -> Iterator[tuple[str, IndexEntry]]:
        """All paths, sorted."""
        return ((row[0], _entry(row)) for row in self._select(_SELECT + " ORDER BY path"))

    def versions(self) -> Iterator[VersionRow]:
        """Of all files, in any order."""
        return map(VersionRow._make, self._select(_VERSIONS))

    def holding(self, digests: Collection[Digest]) -> Iterator[tuple[str, IndexEntry]]:
        """The paths of all files that have one of these digests, by one pass."""
        wanted = [{bytes.fromhex(each.hex) for each in digests if each.algorithm == algorithm} for algorithm in _HASHES]
        for path, *hashes in self._select(f"SELECT path, {', '.join(_HASHES)} FROM entry"):
            if any(found in sought for found, sought in zip(hashes, wanted, strict=True)):
                entry = self.find(path)
                if entry is not None:
                    yield path, entry

    def says(self, entries: Iterable[PoolEntry]) -> bool:
        """Whether it has these entries, the first one of each path, and no others."""
        paths, rest = set[str](), 0
        for entry in entries:
            if entry.path not in paths:
                paths.add(entry.path)
                rest += hash(_row(entry))
        return rest == sum(map(hash, self._select(_SELECT)))

    def objection(self) -> str:
        """What sqlite finds wrong with the whole file; empty: nothing. DamagedTableError."""
        (found,) = next(self._select("PRAGMA integrity_check(1)"))
        return "" if found == "ok" else str(found)

    def digests(self) -> Iterator[bytes]:
        """What an object of each file may be named by: its sha256, else the strongest other hash, raw."""
        return (digest for (digest,) in self._select(_DIGESTS))

    def named_digests(self) -> Iterator[NamedDigest]:
        """The same with what is worth knowing of the file."""
        return map(NamedDigest._make, self._select(_NAMED_DIGESTS))

    def close(self) -> None:
        self._connection.close()

    def __del__(self) -> None:
        self.close()

    def _select(self, query: str, *values: str) -> Iterator[tuple[Any, ...]]:
        try:
            yield from self._connection.execute(query, values)
        except sqlite3.DatabaseError as error:
            raise DamagedTableError(str(error)) from error


def clashes(one: Path, other: Path) -> tuple[int, str]:
    """How many paths two tables list as different files, and the first of them; DamagedTableError."""
    try:
        with closing(sqlite3.connect(_immutable(one), uri=True)) as table:
            table.execute("ATTACH ? AS other", (_immutable(other),))
            count, path = table.execute(_CLASHES).fetchone()
    except sqlite3.DatabaseError as error:
        raise DamagedTableError(str(error)) from error
    return count, path or ""


def objection(path: Path) -> str:
    """What is wrong with a table; empty: nothing that sqlite can find. FileNotFoundError."""
    path.stat()
    try:
        table = Table.open(path)
        return "" if table is None else table.objection()
    except DamagedTableError as error:
        return str(error)


def _immutable(path: Path) -> str:
    return f"{path.absolute().as_uri()}?mode=ro&immutable=1"


def write(path: Path, kind: str, entries: Iterable[PoolEntry]) -> None:
    """Make a new table; OSError if it cannot be written."""
    try:
        with closing(sqlite3.connect(path, isolation_level=None)) as table:
            table.executescript(_CREATE)
            table.execute("BEGIN")
            table.executemany(_INSERT, map(_row, entries))
            table.execute("CREATE TABLE origin (kind TEXT)")
            table.execute("INSERT INTO origin VALUES (?)", (kind,))
            table.execute("COMMIT")
    except sqlite3.OperationalError as error:  # no such folder, a full disk
        if error.sqlite_errorcode == sqlite3.SQLITE_FULL:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from error
        raise OSError(str(error)) from error


def _row(entry: PoolEntry) -> tuple[Any, ...]:
    """What is told already is NULL (a sixth of a table): weak hashes beside a strong one, a source of the same name."""
    sha256, sha512, *weak = (bytes.fromhex(text) if (text := entry.hashes.get(name)) else None for name in _HASHES)
    if sha256 or sha512:
        weak = [None, None]
    source = None if entry.source == entry.package else entry.source
    source_version = None if entry.source_version == entry.version else entry.source_version
    names = (entry.package, entry.version, entry.architecture, source, source_version)
    return (entry.path, entry.size, sha256, sha512, *weak, *names)


def _entry(row: tuple[Any, ...]) -> IndexEntry:
    _, size, *digests = row[: 2 + len(_HASHES)]
    hashes = {name: digest.hex() for name, digest in zip(_HASHES, digests, strict=True) if digest is not None}
    package, version, architecture, source, source_version = row[2 + len(_HASHES) :]
    source = package if source is None else source
    source_version = version if source_version is None else source_version
    return IndexEntry(Wanted.from_hashes(hashes, size), package, version, architecture, source, source_version)
