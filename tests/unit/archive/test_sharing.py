# SPDX-License-Identifier: MIT
"""Who uses an archive, and who has it alone."""

import subprocess
import sys
from pathlib import Path

import pytest

from aptfreeze.archive.layout import prepare
from aptfreeze.archive.sharing import Share
from aptfreeze.errors import StorageError
from support.users import acting_as, folder_of, only_root


def test_who_is_alone_learns_it_and_who_is_not_learns_that(tmp_path: Path) -> None:
    layout = prepare(tmp_path, read_only=False)
    one, other = Share(layout), Share(layout)
    with one.alone() as is_alone:
        assert not is_alone
    other.close()
    with one.alone() as is_alone:
        assert is_alone


def test_nobody_begins_to_use_an_archive_that_somebody_has_alone(tmp_path: Path) -> None:
    layout = prepare(tmp_path, read_only=False)
    one = Share(layout)
    with one.alone(), pytest.raises(StorageError, match=r"alone for 0\.02 s") as caught:
        Share(layout, limit_s=0.02)
    assert "aptfreeze gc" in str(caught.value.hint)
    Share(layout, limit_s=0.02)


def test_an_attempt_to_be_alone_leaves_the_share(tmp_path: Path) -> None:
    layout = prepare(tmp_path, read_only=False)
    one, other = Share(layout), Share(layout)
    with one.alone():
        pass
    with other.alone() as is_alone:
        assert not is_alone
    one.close()
    with other.alone() as is_alone:
        assert is_alone


def test_the_lock_of_a_process_that_ended_is_free(tmp_path: Path) -> None:
    layout = prepare(tmp_path, read_only=False)
    code = "import os, sys; from pathlib import Path; from aptfreeze.archive.layout import Layout; "
    code += "from aptfreeze.archive.sharing import Share; Share(Layout(Path(sys.argv[1]))); os._exit(0)"
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)
    with Share(layout).alone() as is_alone:
        assert is_alone


@only_root
def test_an_archive_that_can_only_be_read_is_used_without_a_lock() -> None:
    with folder_of(4001) as root:
        layout = prepare(root, read_only=False)
        root.chmod(0o755)
        with acting_as(4002), Share(layout).alone() as is_alone:
            assert not is_alone


@only_root
def test_several_users_share_one_lock() -> None:
    with folder_of(4001, 0o2775, group=4100) as root:
        with acting_as(4001, group=4100, umask=0o077):
            layout = prepare(root, read_only=False)
            one = Share(layout)
        with acting_as(4002, group=4100):
            other = Share(layout)
            with other.alone() as is_alone:
                assert not is_alone
            one.close()
            with other.alone() as is_alone:
                assert is_alone
