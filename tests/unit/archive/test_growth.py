# SPDX-License-Identifier: MIT
"""A Growth tells its readers what may be sent, and nothing else."""

import gc
import os
import threading
from pathlib import Path

import pytest

from aptfreeze.archive.growth import HELD_BACK, VERIFIED_FIRST, Descriptor, Growth, GrowthState, sendable
from aptfreeze.errors import IntegrityError
from aptfreeze.freeze.digest import Digest

NAME = Digest.of(b"")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(b"bytes")
    return path


@pytest.mark.parametrize(
    ("have", "size", "expected"),
    [
        (VERIFIED_FIRST, VERIFIED_FIRST, 0),
        (VERIFIED_FIRST, None, 0),
        (5, VERIFIED_FIRST + 1, 5),
        (VERIFIED_FIRST + 1, VERIFIED_FIRST + 1, VERIFIED_FIRST + 1 - HELD_BACK),
        (0, VERIFIED_FIRST + 1, 0),
    ],
)
def test_small_files_and_last_bytes_wait_for_the_hash(have: int, size: int | None, expected: int) -> None:
    assert sendable(have, size) == expected


def test_readers_are_told_at_most_once_per_step_and_at_the_end(file: Path) -> None:
    growth, told = Growth(5 << 20), []
    growth.attach(Descriptor.open(file))
    growth.subscribe(lambda: told.append((growth.ready, growth.state)))
    growth.publish(1)
    for ready in range(2, 64 << 10, 1000):
        growth.publish(ready)
    assert told == [(1, GrowthState.GROWING)]
    growth.publish(200 << 10)
    growth.complete(NAME, 5 << 20)
    assert told[1:] == [(200 << 10, GrowthState.GROWING), (5 << 20, GrowthState.COMPLETE)]


def test_a_reader_that_left_is_told_nothing() -> None:
    growth, told = Growth(), []

    def reader() -> None:
        told.append(growth.state)

    growth.subscribe(reader)
    growth.unsubscribe(reader)
    growth.fail(IntegrityError("wrong"))
    assert told == []


def test_wait_returns_when_another_thread_completes(file: Path) -> None:
    growth = Growth()
    growth.attach(Descriptor.open(file))
    publisher = threading.Timer(0.02, growth.complete, (NAME, 5))
    publisher.start()
    growth.wait(10)
    assert (growth.sha256, growth.ready) == (NAME, 5)
    publisher.join()


def test_wait_raises_what_went_wrong() -> None:
    growth = Growth()
    growth.fail(IntegrityError("wrong bytes"))
    with pytest.raises(IntegrityError, match="wrong bytes"):
        growth.wait()


def test_wait_has_a_time_limit() -> None:
    with pytest.raises(TimeoutError):
        Growth(7).wait(0.01)


def test_the_file_cannot_be_exchanged_and_not_be_asked_too_early(file: Path) -> None:
    growth = Growth()
    with pytest.raises(ValueError, match="nothing is ready"):
        growth.descriptor()
    growth.attach(Descriptor.open(file))
    with pytest.raises(ValueError, match="whole life"):
        growth.attach(Descriptor.open(file))


def test_the_file_is_open_as_long_as_the_growth_lives(file: Path) -> None:
    growth = Growth.of_object(NAME, Descriptor.open(file), 5)
    fd = growth.descriptor()
    file.unlink()
    gc.collect()
    assert os.pread(fd, 10, 0) == b"bytes"
    del growth
    gc.collect()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(fd)


def test_its_repr_shows_the_live_state() -> None:
    assert repr(Growth(7)) == "<Growth growing, 0 of 7 bytes ready, 0 readers>"
