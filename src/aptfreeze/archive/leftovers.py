# SPDX-License-Identifier: MIT
"""What processes that were killed left in an archive, and what was put aside long ago: of no use to anybody.

Rule: what somebody holds the flock of, or what is younger than a day, is at work and stays.
"""

import contextlib
from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from stat import S_ISREG

from aptfreeze.archive.condemned import Condemned
from aptfreeze.archive.flock import is_named, open_to_lock, try_lock
from aptfreeze.archive.holdings import Holdings, digest_of, quarantined_name
from aptfreeze.archive.layout import Layout, storage_error
from aptfreeze.freeze.digest import Digest
from aptfreeze.values import immutable

_DAY_S = 24 * 3600
_QUARANTINE_S = 30 * _DAY_S


class Leaving(StrEnum):
    """What it was; for people and programs."""

    PARTIAL = "unfinished downloads"
    TEMPORARY = "temporary files"
    DAMAGED = "damaged objects"
    """In quarantine for 30 days, or replaced by sound ones since."""
    ALIAS = "other names"
    """Of objects that are gone."""
    TABLE = "look-up tables"
    """Of indexes that nobody needs."""


@immutable
class Leftover:
    kind: Leaving
    path: Path
    size: int
    """In bytes."""


@immutable
class Leftovers:
    """What is of no use in an archive now."""

    layout: Layout
    holdings: Holdings
    now: float
    """Seconds since 1970."""

    def files(self) -> Iterator[Leftover]:
        """Downloads that nobody goes on with, files that never got their name, objects that were damaged."""
        for kind, folder in ((Leaving.PARTIAL, "partial"), (Leaving.TEMPORARY, "tmp")):
            yield from self._older(kind, self._in(folder), _DAY_S)
        damaged = self._in("quarantine")
        replaced = [path for path in damaged if quarantined_name(path) in self.holdings.sizes]
        yield from self._older(Leaving.DAMAGED, replaced, 0)
        yield from self._older(Leaving.DAMAGED, [path for path in damaged if path not in replaced], _QUARANTINE_S)

    def aliases(self) -> Iterator[Leftover]:
        """The other digests of objects that are gone."""
        away = {sha256 for sha256, _ in Condemned(self.layout).names()}
        dangling = (
            alias
            for alias, sha256 in self.holdings.aliases.items()
            if sha256 not in away and not self.layout.object(digest_of(sha256)).exists()
        )
        yield from self._older(Leaving.ALIAS, (self.layout.alias(digest_of(each)) for each in dangling), _DAY_S)

    def tables(self, unneeded: Iterable[Digest], younger_s: float) -> Iterator[Leftover]:
        """Those of these indexes, but for tables that were made less than `younger_s` ago."""
        yield from self._older(Leaving.TABLE, map(self.layout.index, unneeded), younger_s)

    def _in(self, folder: str) -> list[Path]:
        return sorted((self.layout.root / folder).iterdir())

    def _older(self, kind: Leaving, paths: Iterable[Path], age_s: float) -> Iterator[Leftover]:
        for path in paths:
            with contextlib.suppress(FileNotFoundError):  # somebody else took it away
                status = path.lstat()
                if S_ISREG(status.st_mode) and self.now - status.st_ctime >= age_s:
                    yield Leftover(kind, path, status.st_size)


def remove(layout: Layout, leftover: Leftover) -> bool:
    """Whether it was removed: not if somebody works with it. StorageError."""
    try:
        file = open_to_lock(leftover.path)
        if not (try_lock(file.fd) and is_named(file.fd, leftover.path)):
            return False
        leftover.path.unlink()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise storage_error(layout.root, error) from error
    return True
