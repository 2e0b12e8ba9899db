# SPDX-License-Identifier: MIT
"""An earlier generation is current again, by whatever name it is called. Git revisions: test_states.py."""

from pathlib import Path

import pytest

from aptfreeze.environment import transitions
from aptfreeze.environment.opened import Opened
from aptfreeze.errors import UsageError
from aptfreeze.freeze.generation import Generation
from aptfreeze.verbs.rollback import rollback
from support.environments import MAIN, open_in, pin, with_pins


@pytest.fixture
def opened(tmp_path: Path) -> Opened:
    return open_in(tmp_path)


@pytest.fixture
def story(opened: Opened) -> list[Generation]:
    """Three generations; the last one is current."""
    first = with_pins(opened, {MAIN: pin(1)})
    second = transitions.update(opened.store, first, {MAIN: pin(2)}, {})
    return [first, second, transitions.update(opened.store, second, {MAIN: pin(3)}, {})]


def test_by_default_it_is_the_one_made_before_and_again_the_one_before_that(
    opened: Opened, story: list[Generation]
) -> None:
    assert rollback(opened, None) == (story[2], story[1])
    assert rollback(opened, None) == (story[1], story[0])
    with pytest.raises(UsageError, match="knows no generation that was made before"):
        rollback(opened, None)
    assert opened.store.load() == story[0]


def test_forth_again_by_the_beginning_of_the_id(opened: Opened, story: list[Generation]) -> None:
    rollback(opened, story[0].id)

    assert rollback(opened, story[2].id[:8]) == (story[0], story[2])


def test_a_lock_file_that_was_kept(opened: Opened, story: list[Generation], tmp_path: Path) -> None:
    kept = tmp_path / "release-1.lock"
    kept.write_bytes(opened.environment.lock_file.read_bytes())
    rollback(opened, story[0].id)

    assert rollback(opened, str(kept))[1] == story[2]


def test_to_where_it_is_already_changes_nothing(opened: Opened, story: list[Generation]) -> None:
    assert rollback(opened, story[2].id) == (story[2], story[2])
