# SPDX-License-Identifier: MIT
"""What `fetch` ends with: how much of a generation the archive holds now, where it came from, what is missing why."""

from collections.abc import Iterator, Mapping
from typing import Any

from aptfreeze.describe.amounts import counted, size_text
from aptfreeze.describe.closure import Part, Piece
from aptfreeze.describe.correspondence import Unlisted
from aptfreeze.errors import AptfreezeError, IntegrityError, MissingUpstreamError, OfflineError, UpstreamError
from aptfreeze.freeze.digest import Digest
from aptfreeze.freeze.generation import Generation, SuiteKey
from aptfreeze.values import immutable


@immutable
class Lacking:
    """One file that the archive does not hold, and why it could not be had."""

    part: Part
    name: str
    path: str
    """With the repository in front; of a source package that no suite lists, its name."""
    suite: SuiteKey | None
    digest: Digest | None
    """None where nobody lists it."""
    size: int | None
    reason: str
    is_gone: bool | None
    """Whether no supplier has it; else they failed in passing, or sent wrong bytes. None: nobody was asked."""

    @classmethod
    def of(cls, piece: Piece, error: AptfreezeError) -> "Lacking":
        wanted = piece.forms[0].wanted
        is_gone = None if isinstance(error, OfflineError) else isinstance(error, MissingUpstreamError | IntegrityError)
        return cls(piece.part, piece.name, piece.path, piece.suite, wanted.digest, wanted.size, error.message, is_gone)

    @classmethod
    def unlisted(cls, source: Unlisted) -> "Lacking":
        reason = f"no Sources index at hand of a pinned suite lists this source of {source.binary}"
        return cls(Part.SOURCE, f"{source.name} {source.version}", source.name, source.suite, None, None, reason, True)


@immutable
class Fetched:
    generation: Generation
    state: Digest
    scope: str
    """`used` or `all`."""
    with_sources: bool
    files: int
    """All that belongs to it."""
    size: int
    """Of these in bytes, as far as Releases and indexes tell it."""
    held: int
    """So many were in the archive before."""
    fetched: int
    received: Mapping[str, int]
    """Bytes by host."""
    lacking: tuple[Lacking, ...]

    @property
    def exit_status(self) -> int:
        """3 if something cannot be had anywhere, or nobody was asked; 4 if it may be had another time."""
        if any(each.is_gone is not False for each in self.lacking):
            return IntegrityError.exit_code
        return UpstreamError.exit_code if self.lacking else 0

    def lines(self) -> Iterator[str]:
        """For people."""
        what = f"{self.scope}{' with sources' if self.with_sources else ''}"
        yield f"generation {self.generation.id[:12]}, {what}: {counted(self.files, 'file')}, {size_text(self.size)}"
        came = ", ".join(f"{size_text(size)} from {host}" for host, size in sorted(self.received.items()))
        yield f"{self.held} were archived before, {self.fetched} were fetched{f': {came}' if came else ''}"
        for each in self.lacking:
            yield f"MISSING {each.part} {each.name} ({each.path}): {each.reason}"
        if not self.lacking:
            yield "the archive is complete for it"

    def data(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "generation": self.generation.id,
            "state": str(self.state),
            "scope": self.scope,
            "with_sources": self.with_sources,
            "files": self.files,
            "bytes": self.size,
            "held": self.held,
            "fetched": self.fetched,
            "received": dict(sorted(self.received.items())),
            "missing": [_lacking_data(each) for each in self.lacking],
            "exit_status": self.exit_status,
        }


def _lacking_data(each: Lacking) -> dict[str, Any]:
    return {
        "part": each.part,
        "name": each.name,
        "path": each.path,
        "repository": each.suite.repository if each.suite else None,
        "suite": each.suite.suite if each.suite else None,
        "digest": str(each.digest) if each.digest else None,
        "size": each.size,
        "reason": each.reason,
        "gone": each.is_gone,
    }
