# SPDX-License-Identifier: MIT
"""From binary packages to the source packages that they were built from, as the pinned suites have them.

Rule 1: name and version decide (`Source:` of the binary, else its own); the suite of the binary comes first, then the
others of its repository, then all others.
Rule 2: a source that no pinned suite lists is told, never passed over.
Rule 3: the indexes are read themselves: a look-up table has each path once, and two versions of a source have their
upstream tarball in common.
"""

from collections.abc import Collection, Iterable, Sequence

from aptfreeze.deb import compression, index
from aptfreeze.deb.deb822 import ParseError
from aptfreeze.describe.closure import Chosen, Part, Piece, folders_above, package_piece
from aptfreeze.environment.used import sources_paths
from aptfreeze.errors import IntegrityError
from aptfreeze.fetch.lookup import Lookup
from aptfreeze.freeze.catalog import IndexEntry
from aptfreeze.freeze.generation import Pin, SuiteKey
from aptfreeze.freeze.outcome import SuiteFile, is_trustworthy
from aptfreeze.values import immutable

_LARGEST = 4 << 30
"""Bytes of a Sources index, decompressed; that of Debian's main has 50 MB."""

Source = tuple[str, str]
"""Name and version."""


@immutable
class Unlisted:
    """A source package that is in no Sources index at hand."""

    name: str
    version: str
    suite: SuiteKey
    """Of the binary."""
    binary: str
    """One of the binaries that were built from it."""


@immutable
class Correspondence:
    pieces: tuple[Piece, ...]
    """The `.dsc` and tarballs of every source that was found."""
    unlisted: tuple[Unlisted, ...]


class SourceLists:
    """What Sources indexes say of some source packages.

    Mutable: the files of what was found, by suite and source, which grow with each index that is read.
    """

    def __init__(self, lookup: Lookup, names: Collection[str]) -> None:
        """`names` are those of the source packages that count."""
        self._lookup = lookup
        self._names = frozenset(names)
        self._pins: dict[SuiteKey, Pin] = {}
        self._found: dict[SuiteKey, dict[Source, dict[str, IndexEntry]]] = {}

    def read(self, key: SuiteKey, pin: Pin, path: str) -> bool:
        """Whether this Sources, named without the suffix of a compression, is at hand.

        IntegrityError if it cannot be read; what reading the Release raises.
        """
        data = index_text(self._lookup, key, pin, path)
        if data is None:
            return False
        self._pins[key] = pin
        found = self._found.setdefault(key, {})
        try:
            for entry in index.sources(data):
                if entry.package in self._names:
                    listed = IndexEntry.of(entry)
                    if is_trustworthy(pin, listed.wanted):
                        found.setdefault((entry.package, entry.version), {})[entry.path] = listed
        except ParseError as error:
            raise IntegrityError(f"{path} of {key} cannot be read: {error}") from error
        return True

    def has(self, source: Source) -> bool:
        """Whether an index that was read lists it."""
        return any(source in found for found in self._found.values())

    def find(self, key: SuiteKey | None, source: Source) -> tuple[Piece, ...]:
        """The files of a source package, from the suite of the binary or from the nearest one that lists it; empty:
        none does."""
        home = next((each for each in _nearest_first(key, self._found) if source in self._found[each]), None)
        if home is None:
            return ()
        suite, folders = (home, self._pins[home]), folders_above(home)
        listed = self._found[home][source]
        return tuple(package_piece(suite, folders, path, entry) for path, entry in listed.items())


def correspondence(lookup: Lookup, suites: Sequence[Chosen], binaries: Iterable[Piece]) -> Correspondence:
    """The source packages of these binaries; those whose index could not be read are unlisted under their own name.

    `suites` are all that are pinned, with the package indexes whose Sources count. Raises what reading a Release does.
    """
    wanted = {(each.suite, source_of(each)): each.name for each in binaries if each.part is Part.PACKAGE and each.suite}
    lists = SourceLists(lookup, {name for _, (name, _) in wanted})
    for chosen in suites:
        for path in sources_paths(chosen.pin, chosen.paths):
            lists.read(chosen.key, chosen.pin, path)
    pieces: dict[Piece, None] = {}
    unlisted = []
    for (key, source), binary in wanted.items():
        assert key is not None
        found = lists.find(key, source)
        pieces |= dict.fromkeys(found)
        if not found:
            unlisted.append(Unlisted(*source, key, binary))
    return Correspondence(tuple(pieces), tuple(unlisted))


def source_of(binary: Piece) -> Source:
    """Of a binary whose index is missing it is a guess: that it has the binary's name and version."""
    assert binary.entry is not None
    entry = binary.entry
    return entry.source or entry.package, entry.source_version or entry.version


def _nearest_first(key: SuiteKey | None, others: Iterable[SuiteKey]) -> list[SuiteKey]:
    if key is None:
        return sorted(others)
    return sorted(others, key=lambda other: (other != key, other.repository != key.repository, other))


def index_text(lookup: Lookup, key: SuiteKey, pin: Pin, path: str) -> bytes | None:
    """The whole text of an index, named without the suffix of a compression; None if the archive has no form of it.

    Raises what reading the Release raises.
    """
    forms = lookup.forms(key, pin, path)
    return next((text for form in forms if (text := _text(lookup, form)) is not None), None)


def _text(lookup: Lookup, form: SuiteFile) -> bytes | None:
    data = lookup.objects.read(form.wanted.digest, _LARGEST)
    if data is None or form.suffix not in compression.SUFFIXES:
        return data
    return b"".join(compression.decompress([data], form.suffix, _LARGEST))
