# SPDX-License-Identifier: MIT
"""Look-up tables over package indexes: one sqlite file for each index digest, made once.

Rule 1: nothing in them is a truth. A table can be deleted at any time and is built anew from its index.
Rule 2: a table is made under another name and renamed when complete, never written again, and opened immutable: no
journal, no locks, safe on every file system.
Rule 3: a damaged table is deleted and counts as absent; it never makes a "not listed".
"""

import threading
from collections.abc import Collection, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from aptfreeze.archive.layout import storage_error
from aptfreeze.archive.objects import Objects
from aptfreeze.errors import IntegrityError
from aptfreeze.freeze.catalog import IndexEntry
from aptfreeze.freeze.digest import Digest

if TYPE_CHECKING:
    from aptfreeze.archive.table import NamedDigest, Table, VersionRow
    from aptfreeze.deb.index import PoolEntry

_OPEN_TABLES = 128


class Indexes:
    """The tables of one archive.

    Mutable state, under the lock: the open tables, oldest use first.
    """

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._layout = objects.layout
        self._open: dict[Digest, Table] = {}
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"<Indexes {self._layout.root}, {len(self._open)} open>"

    def has(self, name: Digest) -> bool:
        """Whether there is a usable table of that index."""
        return self._table(name) is not None

    def is_made(self, name: Digest) -> bool:
        """Whether there is a table at all; unlike `has`, this does not look into it."""
        return self._layout.index(name).exists()

    def build(self, name: Digest, kind: str, entries: "Iterable[PoolEntry]") -> None:
        """Make the table of an index; `kind` is for people ("packages"). AptfreezeError if it cannot be written."""
        from aptfreeze.archive.table import write  # start-up time: sqlite

        self._objects.require_writable()
        temporary = self._layout.temporary()
        try:
            write(temporary, kind, entries)
            temporary.chmod(0o444)
            self._forget(name)
            self._layout.rename(temporary, self._layout.index(name))
        except OSError as error:
            raise storage_error(self._layout.root, error) from error
        finally:
            temporary.unlink(missing_ok=True)

    def find(self, name: Digest, path: str) -> IndexEntry | None:
        """What the index says of a path; None if it does not list it.

        IntegrityError if there is no usable table: that is no answer. `has` tells it before.
        """
        with self._reading(name) as table:
            return table.find(path)

    def named(self, name: Digest, packages: Iterable[str]) -> Iterator[tuple[str, IndexEntry]]:
        """The paths of all files of these packages, in any order; IntegrityError as for `find`.

        Reads the table as a whole: 0.02 s for that of Debian's main.
        """
        with self._reading(name) as table:
            yield from table.named(packages)

    def holding(self, name: Digest, digests: Collection[Digest]) -> Iterator[tuple[str, IndexEntry]]:
        """The paths of all files that have one of these digests, in any order; IntegrityError as for `find`."""
        with self._reading(name) as table:
            yield from table.holding(digests)

    def entries(self, name: Digest) -> Iterator[tuple[str, IndexEntry]]:
        """All paths of an index, sorted, with what it says of them; IntegrityError as for `find`."""
        with self._reading(name) as table:
            yield from table.entries()

    def versions(self, name: Digest) -> "Iterator[VersionRow]":
        """Package and version of every file, in any order; IntegrityError as for `find`."""
        with self._reading(name) as table:
            yield from table.versions()

    def digests(self, name: Digest) -> Iterator[bytes]:
        """What an object of each listed file may be named by, raw; IntegrityError as for `find`."""
        with self._reading_once(name) as table:
            yield from table.digests()

    def named_digests(self, name: Digest) -> "Iterator[NamedDigest]":
        """The same with what is worth knowing of the file."""
        with self._reading_once(name) as table:
            yield from table.named_digests()

    def names(self) -> Iterator[Digest]:
        """Of all tables that the archive has, usable or not, the youngest first."""
        paths = (self._layout.root / "index").glob("*-*.sqlite")
        for path in sorted(paths, key=_age, reverse=True):
            with suppress(ValueError):
                yield Digest.parse(path.stem.replace("-", ":"))

    def says(self, name: Digest, entries: "Iterable[PoolEntry]") -> bool:
        """Whether the table has these entries, and no others; IntegrityError as for `find`."""
        with self._reading_once(name) as table:
            return table.says(entries)

    def clashes(self, one: Digest, other: Digest) -> tuple[int, str]:
        """How many paths two indexes list as different files, and the first of them; none if a table is not at hand.

        Reads both tables as a whole: 0.1 s for those of Debian's main, in which other threads go on.
        """
        from aptfreeze.archive.table import DamagedTableError, clashes

        if not (self.has(one) and self.has(other)):
            return 0, ""
        try:
            return clashes(self._layout.index(one), self._layout.index(other))
        except DamagedTableError:
            return 0, ""  # whoever looks a path up in it next has it built anew

    def close(self) -> None:
        with self._lock:
            tables, self._open = self._open, {}
        for table in tables.values():
            table.close()

    @contextmanager
    def _reading(self, name: Digest) -> Iterator["Table"]:
        """A table that turns out to be damaged is deleted, and is an IntegrityError."""
        from aptfreeze.archive.table import DamagedTableError

        table = self._table(name)
        if table is None:
            raise IntegrityError(f"there is no look-up table of the index {name}")
        try:
            yield table
        except DamagedTableError as error:
            self._forget(name)
            self._delete(name)
            raise IntegrityError(
                f"the look-up table of the index {name} was damaged ({error}); it is built anew next time"
            ) from error

    @contextmanager
    def _reading_once(self, name: Digest) -> Iterator["Table"]:
        """A table that does not stay open: what SQLite remembers of hundreds that were read as a whole is too much."""
        with self._reading(name):
            table = self._opened(name)
            if table is None:
                raise IntegrityError(f"the look-up table of the index {name} was removed")
            with closing(table):
                yield table

    def _table(self, name: Digest) -> "Table | None":
        with self._lock:
            table = self._open.pop(name, None) or self._opened(name)
            if table is not None:
                self._open[name] = table
                while len(self._open) > _OPEN_TABLES:
                    # Not closed here: another thread may be reading it.
                    del self._open[next(iter(self._open))]
            return table

    def _opened(self, name: Digest) -> "Table | None":
        """A damaged one is deleted, and as good as none."""
        from aptfreeze.archive.table import DamagedTableError, Table

        try:
            return Table.open(self._layout.index(name))
        except DamagedTableError:
            self._delete(name)
            return None

    def _forget(self, name: Digest) -> None:
        with self._lock:
            self._open.pop(name, None)

    def _delete(self, name: Digest) -> None:
        try:
            self._layout.index(name).unlink(missing_ok=True)
        except OSError:
            return  # a read-only archive: the caller builds nothing then, and says so


def _age(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
