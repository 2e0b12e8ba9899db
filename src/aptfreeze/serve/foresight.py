# SPDX-License-Identifier: MIT
"""Whether a build still asks for what an earlier one was served (pure)."""

from collections import deque
from collections.abc import Iterable

from aptfreeze.environment.records import ServedPackage
from aptfreeze.freeze.outcome import PinnedPackage

Name = tuple[str, str]
"""Package and architecture: what stays when a package gets a new version, or comes from another suite by now."""

_LOOKED_AT = 20


def name_of(package: PinnedPackage) -> Name:
    return package.entry.package, package.entry.architecture


def recorded_name(package: ServedPackage) -> Name:
    return package.name, package.architecture


class Foresight:
    """A list of names that a build is expected to ask for.

    Mutable state: of each of the last files that were asked, whether it was on the list.
    """

    def __init__(self, names: Iterable[Name]) -> None:
        self._names = frozenset(names)
        self._hits = deque([True] * _LOOKED_AT, maxlen=_LOOKED_AT)

    def __repr__(self) -> str:
        return f"<Foresight {len(self._names)} names, {sum(self._hits)} of the last {_LOOKED_AT} were right>"

    def __contains__(self, name: Name) -> bool:
        return name in self._names

    def asked(self, name: Name) -> None:
        """A client has asked for a file of this package."""
        self._hits.append(name in self._names)

    @property
    def holds(self) -> bool:
        """Whether at least half of the last 20 files were on the list; those not asked yet count as if they were."""
        return 2 * sum(self._hits) >= _LOOKED_AT
