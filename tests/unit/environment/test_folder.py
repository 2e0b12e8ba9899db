# SPDX-License-Identifier: MIT
"""Which folder is the environment."""

import os
from pathlib import Path

import pytest

from aptfreeze.environment.folder import Environment, find
from aptfreeze.errors import UsageError


@pytest.fixture
def inner(tmp_path: Path) -> Path:
    folder = tmp_path / "product/build/conf"
    folder.mkdir(parents=True)
    return folder


@pytest.mark.parametrize("name", ["aptfreeze.lock", "aptfreeze.toml"])
def test_the_nearest_folder_upwards_with_one_of_the_files(tmp_path: Path, inner: Path, name: str) -> None:
    (tmp_path / "aptfreeze.lock").touch()
    (tmp_path / "product" / name).touch()

    assert find(inner, {}) == Environment(tmp_path / "product", name)


def test_else_the_current_folder(inner: Path) -> None:
    assert find(inner, {"APTFREEZE_ENV": ""}) == Environment(inner, "default")


def test_a_folder_of_that_name_does_not_count(tmp_path: Path, inner: Path) -> None:
    (tmp_path / "product/aptfreeze.lock").mkdir()
    assert find(inner, {}).root == inner


def test_flag_beats_variable_beats_search(tmp_path: Path, inner: Path) -> None:
    (inner / "aptfreeze.lock").touch()
    (inner / "sub").mkdir()

    assert find(inner, {"APTFREEZE_ENV": ".."}) == Environment(inner.parent, "APTFREEZE_ENV")
    assert find(inner, {"APTFREEZE_ENV": ".."}, "sub") == Environment(inner / "sub", "--env")
    assert find(inner, {}, str(tmp_path)).root == tmp_path


@pytest.mark.parametrize(("flag", "origin"), [("nowhere", "--env"), (None, "APTFREEZE_ENV")])
def test_a_named_folder_must_exist(inner: Path, flag: str | None, origin: str) -> None:
    with pytest.raises(UsageError, match=rf"nowhere \({origin}\) is not a folder") as raised:
        find(inner, {"APTFREEZE_ENV": "nowhere"}, flag)
    assert raised.value.hint == f"create it with: mkdir -p {inner}/nowhere"


def test_the_state_ignores_itself_in_git_and_keeps_what_is_there(tmp_path: Path) -> None:
    environment = Environment(tmp_path)
    environment.state.mkdir()
    environment.furnish()
    (environment.state / ".gitignore").write_text("mine\n")
    environment.furnish()

    environment.check_version()
    assert (environment.state / ".gitignore").read_text() == "mine\n"
    assert environment.generations.is_dir()


def test_a_writable_folder_is_not_read_only(tmp_path: Path) -> None:
    assert not Environment(tmp_path).is_read_only()


@pytest.mark.skipif(os.geteuid() == 0, reason="root can write every folder")
def test_a_folder_or_state_that_cannot_be_written_is_read_only(tmp_path: Path) -> None:
    environment = Environment(tmp_path)
    environment.state.mkdir()
    environment.state.chmod(0o555)
    assert environment.is_read_only()
    environment.state.chmod(0o755)
    tmp_path.chmod(0o555)
    assert environment.is_read_only()
    tmp_path.chmod(0o755)
