# SPDX-License-Identifier: MIT
"""From one generation to another: ids, what stays, who is refused, and what a kill leaves behind."""

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from aptfreeze.environment import generations, log, transitions
from aptfreeze.environment.folder import Environment
from aptfreeze.environment.log import EventKind
from aptfreeze.environment.process import Process
from aptfreeze.environment.store import EnvironmentStore
from aptfreeze.errors import RefusedError, UsageError
from aptfreeze.freeze.digest import Digest
from aptfreeze.freeze.generation import Generation, InRelease, Pin, SuiteKey
from aptfreeze.freeze.lockfile import dump, parse
from aptfreeze.settings import Sourced

NOW = datetime(2026, 11, 24, 7, tzinfo=UTC)
MAIN = SuiteKey("mirror.example.org/debian", "bookworm")
SECURITY = SuiteKey("mirror.example.org/debian-security", "bookworm-security")


def pin(text: str) -> Pin:
    return Pin(InRelease(Digest.of(text.encode())), NOW)


def open_store(environment: Environment, **options: Sourced[bool]) -> EnvironmentStore:
    return EnvironmentStore(environment, Process.current("aptfreeze test"), clock=lambda: NOW, wait_s=10, **options)


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    return Environment(tmp_path)


@pytest.fixture
def store(environment: Environment) -> EnvironmentStore:
    return open_store(environment)


def pinned(store: EnvironmentStore, pins: dict[SuiteKey, Pin]) -> Generation:
    generation = store.init()
    for key, each in pins.items():
        store.add_provisional(generation.id, key, each)
    return store.commit(generation.id, pins)


def lock(environment: Environment) -> Generation:
    return parse(environment.lock_file.read_text())


# --- update ---


def test_an_update_makes_a_new_generation_and_leaves_the_old_one_to_its_sessions(
    store: EnvironmentStore, environment: Environment
) -> None:
    before = pinned(store, {MAIN: pin("old"), SECURITY: pin("other")})

    after = transitions.update(store, before, {MAIN: pin("new")}, {})

    assert lock(environment) == after == store.load()
    assert after.id != before.id
    assert after.pins == {MAIN: pin("new"), SECURITY: pin("other")}
    assert store.generation(before.id) == before
    events = list(log.read(environment.log))
    assert [event.kind for event in events[-2:]] == [EventKind.UPDATED, EventKind.MOVED]
    assert events[-2].detail == f"was {before.id}"
    assert events[-1].what == str(MAIN)


def test_a_session_of_the_old_generation_adds_a_suite_to_both(
    store: EnvironmentStore, environment: Environment
) -> None:
    before = pinned(store, {MAIN: pin("old")})
    after = transitions.update(store, before, {MAIN: pin("new")}, {})

    store.add_provisional(before.id, SECURITY, pin("first seen"))
    grown = store.commit(before.id, {SECURITY: pin("first seen")})

    assert grown.pins == {MAIN: pin("old"), SECURITY: pin("first seen")}
    assert lock(environment).pins == {MAIN: pin("new"), SECURITY: pin("first seen")}
    assert lock(environment).id == after.id


def test_who_comes_second_is_refused_and_moves_nothing(store: EnvironmentStore, environment: Environment) -> None:
    before = pinned(store, {MAIN: pin("old"), SECURITY: pin("old")})
    first = transitions.update(store, before, {MAIN: pin("first")}, {})

    with pytest.raises(RefusedError, match="moved by another command"):
        transitions.update(store, before, {MAIN: pin("second"), SECURITY: pin("second")}, {})

    assert lock(environment) == first


def test_what_another_command_has_forgotten_meanwhile_does_not_come_back(
    store: EnvironmentStore, environment: Environment
) -> None:
    before = pinned(store, {MAIN: pin("old"), SECURITY: pin("old")})
    forgotten = transitions.reset(store, store.load(), [SECURITY])

    with pytest.raises(RefusedError, match="bookworm-security was moved by another command"):
        transitions.update(store, before, {MAIN: pin("new"), SECURITY: pin("new")}, {})

    assert lock(environment) == forgotten


def test_two_that_move_different_suites_both_do_so(store: EnvironmentStore, environment: Environment) -> None:
    before = pinned(store, {MAIN: pin("old"), SECURITY: pin("old")})
    transitions.update(store, before, {MAIN: pin("new")}, {})

    transitions.update(store, before, {SECURITY: pin("new")}, {})

    assert lock(environment).pins == {MAIN: pin("new"), SECURITY: pin("new")}


