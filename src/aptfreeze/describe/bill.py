# SPDX-License-Identifier: MIT
"""A software bill of materials as values; `cyclonedx` and `spdx` write it down in the two forms that there are.

Rule 1: of an image what is deployed; without one what was used. Binary packages, the source packages that they are
built from, and those of which they hold parts (Built-Using and its like).
Rule 2: nothing of it depends on the time or on who makes it: two bills of one image and one generation are equal.
Rule 3: where a package is from, the signed indexes say. One of no pinned suite has the vendor `local`, and no hash.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime

from aptfreeze.archive.objects import Objects
from aptfreeze.deb.depends import dependencies
from aptfreeze.deb.installed import Installed
from aptfreeze.describe.closure import Piece
from aptfreeze.describe.description import Described, Description, Role
from aptfreeze.errors import AptfreezeError
from aptfreeze.fetch.lookup import Lookup
from aptfreeze.freeze.digest import Algorithm
from aptfreeze.freeze.generation import BarePackages, Generation, SuiteKey
from aptfreeze.values import immutable

LOCAL = "local"
"""Vendor of a package that no pinned suite lists."""
_PIECE = 1 << 20

_Source = tuple[str, str, str]
"""Vendor, name and version."""


@immutable
class Component:
    """One binary or source package."""

    purl: str
    """Package URL (the `deb` type of its specification): the component's identity here, too."""
    vendor: str
    name: str
    version: str
    architecture: str
    """`source` for a source package."""
    sha256: str = ""
    """Hex digits; empty: not known."""
    sha512: str = ""
    """Of a file that the archive holds."""
    maintainer: str = ""
    homepage: str = ""
    section: str = ""
    summary: str = ""
    path: str = ""
    """`repository/path` of the file; empty: not known."""
    suite: str = ""
    """`host/path suite`, likewise."""
    depends: tuple[str, ...] = ()
    """purls of packages that meet its dependencies, of its source package, and of those of which it holds parts."""

    @property
    def is_source(self) -> bool:
        return self.architecture == "source"


@immutable
class Bill:
    name: str
    """Of the product or its image."""
    created: datetime
    """When the generation was made: the one time that does not depend on when the bill is."""
    generation: str
    state: str
    components: tuple[Component, ...]
    """Sorted by purl."""

    @property
    def seed(self) -> str:
        """The same for the same content: what identifiers of documents are made from."""
        lines = [self.name, self.state, *(f"{each.purl} {each.sha256}" for each in self.components)]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()


Url = Callable[[str, str, str, str, str], str]
"""Makes the package URL of vendor, name, version, architecture and codename."""


def bill(description: Description, lookup: Lookup, name: str, url: Url) -> Bill:
    """Blocks: files that the archive holds are read for their SHA-512."""
    generation = description.generation
    components = sorted(_Writing(description, lookup, url).components(), key=lambda each: each.purl)
    return Bill(name, generation.created, generation.id, str(description.state), tuple(components))


class _Writing:
    def __init__(self, description: Description, lookup: Lookup, url: Url) -> None:
        self._objects = lookup.objects
        self._url = url
        self._description = description
        self._vendors = _vendors(description.generation, lookup)

    def components(self) -> Iterator[Component]:
        role = Role.DEPLOYED if self._description.rootfs else Role.USED
        found = [each for each in self._description.packages() if each.role is role]
        binaries = [each for each in found if each.architecture != "source"]
        installed: list[Installed | None] = [each.package for each in self._description.deployment.packages]
        installed = installed or [None] * len(binaries)
        purls = {package: self._purl(each) for each, package in zip(binaries, installed, strict=True) if package}
        met = dependencies([package for package in installed if package])
        sources = dict.fromkeys(
            (self._vendor(each.piece), each.name, each.version) for each in found if each.architecture == "source"
        )
        for number, (each, package) in enumerate(zip(binaries, installed, strict=True)):
            its = list(dict.fromkeys(self._sources(each, package)))
            sources |= dict.fromkeys(its)
            needed = [purls[other] for other in met[number]] if package else []
            yield self._binary(each, package, (*needed, *map(self._source_purl, its)))
        for source in sources:
            yield Component(self._source_purl(source), *source, "source")

    def _binary(self, each: Described, package: Installed | None, depends: Iterable[str]) -> Component:
        digest = each.digest
        return Component(
            self._purl(each),
            self._vendor(each.piece),
            each.name,
            each.version,
            each.architecture,
            digest.hex if digest and digest.algorithm is Algorithm.SHA256 else "",
            _sha512(self._objects, each.piece),
            package.maintainer if package else "",
            package.homepage if package else "",
            package.section if package else "",
            package.summary if package else "",
            each.piece.path if each.piece else "",
            str(each.piece.suite) if each.piece else "",
            tuple(sorted(set(depends))),
        )

    def _purl(self, each: Described) -> str:
        codename = _codename(each.piece)
        return self._url(self._vendor(each.piece), each.name, each.version, each.architecture, codename)

    def _source_purl(self, source: _Source) -> str:
        return self._url(*source, "source", "")

    def _sources(self, each: Described, package: Installed | None) -> Iterator[_Source]:
        vendor = self._vendor(each.piece)
        yield vendor, each.source or each.name, each.source_version or each.version
        if package is not None:
            yield from ((vendor, part.source, part.version) for part in package.incorporated)

    def _vendor(self, piece: Piece | None) -> str:
        return LOCAL if piece is None or piece.suite is None else self._vendors.get(piece.suite, LOCAL)


def _codename(piece: Piece | None) -> str:
    """Of `bookworm-security` that of the distribution that it belongs to."""
    pin = piece.pin if piece else None
    return pin.codename.partition("-")[0] if pin else ""


def _vendors(generation: Generation, lookup: Lookup) -> Mapping[SuiteKey, str]:
    """The Origin of each suite's Release as a vendor's name (purl specification: lower case); else its host."""
    found = {}
    for key, pin in generation.pins.items():
        origin = ""
        if not isinstance(pin.root, BarePackages):
            try:
                origin = lookup.release(key, pin).origin
            except AptfreezeError:  # what depends on it is told where it matters: in the list of what is installed
                origin = ""
        found[key] = "-".join(origin.lower().split()) or key.repository.partition("/")[0].partition(":")[0]
    return found


def _sha512(objects: Objects, piece: Piece | None) -> str:
    path = objects.path(piece.forms[0].wanted.digest) if piece else None
    if path is None:
        return ""
    hasher = hashlib.sha512()
    try:
        with path.open("rb") as file:
            while part := file.read(_PIECE):
                hasher.update(part)
    except OSError:  # it was taken away meanwhile
        return ""
    return hasher.hexdigest()
