# SPDX-License-Identifier: MIT
"""Which state a word means, with a real git."""

import os
import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from aptfreeze.environment import generations
from aptfreeze.environment.folder import Environment
from aptfreeze.environment.process import Process
from aptfreeze.environment.states import find_state, known_states
from aptfreeze.environment.store import EnvironmentStore
from aptfreeze.errors import UsageError
from aptfreeze.freeze.digest import Digest
from aptfreeze.freeze.generation import Generation, InRelease, Pin, SuiteKey
from aptfreeze.freeze.lockfile import dump

KEY = SuiteKey("mirror.example.org/debian", "bookworm")
IDENTITY = ["-c", "user.name=A", "-c", "user.email=a@example.org"]


def pin(text: str) -> Pin:
    return Pin(InRelease(Digest.of(text.encode())), None)


def generation(beginning: str, day: int) -> Generation:
    created = datetime(2026, 11, day, tzinfo=UTC)
    return Generation(beginning + "0" * (32 - len(beginning)), created, {KEY: pin(beginning)})


FIRST, SECOND, THIRD = generation("4f1c9a", 1), generation("4f1c77", 2), generation("beef", 3)


@pytest.fixture
def store(tmp_path: Path) -> EnvironmentStore:
    """Two earlier generations and the current one, in a folder below a repository's top."""
    environment = Environment(tmp_path / "product" / "image")
    environment.generations.mkdir(parents=True)
    environment.furnish()
    for each in (FIRST, SECOND, THIRD):
        generations.write_copy(environment, each)
    generations.write_lock(environment, THIRD)
    return EnvironmentStore(environment, Process.current("aptfreeze diff"))


@pytest.fixture
def repository(store: EnvironmentStore, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The first commit has the first generation, the second one the third."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    top, lock = store.environment.root.parent, store.environment.lock_file
    git(top, "init", "--quiet")
    for each in (FIRST, THIRD):
        lock.write_text(dump(each))
        (top / "other.lock").write_text(dump(SECOND))
        git(top, "add", "image/aptfreeze.lock", "other.lock")
        git(top, *IDENTITY, "commit", "--quiet", "--message", each.id[:4])
    return top


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", folder, *arguments], check=True, timeout=30)


def message(store: EnvironmentStore, word: str) -> str:
    with pytest.raises(UsageError) as raised:
        find_state(store, word)
    return str(raised.value)


# --- generations ---


@pytest.mark.parametrize("word", [FIRST.id, "4f1c9", "4f1c9a0000"])
def test_an_id_or_its_first_digits(store: EnvironmentStore, word: str) -> None:
    assert find_state(store, word) == FIRST


def test_the_beginning_of_two_is_neither(store: EnvironmentStore) -> None:
    told = message(store, "4f1c")
    assert "the beginning of 2 generations: 4f1c77000000 of 2026-11-02 00:00, 4f1c9a000000 of 2026-11-01" in told


def test_three_digits_are_too_few(store: EnvironmentStore) -> None:
    assert "'bee' is no state" in message(store, "bee")


def test_the_current_one_is_what_its_lock_file_says_now(store: EnvironmentStore) -> None:
    grown = THIRD.with_pin(SuiteKey(KEY.repository, "trixie"), pin("new"))
    generations.write_lock(store.environment, grown)
    assert find_state(store, "beef") == grown


def test_a_spoilt_lock_file_hides_no_earlier_one(store: EnvironmentStore) -> None:
    store.environment.lock_file.write_text("<<<<<<< ours\n")
    assert find_state(store, "4f1c9a") == FIRST
    assert known_states(store.environment) == [THIRD, SECOND, FIRST]


# --- files ---


def test_a_file(store: EnvironmentStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "old.lock").write_text(dump(SECOND))
    monkeypatch.chdir(tmp_path)
    assert find_state(store, "old.lock") == SECOND
    assert find_state(store, str(tmp_path / "old.lock")) == SECOND


def test_a_file_that_is_no_lock_file_is_named(store: EnvironmentStore, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("hello")
    (tmp_path / "bytes").write_bytes(b"\xff")
    assert message(store, str(tmp_path / "text")).startswith(f"{tmp_path}/text is not valid TOML")
    assert message(store, str(tmp_path / "bytes")).startswith(f"{tmp_path}/bytes is not UTF-8")


# --- git revisions ---


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("HEAD", THIRD),
        ("HEAD~1", FIRST),
        ("v1.2", FIRST),
        ("beef/topic", FIRST),
        ("HEAD^{/4f1c}", FIRST),
        ("HEAD@{2038-01-01 00:00}", THIRD),
        ("HEAD~1:image/aptfreeze.lock", FIRST),
        ("HEAD:./aptfreeze.lock", THIRD),
        ("HEAD:other.lock", SECOND),
    ],
)
def test_a_revision(store: EnvironmentStore, repository: Path, word: str, expected: Generation) -> None:
    git(repository, "tag", "v1.2", "HEAD~1")
    git(repository, "branch", "beef/topic", "HEAD~1")
    store.environment.lock_file.unlink()  # what is in git counts, not what lies there
    assert find_state(store, word) == expected


def test_the_order_is_generation_file_revision(
    store: EnvironmentStore, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repository)
    for name in ("4f1c9a", "topic"):
        git(repository, "branch", name, "HEAD")
        (repository / name).write_text(dump(SECOND))
    assert find_state(store, "4f1c9a") == FIRST
    assert find_state(store, "topic") == SECOND
    assert find_state(store, "refs/heads/4f1c9a") == THIRD
    git(repository, "branch", "image", "HEAD")
    assert find_state(store, "image") == THIRD, "a folder is no state"


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("nope", "invalid object name 'nope'"),
        ("HEAD:nope.lock", "path 'nope.lock' does not exist in 'HEAD'"),
        ("HEAD~1:image", "bad file"),
        ("HEAD; touch {folder}/x", "invalid object name 'HEAD; touch"),
        ("--output={folder}/x", "no revision has such a name"),
        ("--batch-check:x", "no revision has such a name"),
        ("", "no revision has such a name"),
        ("x" * 5000, "git"),
    ],
)
def test_what_is_no_state(store: EnvironmentStore, repository: Path, word: str, reason: str) -> None:
    told = message(store, word.format(folder=repository))
    assert "is no state: no generation of this checkout has such an id, there is no such file" in told
    assert reason in told
    assert "Hint: give the first 4 or more digits of a generation's id (known here: beef00000000 of 2026-11-03" in told
    assert "HEAD~1, v1.2, HEAD~1:path/aptfreeze.lock" in told
    assert not (repository / "x").exists()


def test_without_a_repository_or_git_it_says_so(store: EnvironmentStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(store.environment.root.parent))
    assert "not a git repository" in message(store, "HEAD~1")
    monkeypatch.setenv("PATH", str(store.environment.root))
    assert "git is not installed" in message(store, "HEAD~1")


def test_many_known_ones_are_not_all_listed(store: EnvironmentStore) -> None:
    for number in range(7):
        later = replace(generation(f"abcd{number}", 4), created=datetime(2026, 12, 1 + number, tzinfo=UTC))
        generations.write_copy(store.environment, later)
    assert "and 2 more" in message(store, "abcd")
