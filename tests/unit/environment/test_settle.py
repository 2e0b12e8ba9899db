# SPDX-License-Identifier: MIT
"""What is noted between two commands; the stories of whole commands are in test_store."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from aptfreeze.environment import generations, log, provisional
from aptfreeze.environment.folder import Environment
from aptfreeze.environment.log import EventKind, Journal
from aptfreeze.environment.process import Process
from aptfreeze.environment.provisional import Provisional
from aptfreeze.environment.settle import is_settled, settle
from aptfreeze.freeze.digest import Digest
from aptfreeze.freeze.generation import Generation, InRelease, Pin, SuiteKey
from aptfreeze.settings import Sourced

NOW = datetime(2026, 11, 24, 7, tzinfo=UTC)
KEY = SuiteKey("a.example.org/x", "stable")
PIN = Pin(InRelease(Digest.of(b"1")), None)
EMPTY = Generation("ab" * 16, NOW)
ENDED = replace(Process.current("aptfreeze run"), started=1)


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    environment = Environment(tmp_path)
    environment.state.mkdir()
    environment.furnish()
    generations.write_lock(environment, EMPTY)
    generations.write_copy(environment, EMPTY)
    return environment


def note(environment: Environment) -> list[EventKind]:
    settle(environment, Journal(environment.log, Process.current("x"), lambda: NOW), Sourced(False))
    lock = generations.read_lock(environment)
    assert lock is not None
    assert is_settled(environment, lock)
    return [event.kind for event in log.read(environment.log)]


def leave(environment: Environment, pin: Pin, process: Process) -> None:
    provisional.save(environment.provisional, {KEY: Provisional(pin, NOW, process)})


def test_nothing_happened(environment: Environment) -> None:
    assert is_settled(environment, EMPTY)
    assert note(environment) == []


def test_no_lock_file(tmp_path: Path) -> None:
    environment = Environment(tmp_path)
    assert settle(environment, Journal(environment.log, ENDED, lambda: NOW), Sourced(False)) is None


def test_a_new_creation_time_is_the_same_generation(environment: Environment) -> None:
    generations.write_lock(environment, replace(EMPTY, created=NOW.replace(year=2020)))

    assert note(environment) == [EventKind.CHANGED]
    assert generations.read_lock(environment) == replace(EMPTY, created=NOW.replace(year=2020))


def test_a_new_id_is_younger_than_the_one_before_also_where_the_clock_is_behind(environment: Environment) -> None:
    later = replace(EMPTY, created=NOW.replace(year=2027), pins={KEY: PIN})
    generations.write_copy(environment, later)
    generations.write_lock(environment, replace(later, pins={}))

    assert note(environment) == [EventKind.NEW_ID]
    lock = generations.read_lock(environment)
    assert lock is not None
    assert lock.created > later.created


def test_a_pin_in_work_is_left_alone(environment: Environment) -> None:
    leave(environment, PIN, Process.current("aptfreeze run"))

    assert is_settled(environment, EMPTY)
    assert note(environment) == []


def test_a_left_pin_is_told_and_kept(environment: Environment) -> None:
    leave(environment, PIN, ENDED)

    assert not is_settled(environment, EMPTY)
    assert note(environment) == [EventKind.INTERRUPTED]
    assert provisional.load(environment.provisional)[KEY].pin == PIN


def test_a_half_done_commit_is_finished(environment: Environment) -> None:
    leave(environment, PIN, ENDED)
    generations.write_lock(environment, replace(EMPTY, pins={KEY: PIN}))

    assert note(environment) == [EventKind.COMMITTED]
    assert provisional.load(environment.provisional) == {}


def test_a_pin_that_lost_against_the_lock_file_is_dropped(environment: Environment) -> None:
    leave(environment, PIN, Process.current("aptfreeze run"))
    generations.write_lock(environment, replace(EMPTY, pins={KEY: Pin(InRelease(Digest.of(b"2")), None)}))

    assert note(environment) == [EventKind.CHANGED, EventKind.DROPPED]
    assert provisional.load(environment.provisional) == {}
