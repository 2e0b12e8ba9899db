# SPDX-License-Identifier: MIT
"""One path with two digests: two suites of one repository, frozen in states that do not belong together.

A package file is looked for in all suites of its repository, and one file is served for one path. Where two suites
list it differently, the clients of one of them will refuse what they get. That is told when it is found out, by
comparing each index whose look-up table was just made with those at hand of the repository's other suites.
Rule: nobody waits for it, and it asks no mirror.
"""

import asyncio

from aptfreeze.errors import AptfreezeError
from aptfreeze.fetch.lookup import Lookup
from aptfreeze.freeze.digest import Digest
from aptfreeze.freeze.generation import BarePackages, Generation, Pin, SuiteKey
from aptfreeze.freeze.outcome import index_name, suite_file
from aptfreeze.serve.session import Session


class ClashWatch:
    """Holds no state of its own. `lookup` makes the tables, `archive_only` is asked for those of other suites."""

    def __init__(self, session: Session, lookup: Lookup, archive_only: Lookup) -> None:
        self._session = session
        self._lookup = lookup
        self._archive_only = archive_only

    async def look(self) -> None:
        """Give notice of what clashes with the tables that were made since the last look."""
        while self._lookup.built:
            key, name = self._lookup.built.popleft()
            for text in await asyncio.to_thread(self._clashes, key, name, self._session.generation):
                self._session.notice(text)

    def _clashes(self, key: SuiteKey, name: Digest, generation: Generation) -> list[str]:
        """In a thread: one text for each other suite."""
        others = [(o, pin) for o, pin in generation.pins.items() if o.repository == key.repository and o != key]
        return [text for other, pin in others if (text := self._text(key, name, other, pin))]

    def _text(self, key: SuiteKey, name: Digest, other: SuiteKey, pin: Pin) -> str:
        """Empty if nothing clashes."""
        found = [self._archive_only.indexes.clashes(name, its) for its in self._tables(other, pin)]
        count = sum(each for each, _ in found)
        if not count:
            return ""
        path = min(path for _, path in found if path)
        more = f" (and {count - 1} more)" if count > 1 else ""
        one, two = sorted((key, other))
        return (
            f"{path}{more} is listed in {one} and in {two} with different digests: their frozen states do not belong "
            "together. Clients get the file of the suite with the younger Release; those that have read the other "
            "one's list will refuse it"
        )

    def _tables(self, key: SuiteKey, pin: Pin) -> list[Digest]:
        """The names of the suite's indexes; those without a table do no harm."""
        if isinstance(pin.root, BarePackages):
            return [pin.root.packages]
        try:
            release = self._archive_only.release(key, pin)
        except AptfreezeError:
            return []  # it is not in this archive
        paths = {index.path for index in (*release.package_indexes(), *release.source_indexes())}
        return [index_name([suite_file(key, release, form) for form in release.variants(path)]) for path in paths]
