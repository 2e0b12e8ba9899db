# SPDX-License-Identifier: MIT
"""Installed packages, found again in the indexes of a generation: hash, size and origin of what an image consists of.

Rule 1: it starts from what is installed: complete whichever way the packages came, also from a cache of the build tool.
Name, version and architecture decide.
Rule 2: indexes that the archive holds are looked into first; others, of the architectures that the packages have or
that are in use, are fetched only while something is not found.
Rule 3: where several suites list the package, the file that a run was served counts, else that of the newest pin; files
with other bytes are told beside it.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime

from aptfreeze.deb.installed import Installed
from aptfreeze.deb.release import IndexName
from aptfreeze.describe.closure import Piece, folders_above, package_piece
from aptfreeze.environment.records import Usage
from aptfreeze.errors import AptfreezeError
from aptfreeze.fetch.lookup import Lookup
from aptfreeze.freeze.digest import Digest
from aptfreeze.freeze.generation import BarePackages, Generation, Pin, SuiteKey
from aptfreeze.freeze.outcome import SuiteFile, is_trustworthy
from aptfreeze.settings import Exemption, Lack
from aptfreeze.values import immutable

_Name = tuple[str, str, str]
"""Name, version and architecture."""
_NEVER = datetime.min.replace(tzinfo=UTC)


@immutable
class Deployed:
    """One installed package, and where it is from."""

    package: Installed
    piece: Piece | None
    """Its file in the generation; None: no pinned suite lists it."""
    others: tuple[Piece, ...] = ()
    """Files of that name and version that have other bytes: which of them is installed, nothing tells."""
    is_served: bool = False
    """Whether a run is on record that was served the file."""
    near: tuple[Piece, ...] = ()
    """If no pinned suite lists it: what they list under its name, in other versions or for other architectures."""


@immutable
class Unread:
    """An index that could not be looked into although something was not found."""

    key: SuiteKey
    path: str
    """Without the suffix of a compression; empty: the Release, which lists the indexes."""
    error: AptfreezeError


@immutable
class Deployment:
    """All packages of a root file system."""

    packages: tuple[Deployed, ...]
    """In the order in which they were given."""
    unread: tuple[Unread, ...]

    @property
    def unknown(self) -> list[Deployed]:
        """Those that no pinned suite lists."""
        return [each for each in self.packages if each.piece is None]


def deployment(
    lookup: Lookup,
    generation: Generation,
    usage: Usage,
    packages: Sequence[Installed],
    architectures: Collection[str],
) -> Deployment:
    """Where each package is from. Blocks, and may fetch indexes; what cannot be read is told, not raised.

    `architectures` are those in use: packages of architecture `all` stand in their indexes.
    """
    finding = _Finding(lookup, packages, architectures)
    finding.run(generation)
    served = {each.sha256 for each in usage.packages}
    return Deployment(tuple(finding.deployed(package, served) for package in packages), tuple(finding.unread))


class _Finding:
    """Mutable: what was found, what has only the name of a package, which of them no index had so far, and what could
    not be read."""

    def __init__(self, lookup: Lookup, packages: Sequence[Installed], architectures: Collection[str]) -> None:
        self._lookup = lookup
        self._found: dict[_Name, list[Piece]] = {_name(package): [] for package in packages}
        self._missing = set(self._found)
        self._near: dict[str, list[Piece]] = {}
        self._names = sorted({package.name for package in packages})
        self._architectures = {package.architecture for package in packages} | {*architectures, "all", ""}
        self.unread: list[Unread] = []

    def run(self, generation: Generation) -> None:
        pins = sorted(generation.pins.items(), key=lambda item: (item[1].date or _NEVER, item[0]), reverse=True)
        left = []
        for key, pin, index, repeats_all in [each for item in pins for each in self._indexes(*item)]:
            is_wanted = index.architecture in self._architectures and not (repeats_all and index.architecture == "all")
            if not self._look(key, pin, index.path, may_fetch=False) and is_wanted:
                left.append((key, pin, index.path))
        for key, pin, path in left:
            if self._missing:
                self._look(key, pin, path, may_fetch=True)

    def _indexes(self, key: SuiteKey, pin: Pin) -> list[tuple[SuiteKey, Pin, IndexName, bool]]:
        """With them, whether those of each architecture have the packages of `all`, too."""
        if isinstance(pin.root, BarePackages):
            return [(key, pin, IndexName("", "", pin.root.file), True)]
        try:
            release = self._lookup.release(key, pin)
        except AptfreezeError as error:
            self.unread.append(Unread(key, "", error))
            return []
        repeats_all = "Packages" in release.no_support_for_architecture_all
        return [(key, pin, each, repeats_all) for each in release.package_indexes() if not each.is_udeb]

    def _look(self, key: SuiteKey, pin: Pin, path: str, *, may_fetch: bool) -> bool:
        """Whether the index could be looked into, or never can be."""
        forms = self._lookup.forms(key, pin, path)
        trusted = [form for form in forms if is_trustworthy(pin, form.wanted)]
        if not trusted:
            return True
        try:
            return self._take(key, pin, trusted, may_fetch=may_fetch)
        except AptfreezeError as error:
            self.unread.append(Unread(key, path, error))
            return True

    def _take(self, key: SuiteKey, pin: Pin, forms: list[SuiteFile], *, may_fetch: bool) -> bool:
        table = self._lookup.index(key, forms, is_source=False, may_fetch=may_fetch)
        if table is None:
            return False
        for path, entry in self._lookup.indexes.named(table, self._names):
            name = (entry.package, entry.version, entry.architecture)
            if is_trustworthy(pin, entry.wanted):
                near = self._near.setdefault(entry.package, [])
                self._found.get(name, near).append(package_piece((key, pin), folders_above(key), path, entry))
                self._missing.discard(name)
        return True

    def deployed(self, package: Installed, served: Collection[Digest]) -> Deployed:
        found = self._found[_name(package)]
        if not found:
            near = {(piece.suite, _digest(piece)): piece for piece in self._near.get(package.name, ())}
            return Deployed(package, None, near=tuple(near.values()))
        first = next((piece for piece in found if _digest(piece) in served), found[0])
        others = {_digest(piece): piece for piece in found if _digest(piece) != _digest(first)}
        return Deployed(package, first, tuple(others.values()), _digest(first) in served)


def _name(package: Installed) -> _Name:
    return package.name, package.version, package.architecture


def _digest(piece: Piece) -> Digest:
    return piece.forms[0].wanted.digest


def exempted(exemptions: Iterable[Exemption], package: Installed, lack: Lack) -> Exemption | None:
    """The exception that somebody made for this package, by its own name or by that of its source package."""
    return exemption_of(exemptions, ((package.name, package.version), (package.source, package.source_version)), lack)


def exemption_of(exemptions: Iterable[Exemption], names: Sequence[tuple[str, str]], lack: Lack) -> Exemption | None:
    """The first exception that is for one of these packages, by name and version."""
    fitting = (each for each in exemptions if lack in each.lacks)
    return next((each for each in fitting if any(_is_meant(each, *name) for name in names)), None)


def _is_meant(exemption: Exemption, name: str, version: str) -> bool:
    return exemption.package == name and exemption.version in (None, version)
