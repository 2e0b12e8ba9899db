# SPDX-License-Identifier: MIT
"""A further place for an open file, on one file system and across two."""

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from aptfreeze.archive.placing import How, clone, link, place

CONTENT = b"content" * 100_000


@pytest.fixture
def source(tmp_path: Path) -> Iterator[int]:
    path = tmp_path / "source"
    path.write_bytes(CONTENT)
    fd = os.open(path, os.O_RDONLY)
    yield fd
    os.close(fd)


def test_on_one_file_system_it_is_the_same_file(source: int, tmp_path: Path) -> None:
    assert place(source, tmp_path / "target", 0o444) is How.LINKED
    assert os.path.samestat((tmp_path / "target").stat(), os.fstat(source))


def test_it_is_the_open_file_whatever_its_name_leads_to_by_now(source: int, tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(b"other")
    os.link(tmp_path / "source", tmp_path / "kept")
    (tmp_path / "other").rename(tmp_path / "source")

    place(source, tmp_path / "target", 0o444)

    assert (tmp_path / "target").read_bytes() == CONTENT


def test_a_file_without_a_name_is_copied(source: int, tmp_path: Path) -> None:
    (tmp_path / "source").unlink()

    assert place(source, tmp_path / "target", 0o444) is not How.LINKED
    assert (tmp_path / "target").read_bytes() == CONTENT


def test_on_another_file_system_it_is_a_copy(source: int, tmp_path: Path) -> None:
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK) or memory.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no other file system")
    target = memory / f"aptfreeze-test-{os.getpid()}"
    try:
        assert place(source, target, 0o444) is How.COPIED
        assert target.read_bytes() == CONTENT
        assert target.stat().st_mode & 0o777 == 0o444
    finally:
        target.unlink(missing_ok=True)


def test_what_is_there_is_not_replaced(source: int, tmp_path: Path) -> None:
    (tmp_path / "target").write_bytes(b"")

    with pytest.raises(FileExistsError):
        link(source, tmp_path / "target")


def test_a_missing_folder_is_an_error_and_no_reason_to_copy(source: int, tmp_path: Path) -> None:
    with pytest.raises(OSError, match=os.strerror(errno.ENOENT)):
        link(source, tmp_path / "missing/target")


def test_what_cannot_be_cloned_is_told(source: int) -> None:
    reading, writing = os.pipe()

    assert not clone(source, writing)

    os.close(reading)
    os.close(writing)
