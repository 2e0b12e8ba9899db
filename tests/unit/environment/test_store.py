# SPDX-License-Identifier: MIT
"""Pins as transactions: who wins, what is in the lock file when, and what a killed or meddling hand leaves behind."""

import subprocess
import sys
import threading
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from aptfreeze.environment import generations, log
from aptfreeze.environment.folder import Environment
from aptfreeze.environment.log import EventKind
from aptfreeze.environment.process import Liveness, Process
from aptfreeze.environment.store import EnvironmentStore
from aptfreeze.errors import MidSyncError, RefusedError, UsageError
from aptfreeze.freeze.digest import Digest
from aptfreeze.freeze.generation import Generation, InRelease, Pin, SuiteKey
from aptfreeze.freeze.lockfile import dump, parse, pin_line
from aptfreeze.settings import Sourced

NOW = datetime(2026, 11, 24, 7, 0, 0, 123456, tzinfo=UTC)
BOOKWORM = SuiteKey("mirror.example.org/debian", "bookworm")
SECURITY = SuiteKey("mirror.example.org/debian-security", "bookworm-security")
LOCKED = Sourced(True, "--locked")


def pin(text: str = "one", suite: str = "", codename: str = "") -> Pin:
    return Pin(InRelease(Digest.of(text.encode())), NOW.replace(microsecond=0), suite, codename)


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    return Environment(tmp_path)


def open_store(environment: Environment, command: str = "aptfreeze test", **options: Sourced[bool]) -> EnvironmentStore:
    return EnvironmentStore(environment, Process.current(command), clock=lambda: NOW, wait_s=10, **options)


@pytest.fixture
def store(environment: Environment) -> EnvironmentStore:
    return open_store(environment)


def lock(environment: Environment) -> Generation:
    return parse(environment.lock_file.read_text())


def edit(environment: Environment, *pins: tuple[SuiteKey, Pin]) -> None:
    """Somebody changes the lock file by hand, under the same id."""
    environment.lock_file.write_text(dump(replace(lock(environment), pins=dict(pins))))


def told(environment: Environment) -> list[EventKind]:
    return [event.kind for event in log.read(environment.log)]


# --- init and load ---------------------------------------------------------------------------------------------------


def test_init_makes_a_lock_with_an_id_and_no_pins(store: EnvironmentStore, environment: Environment) -> None:
    generation = store.init()

    assert lock(environment) == generation
    assert len(generation.id) == 32
    assert generation.created == NOW.replace(microsecond=0)
    assert not generation.pins
    assert (environment.state / ".gitignore").read_text() == "*\n"


def test_init_again_changes_nothing(store: EnvironmentStore, environment: Environment) -> None:
    first = store.init()
    before = environment.lock_file.stat()

    assert store.init() == first
    assert environment.lock_file.stat() == before
    assert told(environment) == [EventKind.CREATED]