def test_single_files_move_too(store: EnvironmentStore, environment: Environment) -> None:
    url, old, new = "mirror.example.org/key.asc", Digest.of(b"old"), Digest.of(b"new")
    generation = pinned(store, {MAIN: pin("one")})
    store.add_extra(generation.id, url, old)
    seen = store.load()

    transitions.update(store, seen, {}, {url: new})

    assert lock(environment).extra == {url: new}
    with pytest.raises(RefusedError):
        transitions.update(store, seen, {}, {url: old})
    moved = [event for event in log.read(environment.log) if event.kind is EventKind.MOVED]
    assert [(event.what, event.detail) for event in moved] == [(url, f"{old} -> {new}")]


def test_locked_forbids_all_three(store: EnvironmentStore, environment: Environment) -> None:
    before = pinned(store, {MAIN: pin("old")})
    locked = open_store(environment, locked=Sourced(True, "APTFREEZE_LOCKED"))

    with pytest.raises(RefusedError, match="APTFREEZE_LOCKED forbids"):
        transitions.update(locked, before, {MAIN: pin("new")}, {})
    with pytest.raises(RefusedError, match="APTFREEZE_LOCKED forbids"):
        transitions.reset(locked, locked.load(), None)
    with pytest.raises(RefusedError, match="APTFREEZE_LOCKED forbids"):
        transitions.rollback(locked, locked.load(), before)
    assert lock(environment) == before


# --- reset ---


def test_a_reset_makes_an_empty_generation(store: EnvironmentStore, environment: Environment) -> None:
    before = pinned(store, {MAIN: pin("old")})
    store.add_extra(before.id, "mirror.example.org/key.asc", Digest.of(b"key"))
    ended = EnvironmentStore(environment, replace(Process.current("an earlier run"), started=1), clock=lambda: NOW)
    ended.add_provisional(before.id, SECURITY, pin("provisional"))

    after = transitions.reset(store, store.load(), None)

    assert lock(environment) == after
    assert after.id != before.id
    assert not after.pins
    assert not after.extra
    assert not store.provisional()


def test_a_reset_leaves_a_build_that_runs_the_pin_that_it_has_served(
    store: EnvironmentStore, environment: Environment
) -> None:
    before = pinned(store, {MAIN: pin("old")})
    store.add_provisional(before.id, SECURITY, pin("served"))  # by this process, which runs

    after = transitions.reset(store, store.load(), None)
    own = store.commit(before.id, {SECURITY: pin("served")})

    assert own.pins == {MAIN: pin("old"), SECURITY: pin("served")}
    assert (lock(environment).id, dict(lock(environment).pins)) == (after.id, {SECURITY: pin("served")})


def test_a_reset_of_one_suite_leaves_the_others(store: EnvironmentStore, environment: Environment) -> None:
    before = pinned(store, {MAIN: pin("one"), SECURITY: pin("two")})

    after = transitions.reset(store, store.load(), [SECURITY])

    assert after.id != before.id
    assert lock(environment).pins == {MAIN: pin("one")}


def test_a_reset_of_one_suite_leaves_the_pin_that_another_waits_with(
    store: EnvironmentStore, environment: Environment
) -> None:
    before = pinned(store, {MAIN: pin("one")})
    elsewhere = replace(Process.current("a run in a container"), machine="another")
    EnvironmentStore(environment, elsewhere).add_provisional(before.id, SECURITY, pin("waits"))

    transitions.reset(store, store.load(), [MAIN])
    assert store.provisional().keys() == {SECURITY}

    transitions.reset(store, store.load(), None)
    assert not store.provisional()


def test_who_decided_on_a_generation_that_is_not_current_any_more_is_refused(
    store: EnvironmentStore, environment: Environment
) -> None:
    seen = pinned(store, {MAIN: pin("old")})
    now = transitions.update(store, seen, {MAIN: pin("new")}, {})

    with pytest.raises(RefusedError, match=f"generation {seen.id[:12]} was moved by another command"):
        transitions.reset(store, seen, None)
    with pytest.raises(RefusedError, match=f"generation {seen.id[:12]} was moved by another command"):
        transitions.rollback(store, seen, Generation("e" * 32, NOW))
    assert lock(environment) == now


# --- rollback ---


def test_going_back_restores_the_id_and_what_has_grown_since(store: EnvironmentStore, environment: Environment) -> None:
    first = pinned(store, {MAIN: pin("old")})
    transitions.update(store, first, {MAIN: pin("new")}, {})
    store.add_provisional(first.id, SECURITY, pin("late"))
    store.commit(first.id, {SECURITY: pin("late")})

    back = transitions.rollback(store, store.load(), first)

    assert back.id == first.id
    assert lock(environment) == back == store.load()
    assert back.pins == {MAIN: pin("old"), SECURITY: pin("late")}


