# SPDX-License-Identifier: MIT
"""What an index says of one pool file, in the form that answers and records need."""

from typing import TYPE_CHECKING, Self

from aptfreeze.freeze.digest import Wanted
from aptfreeze.values import immutable

if TYPE_CHECKING:
    from aptfreeze.deb.index import PoolEntry


@immutable
class IndexEntry:
    """One file of a binary or source package."""

    wanted: Wanted
    package: str
    version: str
    architecture: str
    """Debian's name, or `source` for a file of a source package."""
    source: str = ""
    """The source package, as `Source:` says; empty for a file of a source package itself."""
    source_version: str = ""

    @classmethod
    def of(cls, entry: "PoolEntry") -> Self:
        """From a parsed index; ValueError if the index gives no hash for the file."""
        return cls(
            wanted=Wanted.from_hashes(entry.hashes, entry.size),
            package=entry.package,
            version=entry.version,
            architecture=entry.architecture,
            source=entry.source,
            source_version=entry.source_version,
        )
