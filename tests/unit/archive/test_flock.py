# SPDX-License-Identifier: MIT
"""Locks that are tried and not waited for."""

from pathlib import Path

import pytest

from aptfreeze.archive.flock import is_named, open_to_lock, try_lock
from support.users import acting_as, folder_of, only_root


def test_many_share_a_lock_and_one_alone_keeps_all_others_off(tmp_path: Path) -> None:
    (tmp_path / "lock").touch()
    one, other = open_to_lock(tmp_path / "lock"), open_to_lock(tmp_path / "lock")
    assert try_lock(one.fd, shared=True)
    assert try_lock(other.fd, shared=True)
    assert not try_lock(one.fd)
    other.close()
    assert try_lock(one.fd)
    assert not try_lock(open_to_lock(tmp_path / "lock").fd, shared=True)


def test_a_file_that_was_replaced_has_lost_its_name(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    file = open_to_lock(tmp_path / "file")
    assert is_named(file.fd, tmp_path / "file")
    (tmp_path / "other").touch()
    (tmp_path / "other").rename(tmp_path / "file")
    assert not is_named(file.fd, tmp_path / "file")
    (tmp_path / "file").unlink()
    assert not is_named(file.fd, tmp_path / "file")


def test_a_file_that_is_not_there_cannot_be_locked(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        open_to_lock(tmp_path / "nothing")


@only_root
def test_somebody_elses_file_is_locked_for_reading() -> None:
    with folder_of(4001) as folder:
        (folder / "lock").touch(0o644)
        with acting_as(4002):
            assert try_lock(open_to_lock(folder / "lock").fd)
