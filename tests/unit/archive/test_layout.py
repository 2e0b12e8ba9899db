# SPDX-License-Identifier: MIT
"""Whether a folder can be an archive, and what is said if not."""

import errno
import hashlib
import os
from pathlib import Path

import pytest

from aptfreeze.archive.layout import Layout, prepare, storage_error
from aptfreeze.errors import AptfreezeError, UsageError
from aptfreeze.freeze.digest import Algorithm, Digest
from support.users import acting_as, folder_of, only_root

NAME = Digest.of(b"")


def test_a_new_archive_is_made_with_a_version(tmp_path: Path) -> None:
    layout = prepare(tmp_path / "deep" / "archive", read_only=False)
    assert (layout.root / "version").read_text() == "aptfreeze archive 1\n"
    assert list((layout.root / "tmp").iterdir()) == []
    assert prepare(layout.root, read_only=True) == layout


def test_a_newer_version_is_refused_and_untouched(tmp_path: Path) -> None:
    (tmp_path / "version").write_text("aptfreeze archive 2\n")
    with pytest.raises(UsageError, match="another version: 'aptfreeze archive 2'") as caught:
        prepare(tmp_path, read_only=False)
    assert "--archive" in str(caught.value.hint)
    assert [path.name for path in tmp_path.iterdir()] == ["version"]


def test_somebody_elses_folder_does_not_become_an_archive(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("")
    with pytest.raises(UsageError, match=r"neither empty nor an archive: it holds 'thesis.tex'"):
        prepare(tmp_path, read_only=False)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_creation_that_was_killed_half_way_is_finished(tmp_path: Path) -> None:
    (tmp_path / "objects").mkdir()
    (tmp_path / "tmp").mkdir()
    prepare(tmp_path, read_only=False)
    assert (tmp_path / "version").exists()


def test_a_read_only_archive_must_exist(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no aptfreeze archive"):
        prepare(tmp_path, read_only=True)


def test_a_copy_that_lost_its_empty_folders_is_whole_again(tmp_path: Path) -> None:
    layout = prepare(tmp_path, read_only=False)
    (tmp_path / "tmp").rmdir()
    (tmp_path / "index").rmdir()

    prepare(tmp_path, read_only=False).write(layout.index(NAME), b"table")

    assert layout.index(NAME).read_bytes() == b"table"


def test_a_file_in_the_way_is_a_users_mistake(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="Not a directory"):
        prepare(tmp_path / "file" / "archive", read_only=False)


@only_root
def test_what_root_makes_can_be_used_by_the_owner_of_the_archive() -> None:
    with folder_of(4001) as root:
        layout = prepare(root, read_only=False)
        layout.write(layout.object(NAME), b"by root", 0o444)
        with acting_as(4001):
            layout.write(layout.object(NAME), b"by the owner", 0o444)
        assert layout.object(NAME).read_bytes() == b"by the owner"


@only_root
def test_every_folder_is_as_open_as_the_archive_itself_whatever_the_umask() -> None:
    with folder_of(4001, 0o2775, group=4100) as root:
        with acting_as(4001, group=4100, umask=0o077):
            prepare(root, read_only=False)
            Layout(root).write(Layout(root).object(NAME), b"by one", 0o444)
        with acting_as(4002, group=4100, umask=0o022):
            Layout(root).write(Layout(root).object(NAME), b"by another", 0o444)
        assert Layout(root).object(NAME).read_bytes() == b"by another"
        for folder in (path for path in root.rglob("*") if path.is_dir()):
            assert folder.stat().st_mode & 0o7777 == 0o2775, folder


def test_only_sha256_names_an_object(tmp_path: Path) -> None:
    assert Layout(tmp_path).object(NAME) == tmp_path / "objects/sha256" / NAME.hex[:2] / NAME.hex
    with pytest.raises(ValueError, match="named by sha256, not md5"):
        Layout(tmp_path).object(Digest(Algorithm.MD5, hashlib.md5(b"").hexdigest()))


def test_names_in_quarantine_are_never_used_twice(tmp_path: Path) -> None:
    layout = prepare(tmp_path, read_only=False)
    layout.quarantined(NAME).write_text("")
    assert layout.quarantined(NAME).name == f"{NAME.hex}.1"


def test_a_failed_write_leaves_nothing_and_says_what_to_do(tmp_path: Path) -> None:
    layout = prepare(tmp_path, read_only=False)
    (tmp_path / "taken").mkdir()
    with pytest.raises(AptfreezeError, match="cannot write to the archive"):
        layout.write(tmp_path / "taken", b"data")
    assert list((tmp_path / "tmp").iterdir()) == []
    full = storage_error(tmp_path, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
    assert "No space left" in full.message
    assert "free some space" in str(full.hint)
