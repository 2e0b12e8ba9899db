# SPDX-License-Identifier: MIT
"""From flags, variables and the current folder to an environment that a verb can work on."""

from pathlib import Path

import pytest

from aptfreeze.environment.config import Surroundings
from aptfreeze.environment.opened import open_environment
from aptfreeze.errors import UsageError


def surroundings(folder: Path, **environ: str) -> Surroundings:
    return Surroundings({"HOME": str(folder / "home"), **environ}, folder)


def test_the_nearest_environment_upwards_with_its_settings(tmp_path: Path) -> None:
    (tmp_path / "aptfreeze.toml").write_text("[fetch]\nretries = 7\n")
    below = tmp_path / "images" / "product"
    below.mkdir(parents=True)

    opened = open_environment("aptfreeze status", surroundings(below), {})

    assert (opened.environment.root, opened.environment.origin) == (tmp_path, "aptfreeze.toml")
    assert opened.settings.fetch.retries == 7
    assert opened.store.environment is opened.environment


def test_flags_reach_settings_and_store(tmp_path: Path) -> None:
    flags = {"env": str(tmp_path), "archive.path": "store", "locked": True, "offline": None}

    opened = open_environment("aptfreeze run", surroundings(tmp_path), flags)

    assert opened.settings.archive.path == tmp_path / "store"
    assert (opened.settings.locked.value, opened.store.locked.origin) == (True, "--locked")
    assert not opened.settings.offline.value


def test_the_process_tells_others_what_it_does(tmp_path: Path) -> None:
    assert (
        open_environment("aptfreeze run -- make", surroundings(tmp_path), {}).process.command == "aptfreeze run -- make"
    )


def test_a_key_to_sign_with_is_there_only_if_wanted(tmp_path: Path) -> None:
    assert open_environment("aptfreeze run", surroundings(tmp_path), {}).signing_key() is None
    assert list(tmp_path.iterdir()) == []

    (tmp_path / "aptfreeze.toml").write_text("resign = true\n")
    key = open_environment("aptfreeze run", surroundings(tmp_path), {}).signing_key()
    assert key is not None
    (tmp_path / "team.key").write_bytes(key.private)
    (tmp_path / "team.key").chmod(0o600)
    (tmp_path / ".aptfreeze/resign.key").unlink()
    (tmp_path / "aptfreeze.toml").write_text('resign = true\nresign_key = "team.key"\n')
    assert open_environment("aptfreeze run", surroundings(tmp_path), {}).signing_key() == key


def test_nothing_is_written(tmp_path: Path) -> None:
    open_environment("aptfreeze status", surroundings(tmp_path), {})

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("environ", "text", "message"),
    [
        ({"APTFREEZE_ENV": "missing"}, "", "is not a folder"),
        ({"APTFREEZE_LOCKED": "perhaps"}, "", "APTFREEZE_LOCKED: expected true or false"),
        ({}, "x = 1", "unknown key 'x'"),
    ],
)
def test_a_mistake_is_told_before_anything_is_done(
    tmp_path: Path, environ: dict[str, str], text: str, message: str
) -> None:
    (tmp_path / "aptfreeze.toml").write_text(text)

    with pytest.raises(UsageError, match=message):
        open_environment("aptfreeze run", surroundings(tmp_path, **environ), {})
