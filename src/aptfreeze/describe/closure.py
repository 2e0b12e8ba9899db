# SPDX-License-Identifier: MIT
"""Which files a generation consists of, as far as its sessions used it, or as a whole: what an archive has to hold.

Rule 1: it follows from pins and records alone. What the archive lacks of Releases and indexes hides what lies below:
they have to be had first (`index_pieces`), and then it is told what they list (`used_packages`, `all_packages`).
Rule 2: nothing is fetched here; the `Lookup` answers from the archive.
Rule 3: a package file that sessions were served is known by its record, also where no index can be read.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import suppress
from enum import StrEnum

from aptfreeze.archive.objects import Objects
from aptfreeze.deb.paths import Location, index_architecture, pool_component, quoted
from aptfreeze.deb.release import IndexName, Release
from aptfreeze.environment.records import ServedPackage, Usage
from aptfreeze.environment.used import asked_paths, first_paths, sources_paths
from aptfreeze.errors import AptfreezeError
from aptfreeze.fetch.chain import Supplier
from aptfreeze.fetch.lookup import Lookup
from aptfreeze.fetch.roots import root_file
from aptfreeze.freeze.catalog import IndexEntry
from aptfreeze.freeze.digest import Digest, Wanted
from aptfreeze.freeze.generation import BarePackages, Generation, Pin, ReleasePair, SuiteKey
from aptfreeze.freeze.outcome import Asked, PinnedPackage, SuiteFile, is_trustworthy, relative_to_suite
from aptfreeze.freeze.resolve import resolve
from aptfreeze.values import immutable


class Part(StrEnum):
    """What a piece is; for people and programs."""

    ROOT = "pinned file"
    INDEX = "index"
    SOURCE_INDEX = "source index"
    TRANSLATION = "translation"
    LISTED = "listed file"  # another one of a Release
    SINGLE = "single file"
    PACKAGE = "package"
    SOURCE = "source"


@immutable
class Piece:
    """One file of a generation, in any of its forms: an index is held if one of its compressions is."""

    part: Part
    name: str
    """For people: `hello 1.0 amd64`, `main/binary-amd64/Packages`."""
    forms: tuple[SuiteFile, ...]
    """Never empty; the one first that clients ask for."""
    suite: SuiteKey | None = None
    """None: a single file, whose url without scheme is the path of its form."""
    pin: Pin | None = None
    """Of a package file: the suite's; None if that is not pinned any more."""
    folders: tuple[str, ...] = ()
    """Of a package file: what its path may be relative to, the likeliest first."""
    entry: IndexEntry | None = None
    """Of a package file: what its index says, else what its record says, which knows no source."""
    elsewhere: tuple[Supplier, ...] = ()
    """Of a file that no pin leads to: who has it."""

    @property
    def size(self) -> int | None:
        """In bytes, of the form that is fetched first; None if nobody knows it before."""
        return self.forms[0].wanted.size

    @property
    def path(self) -> str:
        """With the repository in front, for people."""
        if self.suite is None:
            return self.forms[0].relative
        return f"{(self.folders or (self.suite.repository,))[0]}/{self.forms[0].relative}"

    def suppliers(self, lookup: Lookup, form: SuiteFile) -> list[Supplier]:
        """Where this form comes from; OfflineError if it may not be fetched."""
        if self.suite is None:
            elsewhere = [] if lookup.offline else list(self.elsewhere)
            return elsewhere or lookup.single_suppliers(quoted(form.relative))
        if self.entry is None:
            return lookup.suite_suppliers(self.suite, form)
        if self.pin is None:
            return [each for folder in self.folders for each in lookup.suppliers(folder, quoted(form.relative))]
        _read_release(lookup, self.suite, self.pin)
        found = [PinnedPackage(self.suite, self.pin, self.entry, folder, form.relative) for folder in self.folders]
        return [each for package in found for each in lookup.package_suppliers(package, quoted(form.relative))]


def _read_release(lookup: Lookup, key: SuiteKey, pin: Pin) -> None:
    """If it is at hand: what it says of its origin decides whether somebody keeps its earlier states."""
    if not isinstance(pin.root, BarePackages) and lookup.objects.has(root_file(key, pin).wanted.digest):
        with suppress(AptfreezeError):
            lookup.release(key, pin)


def held_form(objects: Objects, piece: Piece) -> SuiteFile | None:
    """The form that the archive has, in the right size; None if it has none. Nothing is said about its bytes."""
    return next(held_forms(objects, piece), None)


