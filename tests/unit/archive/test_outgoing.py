# SPDX-License-Identifier: MIT
"""Folders and tar archives that are there when they are complete, or not at all."""

import io
import os
import tarfile
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from aptfreeze.archive.outgoing import Outgoing, outgoing_folder, outgoing_stream, outgoing_tar
from aptfreeze.archive.placing import How
from aptfreeze.errors import UsageError

LONG = "repositories/" + "a-long-folder/" * 10 + "file"
TARGETS = pytest.mark.parametrize("name", ["out", "out.tar"])


@pytest.fixture
def source(tmp_path: Path) -> Iterator[int]:
    path = tmp_path / "source"
    path.write_bytes(b"object" * 1000)
    fd = os.open(path, os.O_RDONLY)
    yield fd
    os.close(fd)


def opened(target: Path) -> AbstractContextManager[Outgoing]:
    return outgoing_tar(target, 1_790_000_000) if target.suffix == ".tar" else outgoing_folder(target)


def interrupted(outgoing: Outgoing, source: int) -> None:
    fill(outgoing, source)
    raise KeyboardInterrupt


def fill(outgoing: Outgoing, source: int) -> None:
    outgoing.put("README", b"read me")
    outgoing.put("script", b"#!/bin/sh\n", 0o755)
    outgoing.place(LONG, source, 6000)


def content_of(target: Path) -> dict[str, bytes]:
    if target.is_dir():
        return {str(path.relative_to(target)): path.read_bytes() for path in target.rglob("*") if path.is_file()}
    with tarfile.open(target) as tar:
        return {member.name: tar.extractfile(member).read() for member in tar}  # type: ignore[union-attr]  # all are files


def left(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {"source"}


@TARGETS
def test_all_of_it_is_there_at_the_end_and_nothing_before(tmp_path: Path, source: int, name: str) -> None:
    with opened(tmp_path / name) as outgoing:
        fill(outgoing, source)
        assert left(tmp_path) == {f".{name}.part"}

    assert content_of(tmp_path / name) == {"README": b"read me", "script": b"#!/bin/sh\n", LONG: b"object" * 1000}
    assert left(tmp_path) == {name}
    assert outgoing.counts == Counter({How.LINKED if name == "out" else How.COPIED: 1})


@TARGETS
def test_after_an_error_nothing_is_left(tmp_path: Path, source: int, name: str) -> None:
    with pytest.raises(KeyboardInterrupt), opened(tmp_path / name) as outgoing:
        interrupted(outgoing, source)

    assert left(tmp_path) == set()


def test_objects_cannot_be_written_to_and_scripts_can_be_executed(tmp_path: Path, source: int) -> None:
    (tmp_path / "source").chmod(0o444)
    with opened(tmp_path / "out") as outgoing:
        fill(outgoing, source)

    modes = [(tmp_path / "out" / name).stat().st_mode & 0o777 for name in (LONG, "README", "script")]
    umask = os.umask(0)
    os.umask(umask)
    assert modes == [0o444, 0o644 & ~umask, 0o755 & ~umask]


def test_two_tar_archives_of_the_same_are_the_same_bytes(tmp_path: Path, source: int) -> None:
    for name in ("one.tar", "two.tar"):
        with opened(tmp_path / name) as outgoing:
            fill(outgoing, source)

    assert (tmp_path / "one.tar").read_bytes() == (tmp_path / "two.tar").read_bytes()


def test_what_a_killed_process_left_is_taken_away(tmp_path: Path, source: int) -> None:
    (tmp_path / ".out.part/repositories/x").mkdir(parents=True)
    (tmp_path / ".out.part/repositories/x/y").touch()
    (tmp_path / ".out.part/link").symlink_to(tmp_path)
    (tmp_path / ".out.tar.part").write_bytes(b"x" * 100_000)

    for name in ("out", "out.tar"):
        with opened(tmp_path / name) as outgoing:
            fill(outgoing, source)
        assert len(content_of(tmp_path / name)) == 3

    assert left(tmp_path) == {"out", "out.tar"}


@TARGETS
def test_two_at_once_are_refused(tmp_path: Path, name: str) -> None:
    with opened(tmp_path / name) as outgoing:
        outgoing.put("a", b"1")
        with pytest.raises(UsageError, match="another process writes"), opened(tmp_path / name):
            pass

    assert content_of(tmp_path / name) == {"a": b"1"}


def test_a_folder_that_has_something_stays(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/mine").touch()

    with pytest.raises(UsageError, match="is no empty folder"), opened(tmp_path / "out"):
        pass

    assert content_of(tmp_path / "out") == {"mine": b""}


def test_an_empty_folder_and_an_earlier_file_are_replaced(tmp_path: Path, source: int) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out.tar").write_bytes(b"earlier")

    for name in ("out", "out.tar"):
        with opened(tmp_path / name) as outgoing:
            fill(outgoing, source)
        assert len(content_of(tmp_path / name)) == 3


def test_a_link_to_a_file_stays_a_link(tmp_path: Path, source: int) -> None:
    (tmp_path / "link.tar").symlink_to(tmp_path / "real.tar")

    with opened(tmp_path / "link.tar") as outgoing:
        fill(outgoing, source)

    assert (tmp_path / "link.tar").is_symlink()
    assert len(content_of(tmp_path / "real.tar")) == 3


def test_a_pipe_gets_the_stream_as_it_comes(tmp_path: Path, source: int) -> None:
    os.mkfifo(tmp_path / "pipe.tar")
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append((tmp_path / "pipe.tar").read_bytes()))
    reader.start()
    with opened(tmp_path / "pipe.tar") as outgoing:
        fill(outgoing, source)
    reader.join()

    with tarfile.open(fileobj=io.BytesIO(read[0])) as tar:
        assert tar.getnames() == ["README", "script", LONG]


def test_a_stream_that_ended_badly_has_no_end(source: int) -> None:
    stream = io.BytesIO()

    with pytest.raises(KeyboardInterrupt), outgoing_stream(stream, 0) as outgoing:
        interrupted(outgoing, source)

    assert not stream.getvalue().endswith(bytes(1024))
