# SPDX-License-Identifier: MIT
"""Which environments need an object, as what, and where it can be had: from a digest back to pins.

Rule 1: an environment needs what its lock file, the generations that it has met, pins in work and records lead to.
Rule 2: nothing is fetched here. What hides behind a pinned file or an index that is damaged itself is found once that
is put right.
Rule 3: a suite that several generations have pinned alike is told once, of the newest of them.
"""

from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace

from aptfreeze.archive.layout import Layout
from aptfreeze.archive.survey import digest_of, files
from aptfreeze.deb import compression
from aptfreeze.deb.filelist import ListedFile
from aptfreeze.deb.release import Release
from aptfreeze.describe import closure
from aptfreeze.describe.closure import Part, Piece, folders_above, package_piece
from aptfreeze.environment import records
from aptfreeze.environment.machine import architecture
from aptfreeze.environment.records import Usage
from aptfreeze.environment.tenants import Tenant
from aptfreeze.errors import AptfreezeError
from aptfreeze.fetch.chain import Supplier
from aptfreeze.fetch.lookup import Lookup
from aptfreeze.freeze.digest import Algorithm, Digest, Wanted
from aptfreeze.freeze.generation import BarePackages, Generation, InRelease, Pin, SuiteKey
from aptfreeze.freeze.outcome import SuiteFile, is_trustworthy, relative_to_suite, suite_file
from aptfreeze.values import immutable

_SUMS = "/SHA256SUMS"

Names = Mapping[Digest, Digest]
"""From each digest that a file is known by to the sha256 that its object is named by."""


@immutable
class Found:
    """A file of a generation, which an object is."""

    sha256: Digest
    piece: Piece
    compressed: tuple[SuiteFile, ...] = ()
    """The forms that it can be derived from."""
    data: bytes | None = None
    """The bytes themselves, where they follow from another object."""
    index: str = ""
    """The index that lists it, without the suffix of a compression; empty: the Release, or the lock file itself."""

    def suppliers(self, lookup: Lookup) -> list[Supplier]:
        """Where it comes from; OfflineError if it may not be fetched."""
        form = self.piece.forms[0]
        if self.compressed and self.piece.suite is not None:
            return lookup.suite_suppliers(self.piece.suite, form, self.compressed)
        return self.piece.suppliers(lookup, form)


@immutable
class Need:
    """Who needs it."""

    environment: str
    """As `tenants` names it."""
    generation: str
    """The id."""
    is_current: bool
    found: Found


def names(layout: Layout, objects: Collection[Digest]) -> dict[Digest, Digest]:
    """The digests that these objects are known by: their sha256, and aliases."""
    known = {each: each for each in objects}
    for file in files(layout.root, ("aliases",)) if objects else ():
        algorithm, name = file.split("/")[1], file.rpartition("/")[2]
        alias = digest_of(name, algorithm)
        with suppress(OSError):
            sha256 = digest_of((layout.root / file).read_text("latin-1").strip())
            if alias is not None and sha256 in known:
                known[alias] = sha256
    return known


def needs(lookup: Lookup, tenant: Tenant, sought: Names) -> Iterator[Need]:
    """Which of the objects sought an environment's generations need. `lookup` must answer from the archive."""
    told: set[tuple[SuiteKey, Pin]] = set()
    folder = tenant.environment.records if tenant.environment else None
    in_use = (records.architectures(folder) if folder else frozenset[str]()) | {architecture()}
    for number, generation in enumerate(tenant.generations):
        fresh = {key: pin for key, pin in generation.pins.items() if (key, pin) not in told}
        told.update(fresh.items())
        found = list(of_pins(lookup, replace(generation, pins=fresh), sought))
        known = {each.sha256 for each in found}
        rest = {name: sha256 for name, sha256 in sought.items() if sha256 not in known}
        if rest and folder:
            found += _of_records(lookup, generation, records.load(folder, generation.id), rest, in_use)
        is_current = tenant.has_current and number == 0
        yield from (Need(tenant.name, generation.id, is_current, each) for each in found)


def of_pins(lookup: Lookup, generation: Generation, sought: Names) -> Iterator[Found]:
    """What of the objects sought a generation's pins lead to."""
    for piece in closure.roots(generation):
        digest = piece.forms[0].wanted.digest
        if digest in sought:
            yield Found(sought[digest], piece)
    for key, pin in sorted(generation.pins.items()):
        yield from _of_suite(lookup, key, pin, sought)


