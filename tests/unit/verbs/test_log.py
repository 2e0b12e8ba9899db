# SPDX-License-Identifier: MIT
"""Which generations were current, why, and what moved."""

from pathlib import Path

from aptfreeze.environment import transitions
from aptfreeze.freeze.digest import Digest
from aptfreeze.verbs.log import data, entries, lines
from support.environments import MAIN, SECURITY, open_in, pin, with_pins


def test_the_newest_first_with_what_was_added_and_what_moved(tmp_path: Path) -> None:
    opened = open_in(tmp_path, "aptfreeze update bookworm")
    first = with_pins(opened, {MAIN: pin(1), SECURITY: pin(2)})
    opened.store.add_extra(first.id, "vendor.example.org/key.asc", Digest.of(b"key"))
    second = transitions.update(opened.store, opened.store.load(), {MAIN: pin(21)}, {})

    told = list(lines(entries(opened)))

    assert told[0] == f"generation {second.id} (current)"
    assert 'updated by "aptfreeze update bookworm"' in told[1]
    assert f"was {first.id}" in told[1]
    assert told[2] == f"    {MAIN}: 2026-11-01 10:16 UTC -> 2026-11-21 10:16 UTC"
    assert told[3:5] == ["", f"generation {first.id}"]
    assert "created by" in told[5]
    assert sorted(line.partition("pinned ")[2].split(" sha256")[0] for line in told[6:]) == [
        str(MAIN), str(SECURITY), "the single file vendor.example.org/key.asc",
    ]  # fmt: skip


def test_going_back_is_an_entry_of_its_own_and_the_current_one(tmp_path: Path) -> None:
    opened = open_in(tmp_path)
    first = with_pins(opened, {MAIN: pin(1)})
    transitions.update(opened.store, first, {MAIN: pin(2)}, {})
    transitions.rollback(opened.store, opened.store.load(), first)

    found = entries(opened)

    assert [(each.beginning.generation == first.id, each.is_current) for each in found] == [
        (True, True), (False, False), (True, False),
    ]  # fmt: skip
    assert [each["current"] for each in data(found)["generations"]] == [True, False, False]


def test_a_clone_without_a_history_tells_since_when_it_knows_its_lock_file(tmp_path: Path) -> None:
    origin, clone = open_in(tmp_path / "origin"), open_in(tmp_path / "clone")
    generation = with_pins(origin, {MAIN: pin(1)})
    clone.environment.lock_file.write_bytes(origin.environment.lock_file.read_bytes())

    (entry,) = entries(clone)

    assert (entry.beginning.kind, entry.beginning.generation) == ("found", generation.id)
