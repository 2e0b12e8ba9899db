# SPDX-License-Identifier: MIT
"""Merging two generations by key."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aptfreeze.freeze.conflict import marked, take_apart
from aptfreeze.freeze.digest import Digest
from aptfreeze.freeze.generation import Generation, InRelease, Pin, SuiteKey
from aptfreeze.freeze.lockfile import dump, parse, rivals
from aptfreeze.freeze.merge import Change, Conflict, Conflicted, Entry, Key, Merged, Side, Value, entries, merge
from aptfreeze.freeze.moves import Identity

REPOSITORY = "mirror.example.org/debian"
BOOKWORM, SECURITY, TRIXIE, STABLE = (
    SuiteKey(REPOSITORY, name) for name in ("bookworm", "bookworm-security", "trixie", "stable")
)
URL = "mirror.example.org/keys/vendor.asc"
OLD, NEW, NEWER = (datetime(2026, 11, day, tzinfo=UTC) for day in (1, 2, 3))
FRESH = Identity("f" * 32, datetime(2026, 11, 24, tzinfo=UTC))


def pin(text: str, *, codename: str = "") -> Pin:
    return Pin(InRelease(Digest.of(text.encode())), OLD, codename=codename)


def generation(letter: str, pins: Mapping[SuiteKey, Pin], extra: Mapping[str, str] | None = None) -> Generation:
    created = {"a": OLD, "b": NEW, "c": NEWER}[letter]
    return Generation(
        letter * 32, created, dict(pins), {url: Digest.of(t.encode()) for url, t in (extra or {}).items()}
    )


A, B, C = pin("a"), pin("b"), pin("c")
BASE = generation("a", {BOOKWORM: A})


def merged(base: Generation | None, ours: Generation, theirs: Generation, choice: Side | None = None) -> Generation:
    outcome = merge(base, ours, theirs, new=FRESH, choice=choice)
    assert isinstance(outcome, Merged), outcome
    return outcome.generation


def conflicts(base: Generation | None, ours: Generation, theirs: Generation) -> tuple[Conflict, ...]:
    outcome = merge(base, ours, theirs, new=FRESH)
    assert isinstance(outcome, Conflicted), outcome
    return outcome.conflicts


# --- entries ---------------------------------------------------------------------------------------------------------


def test_what_both_sides_added_is_in_it() -> None:
    ours = generation("a", {BOOKWORM: A, TRIXIE: B}, {URL: "key"})
    theirs = generation("a", {BOOKWORM: A, SECURITY: C})

    result = merged(BASE, ours, theirs)

    assert (result.pins, result.extra) == ({BOOKWORM: A, TRIXIE: B, SECURITY: C}, {URL: Digest.of(b"key")})


@pytest.mark.parametrize("side", Side)
def test_what_one_side_moved_is_moved(side: Side) -> None:
    sides = [generation("b", {BOOKWORM: B}), BASE]

    assert merged(BASE, *(sides if side is Side.OURS else reversed(sides))).pins == {BOOKWORM: B}


@pytest.mark.parametrize("side", Side)
def test_what_one_side_removed_is_removed(side: Side) -> None:
    base = generation("a", {BOOKWORM: A, TRIXIE: A}, {URL: "key"})
    sides = [generation("b", {BOOKWORM: A}), base]

    result = merged(base, *(sides if side is Side.OURS else reversed(sides)))

    assert (result.pins, result.extra) == ({BOOKWORM: A}, {})


def test_what_both_moved_to_the_same_state_is_no_conflict() -> None:
    assert merged(BASE, generation("b", {BOOKWORM: B}), generation("c", {BOOKWORM: B})).pins == {BOOKWORM: B}


def test_what_both_moved_differently_is_a_conflict() -> None:
    ours, theirs = generation("b", {BOOKWORM: B}), generation("c", {BOOKWORM: C})

    assert conflicts(BASE, ours, theirs) == (Conflict(Entry(BOOKWORM, B), Entry(BOOKWORM, C)),)
    assert merged(BASE, ours, theirs, Side.OURS).pins == {BOOKWORM: B}
    assert merged(BASE, ours, theirs, Side.THEIRS).pins == {BOOKWORM: C}


def test_what_one_moved_and_the_other_removed_is_a_conflict() -> None:
    ours, theirs = generation("b", {BOOKWORM: B}), generation("c", {})

    assert conflicts(BASE, ours, theirs) == (Conflict(Entry(BOOKWORM, B), None),)
    assert merged(BASE, ours, theirs, Side.THEIRS).pins == {}


def test_a_single_file_that_both_pinned_differently_is_a_conflict() -> None:
    ours, theirs = generation("a", {}, {URL: "one"}), generation("a", {}, {URL: "two"})

    assert conflicts(None, ours, theirs) == (Conflict(Entry(URL, Digest.of(b"one")), Entry(URL, Digest.of(b"two"))),)


def test_without_a_base_it_has_what_either_side_has() -> None:
    ours, theirs = generation("a", {BOOKWORM: A, TRIXIE: B}), generation("b", {BOOKWORM: A, SECURITY: C})

    assert merged(None, ours, theirs).pins == {BOOKWORM: A, TRIXIE: B, SECURITY: C}
    assert conflicts(None, ours, generation("b", {BOOKWORM: B})) == (Conflict(Entry(BOOKWORM, A), Entry(BOOKWORM, B)),)


# --- one suite under two names ---------------------------------------------------------------------------------------


def test_one_suite_under_two_names_is_a_conflict_of_its_own() -> None:
    named = pin("s", codename="bookworm")
    ours, theirs = generation("a", {STABLE: named}), generation("a", {BOOKWORM: A})

    (conflict,) = conflicts(None, ours, theirs)

    assert conflict.is_rivalry
    assert conflict == Conflict(Entry(STABLE, named), Entry(BOOKWORM, A))
    assert merged(None, ours, theirs, Side.OURS).pins == {STABLE: named}
    assert merged(None, ours, theirs, Side.THEIRS).pins == {BOOKWORM: A}


def test_the_side_that_is_chosen_has_its_own_entry_of_both_names() -> None:
    """Ours moved `stable` to the release that theirs pinned by its codename; theirs has `stable` as it was."""
    before, after = pin("s", codename="bookworm"), pin("t", codename="trixie")
    base = generation("a", {STABLE: before})
    ours, theirs = generation("b", {STABLE: after}), generation("a", {STABLE: before, TRIXIE: A})

    assert [conflict.is_rivalry for conflict in conflicts(base, ours, theirs)] == [True]
    assert merged(base, ours, theirs, Side.OURS).pins == {STABLE: after}
    assert merged(base, ours, theirs, Side.THEIRS).pins == {STABLE: before, TRIXIE: A}


def test_a_rivalry_that_a_choice_brings_about_is_decided_too() -> None:
    """`stable` back to what it was for theirs is the rival of `bookworm`, which is new in ours."""
    before, after = pin("s", codename="bookworm"), pin("t", codename="trixie")
    base = generation("a", {STABLE: before})
    ours, theirs = generation("b", {STABLE: after, BOOKWORM: B}), generation("a", {STABLE: before, TRIXIE: A})

    outcome = merge(base, ours, theirs, new=FRESH, choice=Side.THEIRS)

    assert isinstance(outcome, Merged)
    assert outcome.generation.pins == theirs.pins
    assert [conflict.keys for conflict in outcome.decided] == [(STABLE, TRIXIE), (BOOKWORM, STABLE)]


# --- id and creation time --------------------------------------------------------------------------------------------


def name_of(base: Generation | None, ours: Generation, theirs: Generation, choice: Side | None = None) -> str:
    result = merged(base, ours, theirs, choice)
    assert merged(base, theirs, ours, choice and Side[{"OURS": "THEIRS", "THEIRS": "OURS"}[choice.name]]) == result
    assert result.created == {"a": OLD, "b": NEW, "c": NEWER, "f": FRESH.created}[result.id[0]]
    return result.id[0]


def test_the_id_that_neither_side_changed() -> None:
    assert name_of(BASE, BASE, generation("a", {BOOKWORM: A, TRIXIE: B})) == "a"


def test_the_id_that_one_side_changed() -> None:
    assert name_of(BASE, generation("b", {BOOKWORM: B}), generation("a", {BOOKWORM: A, TRIXIE: B})) == "b"


def test_the_id_that_both_sides_changed_in_the_same_way() -> None:
    ours, theirs = generation("b", {BOOKWORM: B, TRIXIE: A}), generation("b", {BOOKWORM: B, SECURITY: C})

    assert name_of(BASE, ours, theirs) == "b"
    assert name_of(None, ours, theirs) == "b"


def test_a_new_id_where_both_sides_have_another_one() -> None:
    ours, theirs = generation("b", {BOOKWORM: B}), generation("c", {BOOKWORM: A, TRIXIE: A})

    assert name_of(BASE, ours, theirs) == "f"
    assert name_of(None, replace(ours, pins={TRIXIE: A}), theirs) == "f"


def test_a_new_id_where_a_side_with_that_id_has_something_else() -> None:
    """Each branch added the suite in its own state: builds of both know this id, and not as one state."""
    ours, theirs = generation("a", {BOOKWORM: A, TRIXIE: B}), generation("a", {BOOKWORM: A, TRIXIE: C})

    assert name_of(BASE, ours, theirs, Side.OURS) == "f"


def test_a_new_id_where_the_other_side_took_something_away_by_hand() -> None:
    assert name_of(BASE, generation("a", {}), generation("a", {BOOKWORM: A, TRIXIE: B})) == "f"


def test_the_id_of_the_side_that_removed_something_where_git_has_put_it_into_both() -> None:
    base = generation("a", {BOOKWORM: A, SECURITY: A})
    ours, theirs = generation("b", {BOOKWORM: A}), generation("b", {BOOKWORM: A, SECURITY: A, TRIXIE: B})

    assert name_of(base, ours, theirs) == "b"


# --- what is told ----------------------------------------------------------------------------------------------------


def changes(base: Generation | None, ours: Generation, theirs: Generation) -> tuple[Change, ...]:
    outcome = merge(base, ours, theirs, new=FRESH)
    assert isinstance(outcome, Merged)
    return outcome.changes


def test_every_change_is_told_with_the_sides_that_made_it() -> None:
    base = generation("a", {BOOKWORM: A, SECURITY: A, STABLE: A})
    ours = generation("b", {BOOKWORM: B, SECURITY: B, STABLE: A})
    theirs = generation("c", {BOOKWORM: A, SECURITY: B, TRIXIE: C})

    assert changes(base, ours, theirs) == (
        Change(BOOKWORM, A, B, (Side.OURS,)),
        Change(SECURITY, A, B, (Side.OURS, Side.THEIRS)),
        Change(STABLE, A, None, (Side.THEIRS,)),
        Change(TRIXIE, None, C, (Side.THEIRS,)),
    )


def test_without_a_base_what_both_have_is_no_change() -> None:
    assert changes(None, generation("a", {BOOKWORM: A}), generation("b", {BOOKWORM: A, TRIXIE: B})) == (
        Change(TRIXIE, None, B, (Side.THEIRS,)),
    )


def test_the_sides_of_a_conflict_are_equal_in_all_else() -> None:
    base = generation("a", {BOOKWORM: A, SECURITY: A})
    ours = generation("b", {BOOKWORM: B, SECURITY: B})
    theirs = generation("c", {BOOKWORM: C, SECURITY: A, TRIXIE: A})

    outcome = merge(base, ours, theirs, new=FRESH)

    assert isinstance(outcome, Conflicted)
    assert outcome.ours == generation("b", {SECURITY: B, TRIXIE: A, BOOKWORM: B})
    assert outcome.theirs == generation("c", {SECURITY: B, TRIXIE: A, BOOKWORM: C})
    assert outcome.base == generation("a", {SECURITY: B, TRIXIE: A, BOOKWORM: A})


# --- laws ------------------------------------------------------------------------------------------------------------

# Few keys and few values, so that sides meet; each of the names can be the codename of another one's pin.
NAMES = ("bookworm", "trixie", "stable")
values = st.builds(
    lambda text, codename: pin(text, codename=codename), st.sampled_from("ab"), st.sampled_from(("", *NAMES))
)
states = st.builds(
    generation,
    st.sampled_from("abc"),
    st.dictionaries(st.sampled_from([SuiteKey(REPOSITORY, name) for name in NAMES]), values, max_size=3),
    st.dictionaries(st.sampled_from([URL, f"{URL}2"]), st.sampled_from("ab"), max_size=2),
).filter(lambda state: not list(rivals(state.pins)))
bases = st.none() | states
choices = st.none() | st.sampled_from(Side)
OTHER = {None: None, Side.OURS: Side.THEIRS, Side.THEIRS: Side.OURS}


@settings(deadline=None, max_examples=150)
@given(bases, states, states, choices)
def test_a_result_is_a_lock_file_and_what_it_has_is_of_a_side(
    base: Generation | None, ours: Generation, theirs: Generation, choice: Side | None
) -> None:
    outcome = merge(base, ours, theirs, new=FRESH, choice=choice)

    if choice:
        assert isinstance(outcome, Merged)
    if isinstance(outcome, Conflicted):
        assert outcome.conflicts
        return
    result = outcome.generation
    assert not list(rivals(result.pins))
    assert parse(dump(result)) == result
    sides = (entries(ours), entries(theirs))
    assert all(value in [side.get(key) for side in sides] for key, value in entries(result).items())
    assert result.id in (ours.id, theirs.id, FRESH.id)


@settings(deadline=None, max_examples=100)
@given(bases, states, states, choices)
def test_it_commutes(base: Generation | None, ours: Generation, theirs: Generation, choice: Side | None) -> None:
    one = merge(base, ours, theirs, new=FRESH, choice=choice)
    other = merge(base, theirs, ours, new=FRESH, choice=OTHER[choice])

    if isinstance(one, Merged):
        assert isinstance(other, Merged)
        assert other.generation == one.generation
    else:
        assert isinstance(other, Conflicted)
        swapped = {Conflict(conflict.theirs, conflict.ours) for conflict in other.conflicts}
        assert swapped == set(one.conflicts)


@settings(deadline=None, max_examples=100)
@given(bases, states, choices)
def test_equal_sides_give_themselves(base: Generation | None, side: Generation, choice: Side | None) -> None:
    assert merged(base, side, side, choice) == side


@settings(deadline=None, max_examples=100)
@given(states, states)
def test_a_side_that_changed_nothing_gives_way(base: Generation, theirs: Generation) -> None:
    result = merged(base, base, theirs)

    assert entries(result) == entries(theirs)
    assert result == theirs or theirs.id == base.id


@settings(deadline=None, max_examples=100)
@given(bases, states, states, st.sampled_from(Side))
def test_a_choice_after_the_markers_is_the_choice_before(
    base: Generation | None, ours: Generation, theirs: Generation, choice: Side
) -> None:
    """What a merge driver leaves to be decided is what it would have decided itself."""
    outcome = merge(base, ours, theirs, new=FRESH)
    if isinstance(outcome, Merged):
        return
    text = marked(dump(outcome.ours), dump(outcome.theirs), None if outcome.base is None else dump(outcome.base))
    sides = take_apart(text, "lock")
    assert sides is not None
    later = parse(sides.base) if sides.base else None

    decided: dict[Key, Value] = entries(merged(later, parse(sides.ours), parse(sides.theirs), choice))

    assert decided == entries(merged(base, ours, theirs, choice))