def test_what_the_earlier_one_has_grown_by_comes_back_from_an_older_text_of_it(store: EnvironmentStore) -> None:
    short = pinned(store, {MAIN: pin("old")})
    store.add_provisional(short.id, SECURITY, pin("grown"))
    grown = store.commit(short.id, {SECURITY: pin("grown")})
    transitions.reset(store, store.load(), None)

    assert transitions.rollback(store, store.load(), short) == grown


def test_a_generation_that_this_checkout_never_met_keeps_the_other_suites(store: EnvironmentStore) -> None:
    pinned(store, {MAIN: pin("new"), SECURITY: pin("other")})
    foreign = Generation("ab" * 16, NOW, {MAIN: pin("foreign")})

    back = transitions.rollback(store, store.load(), foreign)

    assert back.id == foreign.id
    assert back.pins == {MAIN: pin("foreign"), SECURITY: pin("other")}


def test_to_where_it_is_already_is_no_event(store: EnvironmentStore, environment: Environment) -> None:
    current = pinned(store, {MAIN: pin("one")})
    events = list(log.read(environment.log))

    assert transitions.rollback(store, store.load(), current) == current
    assert list(log.read(environment.log)) == events


def test_a_suite_that_a_killed_run_had_pinned_is_that_of_the_earlier_one(
    store: EnvironmentStore, environment: Environment
) -> None:
    earlier = pinned(store, {MAIN: pin("old"), SECURITY: pin("old")})
    current = transitions.reset(store, store.load(), [SECURITY])
    killed = EnvironmentStore(environment, replace(Process.current("a killed run"), started=1))
    killed.add_provisional(current.id, SECURITY, pin("left"))

    transitions.rollback(store, store.load(), earlier)

    assert store.load() == earlier
    assert not store.provisional()


def test_a_lock_file_that_says_something_else_of_a_known_id_gets_a_new_one(
    store: EnvironmentStore, environment: Environment
) -> None:
    known = pinned(store, {MAIN: pin("known")})
    transitions.update(store, known, {MAIN: pin("new")}, {})
    foreign = Generation(known.id, known.created, {MAIN: pin("foreign")})

    back = transitions.rollback(store, store.load(), foreign)

    assert back.id != known.id
    assert back.pins == {MAIN: pin("foreign")}
    assert store.generation(known.id) == known


def test_the_previous_one_is_the_one_that_was_made_before(store: EnvironmentStore) -> None:
    first = pinned(store, {MAIN: pin("1")})
    second = transitions.update(store, first, {MAIN: pin("2")}, {})
    third = transitions.update(store, second, {MAIN: pin("3")}, {})

    assert transitions.previous(store, third) == second
    assert transitions.previous(store, second) == first
    with pytest.raises(UsageError, match="knows no generation"):
        transitions.previous(store, first)


# --- killed ---

_KILLED = """
import os, sys
from aptfreeze.environment import transitions, files
sys.path[:0] = sys.argv[3:]
import test_transitions as story
store = story.open_store(story.Environment(story.Path(sys.argv[1])))
steps = int(sys.argv[2])
def counted(act):
    def count(*arguments, **options):
        global steps
        if steps == 0:
            os._exit(9)
        steps -= 1
        return act(*arguments, **options)
    return count
for name in ("replace", "append"):
    setattr(files, name, counted(getattr(files, name)))
transitions.update(store, store.load(), {story.MAIN: story.pin("new")}, {})
"""


@pytest.mark.parametrize("steps", range(6))
def test_killed_before_any_write_it_is_the_old_generation_or_the_new_one(
    steps: int, store: EnvironmentStore, environment: Environment
) -> None:
    before = pinned(store, {MAIN: pin("old"), SECURITY: pin("other")})
    line = [sys.executable, "-c", _KILLED, str(environment.root), str(steps), str(Path(__file__).parent)]
    ended = subprocess.run(line, capture_output=True, text=True)
    assert ended.returncode in (0, 9), ended.stderr

    found = store.load()

    assert found.pins in ({**before.pins}, {MAIN: pin("new"), SECURITY: pin("other")})
    assert (found.id == before.id) == (found.pins == before.pins)
    assert generations.read_copy(environment, found.id) == found
    assert dump(lock(environment)) == dump(found)
    if steps > 0:
        assert found.id != before.id
