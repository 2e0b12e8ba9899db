# SPDX-License-Identifier: MIT
"""What a merge came to, told. As data: tests/contract/test_git_merge.py."""

from dataclasses import replace
from datetime import UTC, datetime

from aptfreeze.describe.merges import Outcome, data, lines
from aptfreeze.freeze.digest import Digest
from aptfreeze.freeze.generation import BarePackages, Generation, Pin, SuiteKey
from aptfreeze.freeze.merge import Conflicted, Merged, Side, merge
from aptfreeze.freeze.moves import Identity
from support.environments import MAIN, pin

CREATED = datetime(2026, 11, 24, tzinfo=UTC)
FLAT = SuiteKey("vendor.example.org/debs", "./")
URL = "mirror.example.org/key.asc"
ONE, TWO = Digest.of(b"one"), Digest.of(b"two")
NAMES = {Side.OURS: "HEAD", Side.THEIRS: "feature"}


def outcome(base: Generation, ours: Generation, theirs: Generation, choice: Side | None = None) -> Outcome:
    result = merge(base, ours, theirs, new=Identity("f" * 32, CREATED), choice=choice)
    return Outcome("aptfreeze.lock", result, NAMES, choice)


def state(pins: dict[SuiteKey, Pin], extra: dict[str, Digest] | None = None) -> Generation:
    return Generation("a" * 32, CREATED, pins, extra or {})


def test_changes_are_told_with_their_side() -> None:
    found = outcome(
        state({MAIN: pin(1)}, {URL: ONE}),
        state({MAIN: pin(1), FLAT: Pin(BarePackages(ONE, "Packages"), None)}, {URL: TWO}),
        state({}, {URL: TWO}),
    )

    assert list(lines(found)) == [
        f"{MAIN}: 2026-11-01 10:16 UTC -> not pinned, by theirs (feature)",
        f"{URL}: {ONE.hex[:12]} -> {TWO.hex[:12]}, by ours (HEAD) and theirs (feature)",
        f"{FLAT}: not pinned -> without a date, by ours (HEAD)",
        f"merged aptfreeze.lock: generation {'f' * 32}",
    ]


def test_conflicts_are_told_with_both_sides() -> None:
    found = outcome(
        state({MAIN: pin(1), FLAT: pin(1)}),
        state({MAIN: pin(2), FLAT: pin(2)}, {URL: ONE}),
        state({MAIN: pin(3)}, {URL: TWO}),
    )

    assert isinstance(found.result, Conflicted)
    assert list(lines(found)) == [
        f"conflict: {MAIN}: ours (HEAD): 2026-11-02 10:16 UTC, {Digest.of(b'2')}; "
        f"theirs (feature): 2026-11-03 10:16 UTC, {Digest.of(b'3')}",
        f"conflict: {URL}: ours (HEAD): {ONE}; theirs (feature): {TWO}",
        f"conflict: {FLAT}: ours (HEAD): 2026-11-02 10:16 UTC, {Digest.of(b'2')}; theirs (feature): removed",
    ]
    assert (data(found)["generation"], data(found)["state"]) == (None, None)


def test_a_decided_conflict_is_told_too() -> None:
    found = outcome(state({MAIN: pin(1)}), state({MAIN: pin(2)}), state({MAIN: pin(3)}), Side.THEIRS)

    told = list(lines(found))

    assert isinstance(found.result, Merged)
    assert told[0].startswith(f"conflict: {MAIN}: ")
    assert told[1] == f"{MAIN}: 2026-11-01 10:16 UTC -> 2026-11-03 10:16 UTC, by theirs (feature)"
    assert told[2].endswith(", 1 conflict decided for theirs")


def test_one_state_that_other_signers_vouch_for() -> None:
    signed = replace(pin(1), signers=("A" * 40, "B" * 40))

    (told,) = lines(outcome(state({}), state({MAIN: pin(1)}), state({MAIN: signed})))

    assert told.endswith(f"{Digest.of(b'1')}, signed by {'A' * 40} {'B' * 40}")
    assert ", signed by nobody; theirs" in told


def test_one_suite_under_two_names() -> None:
    stable = SuiteKey(MAIN.repository, "stable")
    named = replace(pin(2), codename=MAIN.suite)

    (told,) = lines(outcome(state({}), state({stable: named}), state({MAIN: pin(1)})))

    assert told == (
        f"conflict: {stable} of ours (HEAD) (2026-11-02 10:16 UTC, {Digest.of(b'2')}) and {MAIN} of theirs (feature) "
        f"(2026-11-01 10:16 UTC, {Digest.of(b'1')}) are one suite under two names"
    )


def test_nothing_to_merge_after_what_else_there_is_to_know() -> None:
    found = Outcome("aptfreeze.lock", state({}), {}, None, ("note",))

    assert list(lines(found)) == ["note", "aptfreeze.lock has no conflict markers: there is nothing to merge"]
    assert data(found)["generation"] == "a" * 32
