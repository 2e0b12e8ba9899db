# SPDX-License-Identifier: MIT
"""A source package as it was found, or what was tried in vain; values only."""

from enum import StrEnum

from aptfreeze.describe.closure import Piece
from aptfreeze.freeze.generation import SuiteKey
from aptfreeze.values import immutable


class Chain(StrEnum):
    """What leads to the bytes of a source package."""

    SIGNED = "signed"
    """A signed Release that is pinned, by hash."""
    UNSIGNED = "unsigned"
    """The same, of a suite that is pinned without a signature."""
    SNAPSHOT = "snapshot"
    """A snapshot service, which names the `.dsc` by its sha1; that tells the others by hash. Nothing signed leads
    there."""


@immutable
class SourcePackage:
    name: str
    version: str
    chain: Chain
    pieces: tuple[Piece, ...]
    """All of its files."""

    @property
    def suite(self) -> SuiteKey | None:
        """None: it is in no pinned suite."""
        return self.pieces[0].suite


@immutable
class Unfound:
    """A source package that nobody lists."""

    tried: tuple[str, ...]
    """Where it was looked for, and what came of it: sentences without a full stop."""
    is_gone: bool | None
    """Whether it is nowhere; else it may be found another time. None: not all were asked that may be asked."""
