# SPDX-License-Identifier: MIT
"""Own lists and caches when COMMAND is apt itself."""

import os
import pwd
from dataclasses import replace
from pathlib import Path

import pytest

from aptfreeze.launch.aptlists import prepare_lists
from support.sessions import make_session
from support.users import acting_as, folder_of, only_root


def test_each_generation_has_folders_of_its_own_below_the_state(tmp_path: Path) -> None:
    session = make_session(tmp_path)
    first = dict(prepare_lists(session))
    second = dict(prepare_lists(replace(session, generation="b" * 32)))
    lists = Path(first["Dir::State::lists"])
    assert lists.is_relative_to(session.state)
    assert (lists / "partial").is_dir()
    assert (Path(first["Dir::Cache::archives"]) / "partial").is_dir()
    assert Path(first["Dir::Cache::archives"]).parent == Path(first["Dir::Cache"])
    assert not set(first.values()) & set(second.values()) - {"false"}


def test_what_a_run_left_is_there_for_the_next_one(tmp_path: Path) -> None:
    session = make_session(tmp_path)
    lists = Path(dict(prepare_lists(session))["Dir::State::lists"])
    (lists / "some_InRelease").touch()
    prepare_lists(session)
    assert (lists / "some_InRelease").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives folders away")
def test_the_sandbox_user_owns_partial_and_can_reach_it_with_a_narrow_umask(tmp_path: Path) -> None:
    session = make_session(tmp_path)
    before = os.umask(0o077)
    lists = Path(dict(prepare_lists(session))["Dir::State::lists"])
    os.umask(before)
    assert (lists / "partial").stat().st_uid == pwd.getpwnam("_apt").pw_uid
    below = [folder for folder in lists.parents if folder.is_relative_to(session.state / "apt")]
    assert all(folder.stat().st_mode & 0o005 == 0o005 for folder in [lists, *below])


@only_root
def test_after_sudo_the_owner_of_the_environment_has_folders_too() -> None:
    with folder_of(4001) as folder:
        with acting_as(4001):
            session = make_session(folder)
        prepare_lists(session)
        with acting_as(4001):
            lists = Path(dict(prepare_lists(session))["Dir::State::lists"])
        assert lists.is_relative_to(session.state / "apt" / "4001")


def test_an_environment_that_cannot_be_written_costs_only_the_reuse(tmp_path: Path) -> None:
    session = replace(make_session(tmp_path), state=tmp_path / "absent")
    assert Path(dict(prepare_lists(session))["Dir::State::lists"]).is_relative_to(session.folder)
