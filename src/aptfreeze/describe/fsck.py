# SPDX-License-Identifier: MIT
"""What a check of the whole archive found, who needs what is bad, and what became of it; as text and as data.

Rule 1: what is not as it should be and could not be put right is status 3, whoever needs it.
Rule 2: who needs something is told as far as it is known here; that nobody is known does not mean that nobody does.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from aptfreeze.archive.checkpoint import Counts
from aptfreeze.archive.examine import Finding, Kind
from aptfreeze.archive.survey import Amount
from aptfreeze.describe.amounts import counted, size_text
from aptfreeze.describe.needs import Need
from aptfreeze.errors import IntegrityError
from aptfreeze.values import immutable


class Outcome(StrEnum):
    """What became of something bad; for people and programs."""

    BAD = "bad"
    """Nothing was done about it, or nothing could be."""
    REPAIRED = "repaired"
    """Right bytes are in its place."""
    DELETED = "deleted"
    """It is made anew when it is needed."""
    PUT_AWAY = "put away"
    """A file that does not belong there is in quarantine now; nothing is missing without it."""
    MISSING = "missing"
    """The damaged object is in quarantine, and right bytes could not be had."""


_SETTLED = (Outcome.REPAIRED, Outcome.DELETED, Outcome.PUT_AWAY)


@immutable
class Damage:
    finding: Finding
    needs: tuple[Need, ...] = ()
    outcome: Outcome = Outcome.BAD
    reason: str = ""
    """Why no right bytes could be had."""


@immutable
class Checked:
    archive: Path
    began: datetime
    is_resumed: bool
    counts: Counts
    partial: Amount
    damages: tuple[Damage, ...]
    is_repair: bool

    @property
    def left(self) -> list[Damage]:
        return [each for each in self.damages if each.outcome not in _SETTLED]

    @property
    def exit_status(self) -> int:
        return IntegrityError.exit_code if self.left else 0

    # --- for people ---

    def lines(self) -> Iterator[str]:
        counts = self.counts
        parts = [f"{counted(counts.objects, 'object')}, {size_text(counts.size)}"]
        parts.append(counted(counts.tables, "look-up table"))
        if counts.aliases:
            parts.append(f"{counts.aliases} alias{'es' * (counts.aliases != 1)}")
        yield f"archive {self.archive}: {'; '.join(parts)}"
        yield from self._asides()
        for each in self.damages:
            yield from _damage_lines(each)
        yield from self._result()

    def _asides(self) -> Iterator[str]:
        counts = self.counts
        if self.partial.files:
            yield f"{counted(self.partial.files, 'download')} under way, or interrupted: {size_text(self.partial.size)}"
        if counts.quarantined:
            yield f"{counted(counts.quarantined, 'file')} in quarantine: {size_text(counts.quarantined_size)}"
        if counts.writable:
            yield f"{counted(counts.writable, 'object')} can be written to: chmod a-w protects them"
        if counts.linked:
            linked = counted(counts.linked, "object")
            yield f"{linked} with another name besides (a hard link): who writes there changes it"

    def _result(self) -> Iterator[str]:
        done, left = len(self.damages) - len(self.left), len(self.left)
        if not self.damages:
            yield "everything is as it should be"
        elif not left:
            yield f"{counted(done, 'file')} put right; everything is as it should be now"
        elif self.is_repair:
            were = f"; {counted(done, 'file')} {'was' if done == 1 else 'were'}" if done else ""
            yield f"{counted(left, 'file')} could not be put right{were}"
        else:
            yield f"{counted(left, 'file')} {'is not as it' if left == 1 else 'are not as they'} should be"
            yield "Hint: aptfreeze fsck --repair"

    # --- for programs ---

    def data(self) -> dict[str, Any]:
        """For `--json`."""
        counts = self.counts
        return {
            "archive": str(self.archive),
            "began": self.began.isoformat(),
            "resumed": self.is_resumed,
            "repair": self.is_repair,
            "objects": counts.objects,
            "bytes": counts.size,
            "tables": counts.tables,
            "aliases": counts.aliases,
            "writable": counts.writable,
            "linked": counts.linked,
            "quarantine": amount_data(Amount(counts.quarantined, counts.quarantined_size)),
            "partial": amount_data(self.partial),
            "bad": [_damage_data(each) for each in self.damages],
            "exit_status": self.exit_status,
        }


def amount_data(amount: Amount) -> dict[str, int]:
    return {"files": amount.files, "bytes": amount.size}


def _damage_lines(each: Damage) -> Iterator[str]:
    finding = each.finding
    how = each.outcome if each.outcome in _SETTLED else each.outcome.upper()
    yield f"{how}: {finding.kind} {finding.file}: {finding.fault}"
    by_what: dict[str, list[str]] = {}
    for need in each.needs:
        piece = need.found.piece
        by_what.setdefault(f"{piece.part} {piece.name} ({piece.path})", []).append(_who(need))
    for what, who in by_what.items():
        yield f"  {what}, needed by {', '.join(dict.fromkeys(who))}"
    if not each.needs and finding.kind in (Kind.OBJECT, Kind.TABLE):
        yield "  no known environment needs it"
    if each.reason:
        yield f"  {each.reason}"


def _who(need: Need) -> str:
    return f"{need.environment}{'' if need.is_current else f' (generation {need.generation[:12]})'}"


def _damage_data(each: Damage) -> dict[str, Any]:
    finding = each.finding
    return {
        "kind": finding.kind,
        "file": finding.file,
        "digest": str(finding.digest) if finding.digest else None,
        "size": finding.size,
        "what": finding.fault,
        "outcome": each.outcome,
        "reason": each.reason,
        "needed_by": _needs_data(each.needs),
    }


def _needs_data(needs: Sequence[Need]) -> list[dict[str, Any]]:
    return [
        {
            "environment": need.environment,
            "generation": need.generation,
            "current": need.is_current,
            "part": need.found.piece.part,
            "name": need.found.piece.name,
            "path": need.found.piece.path,
            "repository": need.found.piece.suite.repository if need.found.piece.suite else None,
            "suite": need.found.piece.suite.suite if need.found.piece.suite else None,
        }
        for need in needs
    ]