def held_forms(objects: Objects, piece: Piece) -> Iterator[SuiteFile]:
    """Each form that the archive has."""
    return (form for form in piece.forms if _is_held(objects, form.wanted))


def _is_held(objects: Objects, wanted: Wanted) -> bool:
    path = objects.path(wanted.digest)
    if path is None:
        return False
    try:
        return wanted.size in (None, path.stat().st_size)
    except OSError:  # it was taken away meanwhile
        return False


def roots(generation: Generation) -> Iterator[Piece]:
    """The pinned files themselves, and single files."""
    for key, pin in sorted(generation.pins.items()):
        yield Piece(Part.ROOT, root_file(key, pin).relative, (root_file(key, pin),), key)
        if isinstance(pin.root, ReleasePair) and pin.root.release_gpg is not None:
            wanted = Wanted(pin.root.release_gpg)
            signature = SuiteFile(wanted, relative_to_suite(key, "Release.gpg"), date=pin.date)
            yield Piece(Part.ROOT, signature.relative, (signature,), key)
    for url, digest in sorted(generation.extra.items()):
        yield Piece(Part.SINGLE, url, (SuiteFile(Wanted(digest), url),))


# --- indexes ---


@immutable
class Chosen:
    """The package indexes of one suite that count, by their path without the suffix of a compression."""

    key: SuiteKey
    pin: Pin
    paths: tuple[str, ...]


def used_indexes(lookup: Lookup, key: SuiteKey, pin: Pin, usage: Usage) -> Chosen:
    """Those that sessions asked for; where none was asked (a client may come with lists of its own), those that the
    package files which it got need. Raises what reading the Release raises."""
    asked = asked_paths(usage, key)
    if not isinstance(pin.root, BarePackages):
        release = lookup.release(key, pin)
        served = [each for each in usage.packages if SuiteKey(each.repository, each.suite) == key]
        asked = asked or _needed(release, served)
    return Chosen(key, pin, tuple(asked))


def all_indexes(lookup: Lookup, key: SuiteKey, pin: Pin, usage: Usage, architectures: Collection[str]) -> Chosen:
    """Those in use; of a suite that no session asked, those of these architectures in its first component."""
    if isinstance(pin.root, BarePackages):
        return Chosen(key, pin, (pin.root.file,))
    release = lookup.release(key, pin)
    default = sorted({path for each in architectures for path in first_paths(release, each)})
    return Chosen(key, pin, tuple(asked_paths(usage, key) or default))


def readable(generation: Generation, choose: Callable[[SuiteKey, Pin], Chosen]) -> list[Chosen]:
    """What is chosen of each suite whose Release is at hand; that of another one is a missing piece itself."""
    chosen = []
    for key, pin in sorted(generation.pins.items()):
        with suppress(AptfreezeError):
            chosen.append(choose(key, pin))
    return chosen


def _needed(release: Release, served: Collection[ServedPackage]) -> list[str]:
    wanted = {(each.architecture, pool_component(f"/{each.path}")) for each in served}
    return [
        index.path
        for index in release.package_indexes()
        if not index.is_udeb and any(_may_list(index, *each) for each in wanted)
    ]


def _may_list(index: IndexName, architecture: str, component: str) -> bool:
    is_near = not component or index.component.split("/")[-1] in ("", component)
    return is_near and index.architecture in ("", architecture)


def index_pieces(lookup: Lookup, chosen: Chosen) -> Iterator[Piece]:
    """The package indexes; raises what reading the Release raises."""
    if isinstance(chosen.pin.root, BarePackages):
        return  # the root is the index
    for path in chosen.paths:
        yield from index_piece(lookup, chosen, Part.INDEX, path)


def source_index_pieces(lookup: Lookup, chosen: Chosen) -> Iterator[Piece]:
    """The Sources of the same components."""
    for path in sources_paths(chosen.pin, chosen.paths):
        yield from index_piece(lookup, chosen, Part.SOURCE_INDEX, path)


def translation_pieces(lookup: Lookup, chosen: Chosen) -> Iterator[Piece]:
    """Translation-en of the same components: apt asks for it unless it is told not to, and no record tells of it."""
    folders = {path.rsplit("/", 2)[0] for path in chosen.paths if index_architecture(path)}
    for folder in sorted(folders):
        if not folder.endswith("/debian-installer"):
            yield from index_piece(lookup, chosen, Part.TRANSLATION, f"{folder}/i18n/Translation-en")


