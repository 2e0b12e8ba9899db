# SPDX-License-Identifier: MIT
"""Look-up tables over package indexes: one sqlite file for each index digest, made once.

Rule 1: nothing in them is a truth. A table can be deleted at any time and is built anew from its index.
Rule 2: a table is made under another name and renamed when complete, never written again, and opened immutable: no
journal, no locks, safe on every file system.
Rule 3: a damaged table is deleted and counts as absent; it never makes a "not listed".
"""

import sqlite3
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from aptfreeze.archive.layout import storage_error
from aptfreeze.archive.objects import Objects
from aptfreeze.deb.index import PoolEntry
from aptfreeze.errors import IntegrityError
from aptfreeze.freeze.catalog import IndexEntry
from aptfreeze.freeze.digest import Digest, Wanted

_SCHEMA = 1
_OPEN_TABLES = 128
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


class Indexes:
    """The tables of one archive.

    Mutable state, under the lock: the open tables, oldest use first.
    """

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._layout = objects.layout
        self._open: dict[Digest, sqlite3.Connection] = {}
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"<Indexes {self._layout.root}, {len(self._open)} open>"

    def has(self, name: Digest) -> bool:
        """Whether there is a usable table of that index."""
        return self._table(name) is not None

    def build(self, name: Digest, kind: str, entries: Iterable[PoolEntry]) -> None:
        """Make the table of an index; `kind` is for people ("packages"). AptfreezeError if it cannot be written."""
        self._objects.require_writable()
        temporary = self._layout.temporary()
        try:
            _write(temporary, kind, entries)
            temporary.chmod(0o444)
            self._forget(name)
            self._layout.rename(temporary, self._layout.index(name))
        except (OSError, sqlite3.OperationalError) as error:
            reason = error if isinstance(error, OSError) else OSError(str(error))
            raise storage_error(self._layout.root, reason) from error
        finally:
            temporary.unlink(missing_ok=True)

    def find(self, name: Digest, path: str) -> IndexEntry | None:
        """What the index says of a path; None if it does not list it.

        IntegrityError if there is no usable table: that is no answer. `has` tells it before.
        """
        table = self._table(name)
        if table is None:
            raise IntegrityError(f"there is no look-up table of the index {name}")
        try:
            row = table.execute(_SELECT + " WHERE path = ?", (path,)).fetchone()
        except sqlite3.DatabaseError as error:
            raise self._damaged(name, error) from error
        return row and _entry(row)

    def entries(self, name: Digest) -> Iterator[tuple[str, IndexEntry]]:
        """All paths of an index, sorted, with what it says of them; IntegrityError as for `find`."""
        table = self._table(name)
        if table is None:
            raise IntegrityError(f"there is no look-up table of the index {name}")
        try:
            for row in table.execute(_SELECT + " ORDER BY path"):
                yield row[0], _entry(row)
        except sqlite3.DatabaseError as error:
            raise self._damaged(name, error) from error

    def close(self) -> None:
        with self._lock:
            tables, self._open = self._open, {}
        for table in tables.values():
            table.close()

    def _table(self, name: Digest) -> sqlite3.Connection | None:
        with self._lock:
            table = self._open.pop(name, None) or _opened(self._layout.index(name))
            if table is not None:
                self._open[name] = table
                while len(self._open) > _OPEN_TABLES:
                    # Not closed here: another thread may be reading it; it closes when it is garbage.
                    del self._open[next(iter(self._open))]
            return table

    def _forget(self, name: Digest) -> None:
        with self._lock:
            self._open.pop(name, None)

    def _damaged(self, name: Digest, error: sqlite3.Error) -> IntegrityError:
        self._forget(name)
        _delete(self._layout.index(name))
        return IntegrityError(
            f"the look-up table of the index {name} was damaged ({error}); it is built anew next time"
        )


class _Table(sqlite3.Connection):
    """Closes itself when nobody reads it any more; Python 3.13 warns of a connection that is left to the garbage."""

    def __del__(self) -> None:
        self.close()


def _write(path: Path, kind: str, entries: Iterable[PoolEntry]) -> None:
    table = sqlite3.connect(path, isolation_level=None)
    try:
        table.executescript(_CREATE)
        table.execute("BEGIN")
        table.executemany(_INSERT, map(_row, entries))
        table.execute("CREATE TABLE origin (kind TEXT)")
        table.execute("INSERT INTO origin VALUES (?)", (kind,))
        table.execute("COMMIT")
    finally:
        table.close()


def _opened(path: Path) -> sqlite3.Connection | None:
    """A table for reading, from any thread; None if there is none, or it was damaged and is deleted now."""
    if not path.exists():
        return None
    uri = f"{path.absolute().as_uri()}?immutable=1"
    table = sqlite3.connect(uri, uri=True, check_same_thread=False, factory=_Table)
    try:
        (schema,) = table.execute("PRAGMA user_version").fetchone()
        table.execute("SELECT kind FROM origin").fetchone()
    except sqlite3.DatabaseError:
        schema = None
    if schema == _SCHEMA:
        return table
    table.close()
    _delete(path)
    return None


def _delete(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return  # a read-only archive: the caller builds nothing then, and says so


def _row(entry: PoolEntry) -> tuple[Any, ...]:
    digests = [bytes.fromhex(entry.hashes[name]) if name in entry.hashes else None for name in _HASHES]
    names = (entry.package, entry.version, entry.architecture, entry.source, entry.source_version)
    return (entry.path, entry.size, *digests, *names)


def _entry(row: tuple[Any, ...]) -> IndexEntry:
    _, size, *digests = row[: 2 + len(_HASHES)]
    hashes = {name: digest.hex() for name, digest in zip(_HASHES, digests, strict=True) if digest is not None}
    return IndexEntry(Wanted.from_hashes(hashes, size), *row[2 + len(_HASHES) :])
