# SPDX-License-Identifier: MIT
"""From a file that the archive lacks to what else will be asked for: the list of an earlier session.

Rule 1: it is one session's list, not the union of all: an environment builds several images.
Rule 2: a package file recalls any session that was served that package. An index is a weaker sign: it recalls only a
session of the same command in the same generation.
Rule 3: no list is recalled twice.
"""

from collections.abc import Collection, Iterator, Mapping
from itertools import takewhile

from aptfreeze.environment.earlier import Earlier
from aptfreeze.environment.records import AskedIndex, ServedPackage
from aptfreeze.errors import AptfreezeError
from aptfreeze.fetch.lookup import Lookup
from aptfreeze.freeze.generation import Generation, SuiteKey
from aptfreeze.freeze.outcome import PinnedPackage
from aptfreeze.serve.foresight import Name, name_of, recorded_name
from aptfreeze.serve.present import Present
from aptfreeze.values import immutable


@immutable
class Recalled:
    """What a build is expected to ask for."""

    names: frozenset[Name]
    files: tuple[PinnedPackage, ...]
    """Those that the archive lacks, in the order in which they were asked for, from the one that was asked now on."""


class Recall:
    """All of it blocks and runs in threads, one call at a time.

    Mutable state: the earlier sessions read so far, the likeliest first, and which of them were recalled.
    """

    def __init__(self, lookup: Lookup, sessions: Iterator[Earlier]) -> None:
        self._lookup = lookup
        self._unread = sessions
        self._read: list[Earlier] = []
        self._recalled: set[str] = set()

    def __repr__(self) -> str:
        return f"<Recall {len(self._read)} sessions read, {len(self._recalled)} recalled>"

    def by_package(self, asked: PinnedPackage, generation: Generation) -> Recalled | None:
        """The list that this file is on; None if it is on none, or records cannot be read."""
        name = name_of(asked)
        session = _first(each for each in self._unrecalled() if name in _names(each))
        if session is None:
            return None
        packages = _from(name, session.usage.packages)
        return self._recall(session, packages, generation, {asked.key: asked.repository})

    def by_index(self, asked: AskedIndex, generation: Generation) -> Recalled | None:
        """The list of the latest session that asked for this index and is like the present one; None as above."""
        alike = takewhile(lambda each: each.is_alike, self._unrecalled())
        session = _first(each for each in alike if asked in each.usage.indexes)
        return None if session is None else self._recall(session, session.usage.packages, generation, {})

    def _recall(
        self,
        session: Earlier,
        packages: Collection[ServedPackage],
        generation: Generation,
        folders: Mapping[SuiteKey, str],
    ) -> Recalled:
        self._recalled.add(session.session_id)
        files = Present(self._lookup, generation, folders).files(session, packages)
        lacking = (each for each in files if not self._lookup.objects.has(each.entry.wanted.digest))
        return Recalled(_names(session), tuple(lacking))

    def _unrecalled(self) -> Iterator[Earlier]:
        yield from (each for each in self._read if each.session_id not in self._recalled)
        for session in self._unread:
            self._read.append(session)
            yield session


def _first(sessions: Iterator[Earlier]) -> Earlier | None:
    try:
        return next(sessions, None)
    except AptfreezeError:  # whoever looks at records for a person tells why they cannot be read
        return None


def _names(session: Earlier) -> frozenset[Name]:
    return frozenset(map(recorded_name, session.usage.packages))


def _from(name: Name, packages: Collection[ServedPackage]) -> list[ServedPackage]:
    """Turned so that the list begins with this name: what stands before it, the build may have passed already."""
    order = list(packages)
    at = list(map(recorded_name, order)).index(name)
    return order[at:] + order[:at]
