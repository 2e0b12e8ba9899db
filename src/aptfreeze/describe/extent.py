# SPDX-License-Identifier: MIT
"""How much of a generation is meant by `--used`, `--all` and `--sources`, and which pieces that is.

Rule: it can only be told as far as the archive holds what leads to it: roots tell suites, these tell indexes, those
tell packages. Who fetches asks for one after the other; who has it all asks at once.
"""

from collections.abc import Iterator
from pathlib import Path

from aptfreeze.describe import closure
from aptfreeze.describe.closure import Chosen, Piece
from aptfreeze.describe.correspondence import Unlisted, correspondence
from aptfreeze.environment.records import Usage
from aptfreeze.errors import IntegrityError
from aptfreeze.fetch.lookup import Lookup
from aptfreeze.freeze.generation import Generation, Pin, SuiteKey
from aptfreeze.values import immutable


@immutable
class Wish:
    """How much is meant."""

    is_all: bool = False
    """Everything that the indexes in use list, not only what sessions were served."""
    with_sources: bool = False
    """The source packages, too."""

    @property
    def scope(self) -> str:
        return "all" if self.is_all else "used"


@immutable
class Extent:
    """What a wish means in one generation."""

    lookup: Lookup
    """It answers from the archive alone."""
    generation: Generation
    usage: Usage
    architectures: frozenset[str]
    """Those in use."""
    wish: Wish

    def suites(self) -> list[Chosen]:
        """The suites whose Release is at hand, with the package indexes that count."""
        return closure.readable(self.generation, self._chosen)

    def _chosen(self, key: SuiteKey, pin: Pin) -> Chosen:
        if self.wish.is_all:
            return closure.all_indexes(self.lookup, key, pin, self.usage, self.architectures)
        return closure.used_indexes(self.lookup, key, pin, self.usage)

    def packages(self, suites: list[Chosen]) -> tuple[list[Piece], tuple[Unlisted, ...]]:
        """The package files, source packages among them if they are meant; and the sources that nobody lists.

        A file that several suites list is there for each of them.
        """
        binaries = list(self._binaries(suites))
        if not self.wish.with_sources:
            return binaries, ()
        found = correspondence(self.lookup, suites, binaries)
        return [*binaries, *found.pieces], found.unlisted

    def _binaries(self, suites: list[Chosen]) -> Iterator[Piece]:
        if self.wish.is_all:
            for suite in suites:
                yield from closure.all_packages(self.lookup, suite)
        else:
            yield from closure.used_packages(self.lookup, self.generation, self.usage, self.architectures)


def refuse_unknown(generation: Generation, usage: Usage, wish: Wish, records: Path, verb: str) -> None:
    """IntegrityError where nothing is pinned, or where no record tells what was used; `verb` wanted to know."""
    if not generation.pins and not generation.extra:
        raise IntegrityError(
            f"nothing is pinned in generation {generation.id}, so there is nothing to {verb}",
            hint="the first build pins what it asks for: aptfreeze run -- COMMAND",
        )
    if not usage.sessions and not wish.is_all:
        raise IntegrityError(
            f"no run of generation {generation.id} is recorded in {records}, so what it used is not known",
            hint=f"run the build once (aptfreeze run -- COMMAND), or {verb} all that the indexes list with --all",
        )