def index_piece(lookup: Lookup, chosen: Chosen, part: Part, path: str) -> Iterator[Piece]:
    """The index of that path, unless it is not listed, or only with hashes that prove nothing."""
    forms = sorted(lookup.forms(chosen.key, chosen.pin, path), key=_asked_first)
    trusted = tuple(form for form in forms if is_trustworthy(chosen.pin, form.wanted))
    if trusted:
        yield Piece(part, path, trusted, chosen.key)


def _asked_first(form: SuiteFile) -> int:
    """apt, debootstrap and mmdebstrap ask for the first of these that is listed, however small the others are."""
    order = (".xz", ".bz2", ".gz")
    return order.index(form.suffix) if form.suffix in order else len(order)


# --- package files ---


def used_packages(
    lookup: Lookup, generation: Generation, usage: Usage, architectures: Collection[str]
) -> Iterator[Piece]:
    """What sessions were served, each file once."""
    asking = _Asking(lookup, generation, frozenset(architectures))
    for served in dict.fromkeys(usage.packages):
        yield asking.piece(served)


class _Asking:
    """Package files as the generation has them, found in the way in which clients find them."""

    def __init__(self, lookup: Lookup, generation: Generation, architectures: frozenset[str]) -> None:
        self._lookup = lookup
        self._architectures = architectures
        self._pins = generation.pins
        self._suites = {
            key: Generation(generation.id, generation.created, {key: pin}) for key, pin in generation.pins.items()
        }

    def piece(self, served: ServedPackage) -> Piece:
        key = SuiteKey(served.repository, served.suite)
        folders = folders_above(key)
        for folder in folders if key in self._suites else ():
            found = self._found(self._suites[key], f"{folder}/{served.path}")
            if found is not None and _is_same(found.entry, served):
                return package_piece((key, found.pin), (found.repository,), found.relative, found.entry)
        wanted = Wanted(served.sha256, served.size)
        entry = IndexEntry(wanted, served.name, served.version, served.architecture)
        return package_piece((key, self._pins.get(key)), folders, served.path, entry)

    def _found(self, generation: Generation, text: str) -> PinnedPackage | None:
        host, _, path = text.partition("/")
        location = Location(host, f"/{path}", quoted(f"/{path}"))
        try:
            outcome = self._lookup.settle(resolve(Asked(location, False, self._architectures), generation))
        except AptfreezeError:  # an index is missing; it is a piece itself
            return None
        return outcome if isinstance(outcome, PinnedPackage) else None


def _is_same(entry: IndexEntry, served: ServedPackage) -> bool:
    """Whether the index still means the file that was served; it does, unless the suite was pinned anew since."""
    digest = entry.wanted.digest
    return digest == served.sha256 or digest.algorithm is not served.sha256.algorithm


def folders_above(key: SuiteKey) -> tuple[str, ...]:
    """What paths in an index of this suite may be relative to: of a flat one also the folders above its own."""
    if not key.is_flat:
        return (key.repository,)
    parts = key.repository.split("/")
    return tuple("/".join(parts[:count]) for count in range(len(parts), 0, -1))


def package_piece(suite: tuple[SuiteKey, Pin | None], folders: tuple[str, ...], path: str, entry: IndexEntry) -> Piece:
    """A file of a binary or source package."""
    key, pin = suite
    name = f"{entry.package} {entry.version} {entry.architecture}"
    if entry.architecture == "source":
        name = f"{entry.package} {entry.version} {path.rpartition('/')[2]}"
    part = Part.SOURCE if entry.architecture == "source" else Part.PACKAGE
    return Piece(part, name, (SuiteFile(entry.wanted, path),), key, pin, folders, entry)


def all_packages(lookup: Lookup, chosen: Chosen) -> Iterator[Piece]:
    """Everything that these indexes list; an index that the archive lacks lists nothing. IntegrityError for a damaged
    one."""
    for path in chosen.paths:
        forms = lookup.forms(chosen.key, chosen.pin, path)
        table = lookup.index(chosen.key, forms, is_source=False, may_fetch=False) if forms else None
        for below, entry in lookup.indexes.entries(table) if table is not None else ():
            if is_trustworthy(chosen.pin, entry.wanted):
                yield package_piece((chosen.key, chosen.pin), folders_above(chosen.key), below, entry)


def by_digest(pieces: Iterable[Piece]) -> list[Piece]:
    """Each file once, also where several suites list it."""
    found: dict[Digest, Piece] = {}
    for piece in pieces:
        found.setdefault(piece.forms[0].wanted.digest, piece)
    return list(found.values())
