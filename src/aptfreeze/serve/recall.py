# SPDX-License-Identifier: MIT
"""From a file that the archive lacks to what else will be asked for: the list of an earlier session.

Rule 1: it is one session's list, not the union of all: an environment builds several images.
Rule 2: no list is recalled twice.
"""

from collections.abc import Collection, Iterator

from aptfreeze.environment.earlier import Earlier
from aptfreeze.environment.records import ServedPackage
from aptfreeze.errors import AptfreezeError
from aptfreeze.fetch.lookup import Lookup
from aptfreeze.freeze.generation import Generation
from aptfreeze.freeze.outcome import PinnedPackage
from aptfreeze.serve.foresight import Name, name_of, recorded_name
from aptfreeze.serve.present import Present
from aptfreeze.values import immutable


@immutable
class Recalled:
    """What a build is expected to ask for."""

    names: frozenset[Name]
    files: tuple[PinnedPackage, ...]
    """Those that the archive lacks, in the order in which they were asked for, from the file that was asked now on."""


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

    def recall(self, asked: PinnedPackage, generation: Generation) -> Recalled | None:
        """The list that this file is on; None if it is on none, or records cannot be read."""
        name = name_of(asked)
        try:
            session = next((each for each in self._unrecalled() if name in _names(each)), None)
        except AptfreezeError:  # whoever looks at records for a person tells why
            session = None
        if session is None:
            return None
        self._recalled.add(session.session_id)
        present = Present(self._lookup, generation, {asked.key: asked.repository})
        files = present.files(session, _from(name, session.usage.packages))
        held = self._lookup.objects.has
        return Recalled(_names(session), tuple(each for each in files if not held(each.entry.wanted.digest)))

    def _unrecalled(self) -> Iterator[Earlier]:
        yield from (each for each in self._read if each.session_id not in self._recalled)
        for session in self._unread:
            self._read.append(session)
            yield session


def _names(session: Earlier) -> frozenset[Name]:
    return frozenset(map(recorded_name, session.usage.packages))


def _from(name: Name, packages: Collection[ServedPackage]) -> list[ServedPackage]:
    """Turned so that the list begins with this name: what stands before it, the build may have passed already."""
    order = list(packages)
    at = list(map(recorded_name, order)).index(name)
    return order[at:] + order[:at]
