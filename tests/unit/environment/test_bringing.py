# SPDX-License-Identifier: MIT
"""A generation comes into an environment that has none, or the same one."""

from pathlib import Path

import pytest

from aptfreeze.environment import bringing, records
from aptfreeze.environment.bringing import Brought, Outcome, Outcomes, bring
from aptfreeze.environment.distilling import distilled
from aptfreeze.environment.opened import Opened
from aptfreeze.environment.records import AskedIndex, Usage
from aptfreeze.errors import RefusedError
from aptfreeze.freeze.digest import Digest
from aptfreeze.freeze.generation import Generation
from aptfreeze.freeze.lockfile import dump
from support.environments import MAIN, SECURITY, open_in, pin, with_pins
from support.keeping import NOW

GENERATION = Generation("4f" * 16, NOW, {MAIN: pin(21)})
INDEX = AskedIndex(MAIN.repository, MAIN.suite, "main/binary-riscv64/Packages")
NAME, RECORD = distilled(Usage(indexes=(INDEX,)), NOW, Digest.of(b"state"))
BROUGHT = Brought(GENERATION, b"[fetch]\nretries = 1\n", {NAME: RECORD})


@pytest.fixture
def opened(tmp_path: Path) -> Opened:
    return open_in(tmp_path / "environment")


def test_an_environment_without_a_lock_file_gets_all_of_it(opened: Opened) -> None:
    assert bring(opened.store, BROUGHT) == Outcomes(Outcome.NEW, Outcome.NEW, Outcome.NEW)

    environment = opened.environment
    assert environment.lock_file.read_text() == dump(GENERATION)
    assert environment.config_file.read_bytes() == BROUGHT.config
    assert opened.store.load() == GENERATION
    assert records.load(environment.records, GENERATION.id).indexes == (INDEX,)
    assert records.architectures(environment.records) == {"riscv64"}


def test_the_same_again_changes_nothing(opened: Opened) -> None:
    bring(opened.store, BROUGHT)
    before = {path: path.stat().st_mtime_ns for path in opened.environment.root.rglob("*.*")}

    assert bring(opened.store, BROUGHT) == Outcomes(Outcome.SAME, Outcome.SAME, Outcome.SAME)
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_another_generation_is_refused_with_both_names_and_nothing_changes(opened: Opened) -> None:
    own = with_pins(opened, {SECURITY: pin(1)})

    for attempt in (lambda: bring(opened.store, BROUGHT), lambda: bringing.refuse_another(opened.store, GENERATION)):
        with pytest.raises(RefusedError, match=rf"has generation {own.id} .* is generation {GENERATION.id}") as refused:
            attempt()
        assert "--env DIR" in str(refused.value)
    assert opened.store.load() == own
    assert not opened.environment.config_file.exists()


def test_the_same_id_with_other_pins_is_another_one(opened: Opened) -> None:
    bring(opened.store, BROUGHT)

    with pytest.raises(RefusedError):
        bring(opened.store, Brought(GENERATION.with_pin(SECURITY, pin(1))))


def test_a_configuration_of_its_own_stays(opened: Opened) -> None:
    opened.environment.config_file.write_text("[fetch]\nretries = 2\n")

    assert bring(opened.store, BROUGHT).config is Outcome.KEPT
    assert opened.environment.config_file.read_text() == "[fetch]\nretries = 2\n"


def test_what_is_not_brought_is_not_told(opened: Opened) -> None:
    assert bring(opened.store, Brought(GENERATION)) == Outcomes(Outcome.NEW, Outcome.NONE, Outcome.NONE)


def test_locked_refuses_a_new_lock_file_and_takes_the_same(tmp_path: Path, opened: Opened) -> None:
    locked = open_in(tmp_path / "environment", locked=True)

    with pytest.raises(RefusedError, match="--locked forbids to write"):
        bring(locked.store, BROUGHT)
    assert not opened.environment.state.exists()
    bring(opened.store, BROUGHT)
    assert bring(locked.store, BROUGHT).generation is Outcome.SAME
