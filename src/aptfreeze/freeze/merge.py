# SPDX-License-Identifier: MIT
"""Two generations that grew apart, and what both came from, to one: a merge by key, never by line.

Rule 1: what one side changed since the base holds; what both changed in the same way holds. A pin or single file that
both changed differently is a conflict, until a side is chosen for all conflicts.
Rule 2: without a base nothing is known to be removed: the result has what either side has.
Rule 3: two pins that are one suite under two names (`lockfile.rivals`) are a conflict too. No side has such a pair, so
one of them comes from ours and the other from theirs; who chooses a side gets both entries as that side has them.
Rule 4: an id names one state that only grows. The result has the id that only one side changed, else the common one,
else a new one; and a new one where it lacks something that a side with that id has.
"""

from collections.abc import Container, Iterator, Mapping
from enum import StrEnum
from types import MappingProxyType

from aptfreeze.freeze.digest import Digest
from aptfreeze.freeze.generation import Generation, Pin, SuiteKey
from aptfreeze.freeze.lockfile import rivals
from aptfreeze.freeze.moves import Identity
from aptfreeze.values import immutable

Key = SuiteKey | str
"""Of a pin, or the url of a single file."""
Value = Pin | Digest
Entries = Mapping[Key, Value]


class Side(StrEnum):
    """As git calls them: during a rebase, ours is the branch that is rebased onto."""

    OURS = "ours"
    THEIRS = "theirs"


@immutable
class Entry:
    """A line of a lock file."""

    key: Key
    value: Value


@immutable
class Conflict:
    """What both sides changed. Two keys: one suite under two names. None: that side removed the entry."""

    ours: Entry | None
    theirs: Entry | None

    @property
    def is_rivalry(self) -> bool:
        return self.ours is not None and self.theirs is not None and self.ours.key != self.theirs.key

    @property
    def keys(self) -> tuple[Key, ...]:
        found = [entry.key for entry in (self.ours, self.theirs) if entry is not None]
        return tuple(dict.fromkeys(found))


@immutable
class Change:
    """What became of one entry since the base (without one: since what both sides have)."""

    key: Key
    before: Value | None
    after: Value | None
    by: tuple[Side, ...]
    """The sides that have it so."""


@immutable
class Merged:
    generation: Generation
    changes: tuple[Change, ...]
    decided: tuple[Conflict, ...]
    """Those that the chosen side has decided."""


@immutable
class Conflicted:
    """No result. The sides have become equal in all but the conflicts, and their ids where those differ."""

    conflicts: tuple[Conflict, ...]
    ours: Generation
    theirs: Generation
    base: Generation | None


def merge(
    base: Generation | None, ours: Generation, theirs: Generation, *, new: Identity, choice: Side | None = None
) -> Merged | Conflicted:
    """One generation of two; `new` is what it is called if it is neither of them."""
    mine, other, origin = entries(ours), entries(theirs), {} if base is None else entries(base)
    kept, conflicts = _by_key(origin, mine, other)
    if choice is None:
        conflicts += _rivalries(kept, mine, other)
        if conflicts:
            return _conflicted(base, ours, theirs, kept, tuple(conflicts))
    else:
        conflicts += _decide(kept, conflicts, mine, other, choice)
    merged = _with_entries(kept, _identity(base, ours, theirs, kept, new))
    origin = origin if base is not None else {key: value for key, value in mine.items() if other.get(key) == value}
    return Merged(merged, tuple(_changes(origin, kept, mine, other)), tuple(conflicts))


def entries(generation: Generation) -> dict[Key, Value]:
    """All lines of a generation; a url is never equal to the key of a pin."""
    found: dict[Key, Value] = dict(generation.pins.items())
    found.update(generation.extra)
    return found


def _by_key(origin: Entries, mine: Entries, other: Entries) -> tuple[dict[Key, Value], list[Conflict]]:
    """What holds of each key by itself, and what does not."""
    kept, conflicts = {}, []
    for key in sorted(mine.keys() | other.keys(), key=str):
        before, a, b = origin.get(key), mine.get(key), other.get(key)
        if a not in (b, before) and b != before:
            conflicts.append(Conflict(_entry(key, a), _entry(key, b)))
        elif (value := b if a == before else a) is not None:
            kept[key] = value
    return kept, conflicts