def tables(lookup: Lookup, key: SuiteKey, pin: Pin) -> Iterator[tuple[str, Digest]]:
    """The indexes of a suite that are at hand: by their path, with the name of their look-up table.

    Where nobody has made a table, one is made if the archive holds the index.
    """
    for path, is_source in _index_paths(lookup, key, pin):
        with suppress(AptfreezeError):
            forms = lookup.forms(key, pin, path)
            name = lookup.index(key, forms, is_source=is_source, may_fetch=False) if forms else None
            if name is not None:
                yield path, name


def _index_paths(lookup: Lookup, key: SuiteKey, pin: Pin) -> list[tuple[str, bool]]:
    """With whether it is a Sources."""
    if isinstance(pin.root, BarePackages):
        return [(pin.root.file, False)]
    try:
        release = lookup.release(key, pin)
    except AptfreezeError:  # not at hand: it is sought itself
        return []
    indexes = (*release.package_indexes(), *release.source_indexes())
    return [(index.path, index.architecture == "source") for index in indexes]


def _of_suite(lookup: Lookup, key: SuiteKey, pin: Pin, sought: Names) -> Iterator[Found]:
    if not isinstance(pin.root, BarePackages):
        yield from _of_release(lookup, key, pin, sought)
    for path, name in tables(lookup, key, pin):
        with suppress(AptfreezeError):
            for below, entry in lookup.indexes.holding(name, sought):
                if is_trustworthy(pin, entry.wanted) and entry.wanted.digest in sought:
                    piece = package_piece((key, pin), folders_above(key), below, entry)
                    yield Found(sought[entry.wanted.digest], piece, index=path)


def _of_release(lookup: Lookup, key: SuiteKey, pin: Pin, sought: Names) -> Iterator[Found]:
    try:
        release = lookup.release(key, pin)
        payload = lookup.payload(key, pin) if isinstance(pin.root, InRelease) else b""
    except AptfreezeError:  # not at hand: it is sought itself
        return
    yield from _of_payload(key, pin, payload, sought)
    yield from _of_listed(key, release, sought)
    for listed in release.files.values():
        if listed.path.endswith(_SUMS):
            yield from _of_sums(lookup, (key, pin), release, listed, sought)


def _of_payload(key: SuiteKey, pin: Pin, payload: bytes, sought: Names) -> Iterator[Found]:
    """The text of an InRelease is an object, too: it is served as Release."""
    digest = Digest.of(payload)
    if payload and digest in sought:
        file = SuiteFile(Wanted(digest, len(payload)), relative_to_suite(key, "Release"), date=pin.date)
        yield Found(sought[digest], Piece(Part.ROOT, file.relative, (file,), key), data=payload)


def _of_listed(key: SuiteKey, release: Release, sought: Names) -> Iterator[Found]:
    hexes = {each.hex for each in sought}
    kinds = {each.path: Part.INDEX for each in release.package_indexes()}
    kinds |= {each.path: Part.SOURCE_INDEX for each in release.source_indexes()}
    for listed in release.files.values():
        if hexes.isdisjoint(listed.hashes.values()):
            continue
        file = suite_file(key, release, listed)
        if file.wanted.digest in sought:
            plain = listed.path.removesuffix(file.suffix) if file.suffix in compression.SUFFIXES else listed.path
            default = Part.TRANSLATION if "/i18n/Translation-" in plain else Part.LISTED
            variants = [v for v in release.variants(listed.path) if v.path.startswith(listed.path + ".")]
            piece = Piece(kinds.get(plain, default), listed.path, (file,), key)
            compressed = tuple(suite_file(key, release, variant) for variant in variants)
            yield Found(sought[file.wanted.digest], piece, compressed)


def _of_sums(
    lookup: Lookup, suite: tuple[SuiteKey, Pin], release: Release, listed: ListedFile, sought: Names
) -> Iterator[Found]:
    """Installer images are listed in a SHA256SUMS file that the Release lists."""
    key, _ = suite
    file = suite_file(key, release, listed)
    if not lookup.objects.has(file.wanted.digest):
        return
    with suppress(AptfreezeError, ValueError):
        for path, value in lookup.sums(key, file).items():
            digest = Digest(Algorithm.SHA256, value)
            if digest in sought:
                name = f"{listed.path.removesuffix(_SUMS)}/{path}"
                image = SuiteFile(
                    Wanted(digest), relative_to_suite(key, name), date=release.date, origin=release.origin
                )
                yield Found(sought[digest], Piece(Part.LISTED, name, (image,), key))


def _of_records(
    lookup: Lookup, generation: Generation, usage: Usage, sought: Names, architectures: Collection[str]
) -> Iterator[Found]:
    """What sessions were served, also where no index at hand lists it any more."""
    for served in dict.fromkeys(each for each in usage.packages if each.sha256 in sought):
        one = replace(usage, packages=(served,))
        for piece in closure.used_packages(lookup, generation, one, architectures):
            yield Found(sought[served.sha256], piece)
