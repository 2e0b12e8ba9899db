# SPDX-License-Identifier: MIT
"""What a merge of two lock files came to, as text and as data."""

from collections.abc import Iterator, Mapping
from typing import Any

from aptfreeze.describe.amounts import counted
from aptfreeze.environment.store import root_digest
from aptfreeze.freeze.digest import Digest
from aptfreeze.freeze.generation import Generation, Pin
from aptfreeze.freeze.lockfile import state_digest
from aptfreeze.freeze.merge import Change, Conflict, Conflicted, Entry, Merged, Side, Value
from aptfreeze.values import immutable


@immutable
class Outcome:
    file: str
    """The lock file, as people call it."""
    result: Merged | Conflicted | Generation
    """A generation: the file has no conflict markers, and is left as it is."""
    names: Mapping[Side, str]
    """What git calls each side (`HEAD`, a branch); may be empty."""
    choice: Side | None
    """The side that decides conflicts."""
    notes: tuple[str, ...] = ()
    """What else a person should know."""

    @property
    def conflicts(self) -> tuple[Conflict, ...]:
        match self.result:
            case Merged():
                return self.result.decided
            case Conflicted():
                return self.result.conflicts
            case _:
                return ()

    @property
    def generation(self) -> Generation | None:
        """What the file holds now; None where conflicts are left."""
        match self.result:
            case Merged():
                return self.result.generation
            case Conflicted():
                return None
            case _:
                return self.result


def lines(outcome: Outcome) -> Iterator[str]:
    """For people."""
    teller = _Teller(outcome.names)
    yield from outcome.notes
    yield from (f"conflict: {teller.conflict(each)}" for each in outcome.conflicts)
    match outcome.result:
        case Merged():
            yield from map(teller.change, outcome.result.changes)
            decided = counted(len(outcome.conflicts), "conflict")
            by = f", {decided} decided for {outcome.choice}" if outcome.conflicts else ""
            yield f"merged {outcome.file}: generation {outcome.result.generation.id}{by}"
        case Generation():
            yield f"{outcome.file} has no conflict markers: there is nothing to merge"


def data(outcome: Outcome) -> dict[str, Any]:
    """For `--json`."""
    generation = outcome.generation
    changes = outcome.result.changes if isinstance(outcome.result, Merged) else ()
    return {
        "file": outcome.file,
        "generation": generation.id if generation else None,
        "created": generation.created.isoformat() if generation else None,
        "state": str(state_digest(generation)) if generation else None,
        "choice": outcome.choice,
        "changes": [
            {"key": str(each.key), "before": _state_data(each.before), "after": _state_data(each.after), "by": each.by}
            for each in changes
        ],
        "conflicts": [
            {"ours": _entry_data(each.ours), "theirs": _entry_data(each.theirs)} for each in outcome.conflicts
        ],
    }


@immutable
class _Teller:
    names: Mapping[Side, str]

    def change(self, change: Change) -> str:
        """`mirror.example.org/debian bookworm: not pinned -> 2026-11-21 10:16 UTC, by theirs (feature)`."""
        by = " and ".join(map(self._side, change.by))
        return f"{change.key}: {_state(change.before)} -> {_state(change.after)}, by {by}"

    def conflict(self, conflict: Conflict) -> str:
        ours, theirs = self._side(Side.OURS), self._side(Side.THEIRS)
        if conflict.is_rivalry and conflict.ours and conflict.theirs:
            return (
                f"{conflict.ours.key} of {ours} ({_told(conflict.ours)}) and {conflict.theirs.key} of {theirs} "
                f"({_told(conflict.theirs)}) are one suite under two names"
            )
        with_signers = _differ_in_signers_only(conflict)
        told = (_told(each, with_signers=with_signers) for each in (conflict.ours, conflict.theirs))
        return f"{conflict.keys[0]}: {ours}: {next(told)}; {theirs}: {next(told)}"

    def _side(self, side: Side) -> str:
        name = self.names.get(side, "")
        return f"{side} ({name})" if name and name != side else side


def _told(entry: Entry | None, *, with_signers: bool = False) -> str:
    if entry is None:
        return "removed"
    if not isinstance(entry.value, Pin):
        return str(entry.value)
    told = f"{_state(entry.value)}, {root_digest(entry.value)}"
    return f"{told}, signed by {' '.join(entry.value.signers) or 'nobody'}" if with_signers else told


def _differ_in_signers_only(conflict: Conflict) -> bool:
    values = [entry.value for entry in (conflict.ours, conflict.theirs) if entry is not None]
    pins = [value for value in values if isinstance(value, Pin)]
    return len(pins) == 2 and pins[0].root == pins[1].root


def _state(value: Value | None) -> str:
    match value:
        case None:
            return "not pinned"
        case Digest():
            return value.hex[:12]
        case _:
            return f"{value.date:%Y-%m-%d %H:%M} UTC" if value.date else "without a date"


def _entry_data(entry: Entry | None) -> dict[str, Any] | None:
    return None if entry is None else {"key": str(entry.key), **(_state_data(entry.value) or {})}


def _state_data(value: Value | None) -> dict[str, Any] | None:
    match value:
        case None:
            return None
        case Digest():
            return {"date": None, "digest": str(value)}
        case _:
            return {"date": value.date.isoformat() if value.date else None, "digest": str(root_digest(value))}
