# SPDX-License-Identifier: MIT
"""A lock file with an id and no pins, made at most once."""

from pathlib import Path

import pytest

from aptfreeze.environment.config import Surroundings
from aptfreeze.environment.opened import Opened, open_environment
from aptfreeze.errors import RefusedError, UsageError
from aptfreeze.freeze.lockfile import parse
from aptfreeze.verbs.init import data, init, line


def opened(folder: Path, **flags: bool) -> Opened:
    return open_environment("aptfreeze init", Surroundings({"HOME": "/"}, folder), flags)


def test_the_first_one_makes_it(tmp_path: Path) -> None:
    told = line(init(opened(tmp_path)))

    generation = parse((tmp_path / "aptfreeze.lock").read_text())
    assert told == f"made {tmp_path / 'aptfreeze.lock'}: generation {generation.id}"
    assert not generation.pins


def test_the_second_one_keeps_it(tmp_path: Path) -> None:
    init(opened(tmp_path))
    before = (tmp_path / "aptfreeze.lock").read_bytes()

    assert "exists: generation " in line(init(opened(tmp_path)))
    assert (tmp_path / "aptfreeze.lock").read_bytes() == before


def test_one_that_is_no_good_is_an_error_and_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "aptfreeze.lock").write_text("mine")

    with pytest.raises(UsageError, match="is not valid TOML"):
        init(opened(tmp_path))
    assert (tmp_path / "aptfreeze.lock").read_text() == "mine"


def test_locked_makes_none(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="does not exist, and --locked forbids to make it"):
        init(opened(tmp_path, locked=True))
    assert list(tmp_path.iterdir()) == []


def test_data_says_whether_it_was_made(tmp_path: Path) -> None:
    first, second = data(init(opened(tmp_path))), data(init(opened(tmp_path)))

    assert (first.pop("made"), second.pop("made")) == (True, False)
    assert first == second
    assert first["lock_file"] == str(tmp_path / "aptfreeze.lock")
