# SPDX-License-Identifier: MIT
"""The binary packages that go out, and which source packages each of them demands.

Rule 1: name and version of a source are those that the package itself names (`Source:`, `Built-Using`); nothing is cut
off a version.
Rule 2: of what runs were served, the index tells the sources; a package whose index is not at hand is not described,
and nothing is guessed of it.
"""

from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum

from aptfreeze.deb.incorporated import Incorporated, IncorporatedBy, incorporating
from aptfreeze.describe.closure import Chosen, Piece
from aptfreeze.describe.correspondence import Source, index_text
from aptfreeze.describe.deployed import Deployed, exemption_of
from aptfreeze.fetch.lookup import Lookup
from aptfreeze.freeze.generation import SuiteKey
from aptfreeze.settings import Exemption, Lack
from aptfreeze.values import immutable


class How(StrEnum):
    """How a source package got into a binary package."""

    SOURCE = "source"
    """The binary was built from it."""
    BUILT_USING = "built-using"
    """Parts of it are in there, and its licence demands the source (Debian Policy 7.8)."""
    STATIC = "static"
    CARGO = "cargo"


_HOW = {
    IncorporatedBy.BUILT_USING: How.BUILT_USING,
    IncorporatedBy.STATIC: How.STATIC,
    IncorporatedBy.CARGO: How.CARGO,
}


@immutable
class Shipped:
    """A binary package, as its index or dpkg describes it."""

    package: str
    version: str
    architecture: str
    source: str
    source_version: str
    incorporated: tuple[Incorporated, ...] = ()
    piece: Piece | None = None
    """Its file; None: no pinned suite lists it."""
    is_described: bool = True
    """False: no index at hand lists it, so that its sources are not known, and `source` is empty."""

    def __str__(self) -> str:
        return f"{self.package} {self.version} {self.architecture}"

    @property
    def suite(self) -> SuiteKey | None:
        return self.piece.suite if self.piece else None

    def demands(self) -> Iterator[tuple[How, Source]]:
        """Each source package that belongs to it, and how it got in."""
        yield How.SOURCE, (self.source, self.source_version)
        for each in self.incorporated:
            yield _HOW[each.by], (each.source, each.version)

    def exemption(self, exemptions: Iterable[Exemption], how: How, source: Source) -> Exemption | None:
        """Why one of these sources may be missing; None: nobody said so.

        An exception for the binary package is one for what it was built from; for what it incorporates, it takes one
        that names that source package.
        """
        own = ((self.package, self.version),) if how is How.SOURCE else ()
        return exemption_of(exemptions, (*own, source), Lack.SOURCE)


def deployed(packages: Iterable[Deployed]) -> list[Shipped]:
    """Those of an image, by dpkg's own list."""
    return [
        Shipped(
            each.package.name,
            each.package.version,
            each.package.architecture,
            each.package.source,
            each.package.source_version,
            each.package.incorporated,
            each.piece,
        )
        for each in packages
    ]


def served(lookup: Lookup, suites: Sequence[Chosen], binaries: Iterable[Piece]) -> list[Shipped]:
    """Those that runs were served; `suites` are the indexes that they are in. Raises what reading a Release does."""
    tellers = {chosen.key: _incorporated(lookup, chosen) for chosen in suites}
    shipped = []
    for piece in binaries:
        entry = piece.entry
        assert entry is not None
        name = (entry.package, entry.version, entry.architecture)
        told = tellers.get(piece.suite, {}) if piece.suite else {}
        sources = (entry.source, entry.source_version, told.get(name, ()))
        shipped.append(Shipped(*name, *sources, piece, is_described=bool(entry.source)))
    return sorted(shipped, key=lambda each: (each.package, each.architecture, each.version))


def _incorporated(lookup: Lookup, chosen: Chosen) -> dict[tuple[str, str, str], tuple[Incorporated, ...]]:
    return {
        (each.package, each.version, each.architecture): each.sources
        for path in chosen.paths
        for each in incorporating(index_text(lookup, chosen.key, chosen.pin, path) or b"")
    }
