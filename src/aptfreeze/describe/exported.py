# SPDX-License-Identifier: MIT
"""What an export consists of: a list of members, each with its path and where its bytes are.

Rule 1: it follows from generation, records, configuration and archive alone, in one order: what tells of the export
comes first, then the rest by path.
Rule 2: a file of a repository lies where the repository has it; an index in each compressed form that is held, and
under by-hash as its Release announces it.
Rule 3: one path has one content. Two suites that list one path as different files cannot be in one export.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from aptfreeze.archive.objects import Objects
from aptfreeze.deb import compression
from aptfreeze.deb.paths import HASH_FOLDERS
from aptfreeze.describe.closure import Chosen, Part, Piece, held_forms
from aptfreeze.describe.manifest import NAME, SUMS, Listed, Manifest, is_safe
from aptfreeze.describe.sourcelist import Entry, keyring_name
from aptfreeze.errors import IntegrityError
from aptfreeze.fetch.lookup import Lookup
from aptfreeze.freeze.digest import Algorithm, Digest
from aptfreeze.freeze.generation import BarePackages, Pin, SuiteKey
from aptfreeze.freeze.outcome import SuiteFile, suite_file
from aptfreeze.values import immutable

_INDEXES = frozenset({Part.INDEX, Part.SOURCE_INDEX, Part.TRANSLATION})


@immutable
class Member:
    """One file of an export."""

    listed: Listed
    data: bytes | None = None
    """None: it is an object of the archive."""


@immutable
class Place:
    """Where a file of a repository lies in an export, and by which hash it is found in the archive."""

    path: str
    digest: Digest


def places(objects: Objects, pieces: Iterable[Piece]) -> dict[str, Place]:
    """By path. IntegrityError for two files at one path, and for a path that no export can have."""
    found: dict[str, Place] = {}
    for piece in pieces:
        for place in _places_of(objects, piece):
            if not is_safe(place.path):
                raise IntegrityError(f"{piece.part} {piece.name} has a path that cannot be exported: {place.path!r}")
            other = found.setdefault(place.path, place)
            if other.digest != place.digest:
                raise IntegrityError(
                    f"{place.path} is two different files: {other.digest} and {place.digest}, since suites of one "
                    "repository are pinned in states that do not belong together",
                    hint="aptfreeze update brings them to one state",
                )
    _refuse_files_as_folders(found)
    return found


def _places_of(objects: Objects, piece: Piece) -> Iterator[Place]:
    if piece.part is Part.SINGLE:
        form = piece.forms[0]
        yield Place(_single_path(form), form.wanted.digest)
        return
    for form in _handed_over(objects, piece):
        folder = f"repositories/{(piece.folders or (_repository(piece),))[0]}"
        yield Place(f"{folder}/{form.relative}", form.wanted.digest)
        if piece.part in _INDEXES:
            yield from (Place(f"{folder}/{path}", form.wanted.digest) for path in _by_hash(form))


def _repository(piece: Piece) -> str:
    assert piece.suite is not None
    return piece.suite.repository


def _handed_over(objects: Objects, piece: Piece) -> list[SuiteFile]:
    """Every compressed form; what is not compressed only where it is all there is, since it is the largest."""
    held = list(held_forms(objects, piece))
    return [form for form in held if form.suffix in compression.SUFFIXES] or held


def _by_hash(form: SuiteFile) -> Iterator[str]:
    """Debian RepositoryFormat, "indices acquisition via hashsums": by each strong hash that the Release lists."""
    if form.by_hash:
        folder = form.relative.rpartition("/")[0]
        for digest in (form.wanted.digest, *form.wanted.also):
            if digest.algorithm.upper() in HASH_FOLDERS:
                yield f"{folder}/by-hash/{digest.algorithm.upper()}/{digest.hex}".lstrip("/")


def _single_path(form: SuiteFile) -> str:
    """By its url, if that can be the name of a file."""
    path = f"extra/{form.relative}"
    return path if is_safe(path) and "?" not in path else f"extra/{form.wanted.digest.hex}"


def _refuse_files_as_folders(found: Mapping[str, Place]) -> None:
    for path in found:
        folder = path.rpartition("/")[0]
        while folder:
            if folder in found:
                raise IntegrityError(f"{folder} is a file of one repository and a folder of another one")
            folder = folder.rpartition("/")[0]


def members(objects: Objects, placed: Mapping[str, Place], documents: Mapping[str, bytes]) -> list[Member]:
    """All but export.json and SHA256SUMS. IntegrityError for an object that was taken away meanwhile."""
    found = [Member(Listed(path, len(data), Digest.of(data)), data) for path, data in documents.items()]
    found += [Member(_listed(objects, place)) for place in placed.values()]
    return sorted(found, key=lambda member: (member.listed.is_object, member.listed.path))


def _listed(objects: Objects, place: Place) -> Listed:
    sha256 = objects.resolve(place.digest)
    path = objects.path(place.digest)
    if sha256 is None or path is None:
        raise IntegrityError(f"{place.path} ({place.digest}) was taken out of the archive meanwhile")
    also = () if place.digest.algorithm is Algorithm.SHA256 else (place.digest,)
    return Listed(place.path, path.stat().st_size, sha256, also)


def leading(manifest: Manifest) -> Iterator[tuple[str, bytes]]:
    """What comes before all members."""
    yield NAME, manifest.dump()
    yield SUMS, manifest.sums()


def listed_files(lookup: Lookup, chosen: Iterable[Chosen]) -> set[tuple[str, Digest]]:
    """Every file that the Releases of these suites list: its repository, and the hash that it is known by."""
    return {
        (suite.key.repository, suite_file(suite.key, release, listed).wanted.digest)
        for suite in chosen
        if not isinstance(suite.pin.root, BarePackages)
        for release in [lookup.release(suite.key, suite.pin)]
        for listed in release.files.values()
    }


# --- apt's sources ---


def entries(lookup: Lookup, chosen: Sequence[Chosen], keyrings: Iterable[str], *, has_sources: bool) -> list[Entry]:
    """One for each suite, and set of architectures that components of it were used in."""
    known = frozenset(keyrings)
    return [each for suite in chosen for each in _entries(lookup, suite, known, has_sources)]


def _entries(lookup: Lookup, chosen: Chosen, keyrings: frozenset[str], has_sources: bool) -> Iterator[Entry]:
    key, pin = chosen.key, chosen.pin
    keyring = f"keyrings/{keyring_name(key)}"
    suite = Entry(key, keyring=keyring if keyring in keyrings else "", is_signed=bool(pin.signers))
    if key.is_flat:
        yield replace(suite, has_sources=has_sources and _lists_sources(lookup, key, pin, ""))
        return
    alike: dict[tuple[str, ...], list[str]] = {}
    for component, architectures in _components(lookup, chosen).items():
        alike.setdefault(tuple(sorted(architectures - {"all"})), []).append(component)
    for named, components in sorted(alike.items()):
        listed = has_sources and any(_lists_sources(lookup, key, pin, each) for each in components)
        yield replace(suite, components=tuple(sorted(components)), architectures=named, has_sources=listed)


def _components(lookup: Lookup, chosen: Chosen) -> dict[str, set[str]]:
    """Those of which a Packages index is in the export, with its architectures."""
    names = {index.path: index for index in lookup.release(chosen.key, chosen.pin).package_indexes()}
    found: dict[str, set[str]] = {}
    for path in chosen.paths:
        if path in names and not names[path].is_udeb:
            found.setdefault(names[path].component, set()).add(names[path].architecture)
    return found


def _lists_sources(lookup: Lookup, key: SuiteKey, pin: Pin, component: str) -> bool:
    path = f"{component}/source/Sources" if component else "Sources"
    return bool(lookup.forms(key, pin, path))