def _entry(key: Key, value: Value | None) -> Entry | None:
    return None if value is None else Entry(key, value)


def _rivalries(kept: Entries, mine: Entries, other: Entries) -> list[Conflict]:
    pairs = {frozenset(pair) for pair in rivals(_pins(kept))}
    found = []
    for one, another in sorted(sorted(pair) for pair in pairs):
        mine_first = (one, another) if mine.get(one) == kept[one] else (another, one)
        found.append(Conflict(Entry(mine_first[0], mine[mine_first[0]]), Entry(mine_first[1], other[mine_first[1]])))
    return found


def _decide(
    kept: dict[Key, Value], conflicts: list[Conflict], mine: Entries, other: Entries, choice: Side
) -> list[Conflict]:
    """Put the chosen side's entries in the place of what is in conflict; the rivalries that were met by that."""
    chosen = mine if choice is Side.OURS else other
    _take(kept, conflicts, chosen)
    met: list[Conflict] = []
    # An entry as the chosen side has it may be the rival of a third one. It ends: each turn takes at least one more
    # entry of the chosen side, and that side has no rivals.
    while found := _rivalries(kept, mine, other):
        met += found
        _take(kept, found, chosen)
    return met


def _take(kept: dict[Key, Value], conflicts: list[Conflict], chosen: Entries) -> None:
    for key in (key for conflict in conflicts for key in conflict.keys):
        kept.pop(key, None)
        if key in chosen:
            kept[key] = chosen[key]


def _conflicted(
    base: Generation | None, ours: Generation, theirs: Generation, kept: Entries, conflicts: tuple[Conflict, ...]
) -> Conflicted:
    undecided: set[Key] = {key for conflict in conflicts for key in conflict.keys}
    sides = [ours, theirs, *([] if base is None else [base])]
    while True:
        of_ours, of_theirs, *of_base = completed = [_completed(side, kept, undecided) for side in sides]
        # What came from the other side may be the rival of an entry that is undecided: each side keeps its own of it.
        met = {key for side in completed for pair in rivals(side.pins) for key in pair}
        if not met:
            return Conflicted(conflicts, of_ours, of_theirs, of_base[0] if of_base else None)
        undecided |= met


def _completed(side: Generation, kept: Entries, undecided: Container[Key]) -> Generation:
    own = {key: value for key, value in entries(side).items() if key in undecided}
    rest = {key: value for key, value in kept.items() if key not in undecided}
    return _with_entries({**rest, **own}, Identity(side.id, side.created))


def _identity(base: Generation | None, ours: Generation, theirs: Generation, kept: Entries, new: Identity) -> Identity:
    mine, other = (Identity(each.id, each.created) for each in (ours, theirs))
    origin = None if base is None else Identity(base.id, base.created)
    if mine != other and origin not in (mine, other):
        return new
    identity = other if mine == origin else mine
    namesakes = [side for side in (ours, theirs) if side.id == identity.id]
    return new if any(_lost(side, base, kept) for side in namesakes) else identity


def _lost(side: Generation, base: Generation | None, kept: Entries) -> bool:
    """Whether the result lacks something that this side has under its id.

    What it only has from the base, which had another id, is none of that: git may have merged the id of the other side,
    which removed it, into the text of both.
    """
    inherited = {} if base is None or base.id == side.id else entries(base)
    return any(value not in (kept.get(key), inherited.get(key)) for key, value in entries(side).items())


def _changes(origin: Entries, kept: Entries, mine: Entries, other: Entries) -> Iterator[Change]:
    for key in sorted(origin.keys() | kept.keys(), key=str):
        before, after = origin.get(key), kept.get(key)
        if before != after:
            sides = ((Side.OURS, mine), (Side.THEIRS, other))
            yield Change(key, before, after, tuple(side for side, held in sides if held.get(key) == after))


def _pins(kept: Entries) -> dict[SuiteKey, Pin]:
    return {key: value for key, value in kept.items() if isinstance(key, SuiteKey) and isinstance(value, Pin)}


def _with_entries(kept: Entries, identity: Identity) -> Generation:
    extra = {key: value for key, value in kept.items() if isinstance(key, str) and isinstance(value, Digest)}
    return Generation(identity.id, identity.created, MappingProxyType(_pins(kept)), MappingProxyType(extra))
