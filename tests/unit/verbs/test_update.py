# SPDX-License-Identifier: MIT
"""`update` as a whole, on real repositories and archives. With real apt: tests/apt/test_update.py."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from aptfreeze.environment.config import Surroundings
from aptfreeze.environment.opened import Opened, open_environment
from aptfreeze.environment.pinner import make_pinning
from aptfreeze.errors import OfflineError, RefusedError, UsageError
from aptfreeze.fetch.opened import open_archive
from aptfreeze.freeze.digest import Digest
from aptfreeze.verbs.update import Wishes, data, exit_status, lines, update
from support.environments import with_pins
from support.pinning import key_of
from support.repository import Repository
from support.signing import SigningKey


def open_in(folder: Path, key: SigningKey, **flags: bool) -> Opened:
    folder.mkdir(exist_ok=True)
    (folder / "aptfreeze.toml").write_text(f"[trust]\nkeyrings = {json.dumps([str(key.keyring)])}\n")
    home = Surroundings({"HOME": str(folder.parent)}, folder)
    return open_environment("aptfreeze update", home, {"archive.path": str(folder.parent / "archive"), **flags})


@pytest.fixture
def opened(tmp_path: Path, signing_key: SigningKey, repository: Repository) -> Opened:
    """An environment with the repository's first state; the mirror has a second one."""
    opened = open_in(tmp_path / "environment", signing_key)
    with open_archive(opened.settings) as archive:
        candidate = make_pinning(archive, opened.settings).candidate(key_of(repository), "InRelease")
    with_pins(opened, {key_of(repository): candidate.pin})
    repository.add("hello", "2.0")
    repository.publish()
    return opened


def test_it_moves_and_tells_it(opened: Opened, repository: Repository) -> None:
    told: list[str] = []

    found = update(opened, Wishes(), told.append)

    assert opened.store.load() == found.after
    assert found.after.id != found.before.id
    assert found.after.pins[key_of(repository)].date == repository.date
    assert exit_status(found) == 0
    assert f"generation {found.after.id} is current; {found.before.id} was" in list(lines(found))
    assert data(found)["generation"] == found.after.id
    assert told == []


def test_a_dry_run_tells_the_same_and_moves_nothing(opened: Opened) -> None:
    before = opened.store.load()

    found = update(opened, Wishes(is_dry_run=True), lambda _: None)

    assert opened.store.load() == before
    assert exit_status(found) == 10
    assert data(found)["suites"] == data(update(opened, Wishes(), lambda _: None))["suites"]
    assert (data(found)["generation"], data(found)["new"]) == (before.id, True)


def test_nothing_new_is_no_new_generation(opened: Opened) -> None:
    update(opened, Wishes(), lambda _: None)
    before = opened.store.load()

    found = update(opened, Wishes(), lambda _: None)

    assert opened.store.load() == before
    assert exit_status(update(opened, Wishes(is_dry_run=True), lambda _: None)) == 0
    (key,) = found.prepared.unchanged
    assert list(lines(found)) == [f"{key}: nothing new", f"generation {before.id} stays"]


def test_an_environment_without_pins_has_nothing_to_update(tmp_path: Path, signing_key: SigningKey) -> None:
    opened = open_in(tmp_path / "empty", signing_key)
    opened.store.init()

    with pytest.raises(UsageError, match="nothing is pinned"):
        update(opened, Wishes(), lambda _: None)


def test_locked_is_refused_before_a_mirror_is_asked(opened: Opened, tmp_path: Path, signing_key: SigningKey) -> None:
    locked = open_in(tmp_path / "environment", signing_key, locked=True)

    with pytest.raises(RefusedError, match="--locked forbids"):
        update(locked, Wishes(), lambda _: None)
    assert update(locked, Wishes(is_dry_run=True), lambda _: None).prepared.is_new


@pytest.mark.parametrize("wishes", [Wishes(), Wishes(is_dry_run=True), Wishes(at=datetime(2026, 11, 1, tzinfo=UTC))])
def test_offline_it_says_that_mirrors_must_be_asked(
    opened: Opened, tmp_path: Path, signing_key: SigningKey, wishes: Wishes
) -> None:
    before = opened.store.load()
    offline = open_in(tmp_path / "environment", signing_key, offline=True)

    with pytest.raises(OfflineError, match="asks mirrors for other states, and --offline forbids"):
        update(offline, wishes, lambda _: None)
    assert opened.store.load() == before


def test_a_single_file_has_no_state_of_a_date(opened: Opened) -> None:
    generation = opened.store.load()
    opened.store.add_extra(generation.id, "mirror.example.org/key.asc", Digest.of(b"key"))
    wishes = Wishes(("mirror.example.org/key.asc",), at=datetime(2026, 11, 1, tzinfo=UTC))

    with pytest.raises(UsageError, match=r"--date moves suites, and mirror\.example\.org/key\.asc is none"):
        update(opened, wishes, lambda _: None)
