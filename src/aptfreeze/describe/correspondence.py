# SPDX-License-Identifier: MIT
"""From binary packages to the source packages that they were built from, as the pinned suites have them.

Rule 1: name and version decide (`Source:` of the binary, else its own); the suite of the binary comes first, then the
others of its repository, then all others.
Rule 2: a source that no pinned suite lists is told, never passed over.
Rule 3: the indexes are read themselves: a look-up table has each path once, and two versions of a source have their
upstream tarball in common.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence

from aptfreeze.deb import compression, index
from aptfreeze.deb.deb822 import ParseError
from aptfreeze.describe.closure import Chosen, Part, Piece, folders_above, package_piece
from aptfreeze.environment.used import sources_paths
from aptfreeze.errors import IntegrityError
from aptfreeze.fetch.lookup import Lookup
from aptfreeze.freeze.catalog import IndexEntry
from aptfreeze.freeze.generation import SuiteKey
from aptfreeze.freeze.outcome import SuiteFile, is_trustworthy
from aptfreeze.values import immutable

_LARGEST = 4 << 30
"""Bytes of a Sources index, decompressed; that of Debian's main has 50 MB."""

_Source = tuple[str, str]
"""Name and version."""
_File = tuple[str, IndexEntry]
"""Path and what the Sources says of it."""


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


def correspondence(lookup: Lookup, suites: Sequence[Chosen], binaries: Iterable[Piece]) -> Correspondence:
    """The source packages of these binaries; those whose index could not be read are unlisted under their own name.

    `suites` are all that are pinned, with the package indexes whose Sources count. Raises what reading a Release does.
    """
    wanted = {(each.suite, source_of(each)): each.name for each in binaries if each.part is Part.PACKAGE and each.suite}
    listed = {chosen.key: _listed(lookup, chosen, {name for _, (name, _) in wanted}) for chosen in suites}
    pins = {chosen.key: chosen.pin for chosen in suites}
    pieces: dict[Piece, None] = {}
    unlisted = []
    for (key, source), binary in wanted.items():
        assert key is not None
        home = next((each for each in _nearest_first(key, listed) if source in listed[each]), None)
        if home is None:
            unlisted.append(Unlisted(*source, key, binary))
        else:
            suite, folders = (home, pins[home]), folders_above(home)
            pieces |= {package_piece(suite, folders, path, entry): None for path, entry in listed[home][source]}
    return Correspondence(tuple(pieces), tuple(unlisted))


def source_of(binary: Piece) -> _Source:
    """Of a binary whose index is missing it is a guess: that it has the binary's name and version."""
    assert binary.entry is not None
    entry = binary.entry
    return entry.source or entry.package, entry.source_version or entry.version


def _nearest_first(key: SuiteKey, others: Iterable[SuiteKey]) -> list[SuiteKey]:
    return sorted(others, key=lambda other: (other != key, other.repository != key.repository, other))


def _listed(lookup: Lookup, chosen: Chosen, names: Collection[str]) -> dict[_Source, list[_File]]:
    """The files of all source packages of these names, by name and version."""
    found: dict[_Source, list[_File]] = {}
    for path, entry in _files(lookup, chosen, names):
        if is_trustworthy(chosen.pin, entry.wanted):
            found.setdefault((entry.package, entry.version), []).append((path, entry))
    return found


def _files(lookup: Lookup, chosen: Chosen, names: Collection[str]) -> Iterator[_File]:
    for path in sources_paths(chosen.pin, chosen.paths):
        forms = lookup.forms(chosen.key, chosen.pin, path)
        data = next(filter(None, (_text(lookup, form) for form in forms)), b"")
        try:
            for entry in index.sources(data):
                if entry.package in names:
                    yield entry.path, IndexEntry.of(entry)
        except ParseError as error:
            raise IntegrityError(f"{path} of {chosen.key} cannot be read: {error}") from error


def _text(lookup: Lookup, form: SuiteFile) -> bytes | None:
    """The index itself; None if the archive lacks this form of it."""
    data = lookup.objects.read(form.wanted.digest, _LARGEST)
    if data is None or form.suffix not in compression.SUFFIXES:
        return data
    return b"".join(compression.decompress([data], form.suffix, _LARGEST))