def test_two_processes_that_start_at_once_get_one_id(environment: Environment) -> None:
    program = (
        "import sys; from pathlib import Path; from aptfreeze.environment.folder import Environment; "
        "from aptfreeze.environment.process import Process; from aptfreeze.environment.store import EnvironmentStore; "
        "sys.stdin.read(1); "
        "print(EnvironmentStore(Environment(Path(sys.argv[1])), Process.current('x')).init().id)"
    )
    arguments = [sys.executable, "-c", program, str(environment.root)]
    starters = [subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    for starter in starters:
        assert starter.stdin is not None
        starter.stdin.write("x")
        starter.stdin.flush()
    ids = {starter.communicate(timeout=60)[0].strip() for starter in starters}

    assert ids == {lock(environment).id}


def test_load_without_a_lock_file_says_how_to_get_one(store: EnvironmentStore, environment: Environment) -> None:
    with pytest.raises(UsageError, match=r"has no aptfreeze\.lock") as raised:
        store.load()
    assert raised.value.hint is not None
    assert "aptfreeze init" in raised.value.hint
    assert not environment.state.exists()


def test_locked_makes_no_lock_file(environment: Environment) -> None:
    with pytest.raises(UsageError, match=r"has no aptfreeze\.lock"):
        open_store(environment, locked=LOCKED).init()
    assert list(environment.root.iterdir()) == []


def test_a_lock_that_came_by_git_is_taken_as_it_is(store: EnvironmentStore, environment: Environment) -> None:
    theirs = Generation("ab" * 16, NOW.replace(microsecond=0), {BOOKWORM: pin()})
    environment.lock_file.write_text(dump(theirs))

    assert store.init() == theirs
    assert store.generation(theirs.id) == theirs
    assert told(environment) == [EventKind.FOUND]


def test_pins_added_by_git_keep_the_id_and_are_told_once(store: EnvironmentStore, environment: Environment) -> None:
    first = store.init()
    edit(environment, (BOOKWORM, pin()))

    loaded = [store.load(), store.load()]

    assert loaded == [replace(first, pins={BOOKWORM: pin()})] * 2
    assert told(environment) == [EventKind.CREATED, EventKind.CHANGED]
    assert str(BOOKWORM) in list(log.read(environment.log))[-1].detail


@pytest.mark.parametrize("pins", [[(BOOKWORM, pin("two"))], []], ids=["changed", "removed"])
def test_a_pin_changed_or_removed_by_hand_makes_a_new_id(
    store: EnvironmentStore, environment: Environment, pins: list[tuple[SuiteKey, Pin]]
) -> None:
    first = store.init()
    edit(environment, (BOOKWORM, pin("one")))
    store.load()
    edit(environment, *pins)

    current = store.load()

    assert current.id != first.id
    assert current.pins == dict(pins)
    assert lock(environment) == current
    assert store.load() == current
    assert told(environment)[-1] is EventKind.NEW_ID
    assert store.generation(first.id).pins == {BOOKWORM: pin("one")}, "a running session keeps its generation"


def test_locked_refuses_a_lock_that_needs_a_new_id(store: EnvironmentStore, environment: Environment) -> None:
    store.init()
    edit(environment, (BOOKWORM, pin("one")))
    store.load()
    edit(environment, (BOOKWORM, pin("two")))
    before = environment.lock_file.read_bytes()

    with pytest.raises(RefusedError, match="needs a new generation id, and --locked"):
        open_store(environment, locked=LOCKED).load()
    assert environment.lock_file.read_bytes() == before


def test_a_broken_lock_is_told_with_its_path_and_kept(store: EnvironmentStore, environment: Environment) -> None:
    store.init()
    broken = b"<<<<<<< HEAD\n" + environment.lock_file.read_bytes()
    environment.lock_file.write_bytes(broken)

    with pytest.raises(UsageError, match=str(environment.lock_file)):
        store.load()
    with pytest.raises(UsageError, match="conflict marker"):
        store.init()
    assert environment.lock_file.read_bytes() == broken


def test_a_lock_that_is_no_text_is_told_by_line(store: EnvironmentStore, environment: Environment) -> None:
    environment.lock_file.write_bytes(b"version = 1\n\xff\n")
    with pytest.raises(UsageError, match="line 2 holds the byte 0xff"):
        store.load()


def test_state_of_a_later_aptfreeze_is_refused(store: EnvironmentStore, environment: Environment) -> None:
    store.init()
    (environment.state / "version").write_text("aptfreeze state 9\n")
    with pytest.raises(UsageError, match="aptfreeze state 9"):
        store.load()


def test_without_its_state_an_environment_works_on(store: EnvironmentStore, environment: Environment) -> None:
    first = store.init()
    store.commit(first.id, {BOOKWORM: store.add_provisional(first.id, BOOKWORM, pin()).pin})
    for path in sorted(environment.state.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()

    assert store.load().pins == {BOOKWORM: pin()}


# --- the pinning transaction -----------------------------------------------------------------------------------------


def test_a_provisional_pin_is_seen_by_all_runs_and_not_in_the_lock(
    store: EnvironmentStore, environment: Environment
) -> None:
    generation = store.init()

    placed = store.add_provisional(generation.id, BOOKWORM, pin())

    assert (placed.key, placed.pin, placed.is_committed) == (BOOKWORM, pin(), False)
    assert lock(environment) == generation
    [(key, entry)] = open_store(environment).provisional().items()
    assert (key, entry.pin, entry.since, entry.by.liveness()) == (BOOKWORM, pin(), NOW, Liveness.RUNNING)


def test_commit_puts_it_into_the_lock(store: EnvironmentStore, environment: Environment) -> None:
    generation = store.init()
    store.add_provisional(generation.id, BOOKWORM, pin())

    grown = store.commit(generation.id, {BOOKWORM: pin()})

    assert grown == lock(environment) == store.load() == replace(generation, pins={BOOKWORM: pin()})
    assert store.provisional() == {}
    assert told(environment) == [EventKind.CREATED, EventKind.PROVISIONAL, EventKind.COMMITTED]


def test_commit_twice_is_commit_once(store: EnvironmentStore, environment: Environment) -> None:
    generation = store.init()
    store.add_provisional(generation.id, BOOKWORM, pin())
    store.commit(generation.id, {BOOKWORM: pin()})

    store.commit(generation.id, {BOOKWORM: pin()})

    assert told(environment).count(EventKind.COMMITTED) == 1


def test_the_first_provisional_pin_wins(store: EnvironmentStore, environment: Environment) -> None:
    generation = store.init()
    store.add_provisional(generation.id, BOOKWORM, pin("first"))

    placed = open_store(environment).add_provisional(generation.id, BOOKWORM, pin("second"))

    assert (placed.pin, placed.is_committed) == (pin("first"), False)


def test_a_committed_pin_wins(store: EnvironmentStore) -> None:
    generation = store.init()
    store.add_provisional(generation.id, BOOKWORM, pin("first"))
    store.commit(generation.id, {BOOKWORM: pin("first")})

    placed = store.add_provisional(generation.id, BOOKWORM, pin("second"))

    assert (placed.pin, placed.is_committed) == (pin("first"), True)


def test_the_same_suite_by_another_name_gets_the_first_names_pin(store: EnvironmentStore) -> None:
    generation = store.init()
    store.add_provisional(generation.id, BOOKWORM, pin("first", "stable", "bookworm"))
    stable = replace(BOOKWORM, suite="stable")

    placed = store.add_provisional(generation.id, stable, pin("second", "stable", "bookworm"))
    store.commit(generation.id, {placed.key: placed.pin})

    assert (placed.key, placed.pin) == (BOOKWORM, pin("first", "stable", "bookworm"))
    assert store.add_provisional(generation.id, stable, pin("third", "stable", "bookworm")).is_committed


def test_runs_that_pin_at_once_agree(store: EnvironmentStore, environment: Environment) -> None:
    generation = store.init()
    start = threading.Barrier(8)
    won: list[Pin] = []

    def race(number: int) -> None:
        start.wait(10)
        mine = open_store(environment)
        placed = mine.add_provisional(generation.id, BOOKWORM, pin(str(number)))
        mine.commit(generation.id, {BOOKWORM: placed.pin})
        won.append(placed.pin)

    racers = [threading.Thread(target=race, args=(number,)) for number in range(8)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join(60)

    assert won == [lock(environment).pins[BOOKWORM]] * 8


def test_a_pin_that_the_lock_could_not_hold_is_not_even_provisional(store: EnvironmentStore) -> None:
    generation = store.init()
    with pytest.raises(UsageError, match="host/path suite"):
        store.add_provisional(generation.id, SuiteKey("mirror.example.org/a/../b", "x"), pin())
    assert store.provisional() == {}


def test_drop_makes_room_for_another(store: EnvironmentStore, environment: Environment) -> None:
    generation = store.init()
    store.add_provisional(generation.id, BOOKWORM, pin("old"))

    assert store.drop(generation.id, BOOKWORM, pin("old"), "Packages.xz cannot be had")

    assert store.add_provisional(generation.id, BOOKWORM, pin("new")).pin == pin("new")
    dropped = [event for event in log.read(environment.log) if event.kind is EventKind.DROPPED]
    assert [event.what for event in dropped] == [str(BOOKWORM)]
    assert "Packages.xz cannot be had" in dropped[0].detail


def test_drop_leaves_a_committed_or_newer_pin_alone(store: EnvironmentStore) -> None:
    generation = store.init()
    store.add_provisional(generation.id, BOOKWORM, pin("new"))

    assert not store.drop(generation.id, BOOKWORM, pin("old"), "late")
    store.commit(generation.id, {BOOKWORM: pin("new")})
    assert not store.drop(generation.id, BOOKWORM, pin("new"), "late")

    assert store.load().pins == {BOOKWORM: pin("new")}


def test_a_pin_that_another_run_dropped_is_not_committed(store: EnvironmentStore, environment: Environment) -> None:
    generation = store.init()
    store.add_provisional(generation.id, BOOKWORM, pin())
    store.add_provisional(generation.id, SECURITY, pin())
    open_store(environment).drop(generation.id, BOOKWORM, pin(), "mid-sync")

    with pytest.raises(MidSyncError, match="dropped by another run"):
        store.commit(generation.id, {BOOKWORM: pin(), SECURITY: pin()})
    assert lock(environment).pins == {}, "none of them"


def test_a_pin_that_lost_against_the_lock_file_is_not_committed(
    store: EnvironmentStore, environment: Environment
) -> None:
    generation = store.init()
    store.add_provisional(generation.id, BOOKWORM, pin("served"))
    edit(environment, (BOOKWORM, pin("by git")))
    open_store(environment).load()

    with pytest.raises(RefusedError, match="the lock file got"):
        store.commit(generation.id, {BOOKWORM: pin("served")})
    assert lock(environment).pins == {BOOKWORM: pin("by git")}
    assert EventKind.DROPPED in told(environment)


# --- a session's own generation --------------------------------------------------------------------------------------


@pytest.fixture
def moved_on(store: EnvironmentStore, environment: Environment) -> tuple[Generation, Generation]:
    """A session's generation, and another one that became current since."""
    first = store.init()
    edit(environment, (BOOKWORM, pin("old")))
    own = store.load()
    edit(environment, (BOOKWORM, pin("new")))
    current = store.load()
    assert current.id != first.id
    return own, current


def test_a_session_adds_to_its_own_generation_and_to_the_current_one(
    store: EnvironmentStore, environment: Environment, moved_on: tuple[Generation, Generation]
) -> None:
    own, current = moved_on
    placed = store.add_provisional(own.id, SECURITY, pin())

    grown = store.commit(own.id, {SECURITY: placed.pin})

    assert grown == store.generation(own.id) == replace(own, pins={BOOKWORM: pin("old"), SECURITY: pin()})
    assert lock(environment) == replace(current, pins={BOOKWORM: pin("new"), SECURITY: pin()})
    assert store.load() == lock(environment)


def test_a_session_follows_its_own_pin_and_takes_over_the_current_ones_new_one(
    store: EnvironmentStore, environment: Environment, moved_on: tuple[Generation, Generation]
) -> None:
    own, current = moved_on
    store.commit(current.id, {SECURITY: store.add_provisional(current.id, SECURITY, pin("theirs")).pin})
    before = environment.lock_file.read_bytes()

    assert store.add_provisional(own.id, BOOKWORM, pin("newest")).pin == pin("old")
    placed = store.add_provisional(own.id, SECURITY, pin("mine"))

    assert (placed.pin, placed.is_committed) == (pin("theirs"), True)
    assert store.generation(own.id).pins[SECURITY] == pin("theirs")
    assert environment.lock_file.read_bytes() == before


def test_a_pin_that_the_current_generation_committed_first_enters_the_own_one(
    store: EnvironmentStore, moved_on: tuple[Generation, Generation]
) -> None:
    own, current = moved_on
    shared = store.add_provisional(own.id, SECURITY, pin()).pin
    store.commit(current.id, {SECURITY: shared})

    assert store.commit(own.id, {SECURITY: shared}).pins[SECURITY] == shared


def test_an_unknown_generation_is_told(store: EnvironmentStore) -> None:
    store.init()
    for name in ("0" * 32, "../../etc/passwd", ""):
        with pytest.raises(UsageError, match="has no generation"):
            store.generation(name)


# --- extra lines -----------------------------------------------------------------------------------------------------


def test_an_extra_file_is_pinned_on_first_sight(store: EnvironmentStore, environment: Environment) -> None:
    generation = store.init()
    one, two = Digest.of(b"one"), Digest.of(b"two")

    assert store.add_extra(generation.id, "mirror.example.org/key.asc", one) == one
    assert open_store(environment).add_extra(generation.id, "mirror.example.org/key.asc", two) == one
    assert lock(environment).extra == {"mirror.example.org/key.asc": one}
    assert told(environment).count(EventKind.EXTRA) == 1


def test_an_extra_file_goes_into_both_generations(
    store: EnvironmentStore, environment: Environment, moved_on: tuple[Generation, Generation]
) -> None:
    own, _ = moved_on
    store.add_extra(own.id, "mirror.example.org/key.asc", Digest.of(b"key"))

    assert list(store.generation(own.id).extra) == list(lock(environment).extra) == ["mirror.example.org/key.asc"]


# --- locked and read-only --------------------------------------------------------------------------------------------


def test_locked_refuses_a_new_suite_with_the_line_to_add(store: EnvironmentStore, environment: Environment) -> None:
    generation = store.init()
    locked = open_store(environment, locked=LOCKED)

    with pytest.raises(RefusedError, match=f"{BOOKWORM} is not in .*--locked") as raised:
        locked.add_provisional(generation.id, BOOKWORM, pin())
    assert raised.value.hint is not None
    assert pin_line(BOOKWORM, pin()) in raised.value.hint
    with pytest.raises(RefusedError, match=r"key\.asc is not in"):
        locked.add_extra(generation.id, "mirror.example.org/key.asc", Digest.of(b"key"))
    assert lock(environment) == generation


def test_locked_does_not_commit_what_another_run_pinned(store: EnvironmentStore, environment: Environment) -> None:
    generation = store.init()
    store.add_provisional(generation.id, BOOKWORM, pin())
    locked = open_store(environment, locked=LOCKED)

    with pytest.raises(RefusedError):
        locked.add_provisional(generation.id, BOOKWORM, pin())
    with pytest.raises(RefusedError):
        locked.commit(generation.id, {BOOKWORM: pin()})


def test_locked_follows_what_is_pinned(store: EnvironmentStore, environment: Environment) -> None:
    generation = store.init()
    store.add_provisional(generation.id, BOOKWORM, pin())
    store.commit(generation.id, {BOOKWORM: pin()})
    store.add_extra(generation.id, "mirror.example.org/key.asc", Digest.of(b"key"))
    locked = open_store(environment, locked=LOCKED)

    assert locked.init() == lock(environment)
    assert locked.add_provisional(generation.id, BOOKWORM, pin("new")).pin == pin()
    assert locked.commit(generation.id, {BOOKWORM: pin()}) == lock(environment)
    assert locked.add_extra(generation.id, "mirror.example.org/key.asc", Digest.of(b"x")) == Digest.of(b"key")


class ReadOnlyEnvironment(Environment):
    """Tests run as root too, for whom every folder can be written."""

    __slots__ = ()

    def is_read_only(self) -> bool:
        return True


def test_a_read_only_environment_is_locked_and_nothing_is_written(tmp_path: Path) -> None:
    generation = Generation("ab" * 16, NOW.replace(microsecond=0), {BOOKWORM: pin()})
    (tmp_path / "aptfreeze.lock").write_text(dump(generation))
    store = open_store(ReadOnlyEnvironment(tmp_path))

    assert store.init() == store.load() == generation
    with pytest.raises(RefusedError, match=r"the read-only folder .* forbids"):
        store.add_provisional(generation.id, SECURITY, pin())
    assert [path.name for path in tmp_path.iterdir()] == ["aptfreeze.lock"]


# --- kill -9 ---------------------------------------------------------------------------------------------------------

CRASHING = Path(__file__).with_name("crashing_commit.py")


def crash(environment: Environment, step: str, at: int) -> bool:
    """Pin and commit bookworm and kill that process at its at-th system call; whether it came so far."""
    done = subprocess.run(
        [sys.executable, str(CRASHING), str(environment.root), step, str(at)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode in (0, -9), done.stderr
    return done.returncode == -9


def test_killed_at_any_step_the_lock_is_the_old_or_the_new_one_and_the_next_run_goes_on(tmp_path: Path) -> None:
    outcomes: set[bool] = set()
    at = 0
    crashed = True
    while crashed:
        environment = Environment(tmp_path / str(at))
        environment.root.mkdir()
        old = open_store(environment).init()
        new = replace(old, pins={BOOKWORM: pin()})

        crashed = crash(environment, "commit", at)
        after_crash = lock(environment)
        placed = open_store(environment).add_provisional(old.id, BOOKWORM, pin())
        finished = open_store(environment).commit(old.id, {placed.key: placed.pin})

        assert after_crash in (old, new)
        assert finished == lock(environment) == new, "under the same id"
        assert generations.read_copy(environment, old.id) == new
        assert EventKind.CHANGED not in told(environment), "nobody meddled"
        assert EventKind.NEW_ID not in told(environment)
        outcomes.add(after_crash == new)
        at += 1
    assert outcomes == {False, True}
    assert at > 20, "the kill points were met"


def test_after_a_kill_the_log_tells_whose_pin_is_left(store: EnvironmentStore, environment: Environment) -> None:
    generation = store.init()
    crash(environment, "leave", 0)

    [entry] = store.provisional().values()
    assert entry.by.liveness() is Liveness.ENDED
    store.load()
    store.load()

    interrupted = [event for event in log.read(environment.log) if event.kind is EventKind.INTERRUPTED]
    assert [event.what for event in interrupted] == [str(BOOKWORM)], "told once"
    assert "aptfreeze crashing" in interrupted[0].detail
    assert store.add_provisional(generation.id, BOOKWORM, pin("new")).pin == pin(), "the next run goes on with it"
