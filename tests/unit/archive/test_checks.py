# SPDX-License-Identifier: MIT
"""The check of an object while it is served for the first time."""

import os
import threading
from pathlib import Path

import pytest

from aptfreeze.archive.checks import Checks, Subject
from aptfreeze.archive.growth import HELD_BACK, Descriptor, GrowthState
from aptfreeze.errors import IntegrityError
from aptfreeze.freeze.digest import Digest

LARGE = bytes(range(256)) * (3 << 12)  # 3 MiB
Bad = list[tuple[str, bool]]


@pytest.fixture
def bad() -> Bad:
    return []


@pytest.fixture
def checks(bad: Bad) -> Checks:
    return Checks(lambda subject, what, went_out: bad.append((what, went_out)))


def subject(folder: Path, data: bytes, name: Digest | None = None) -> Subject:
    path = folder / "file"
    path.write_bytes(data)
    descriptor = Descriptor.open(path)
    digest = name or Digest.of(data)
    return Subject(digest, digest, descriptor, os.fstat(descriptor.fd))


def test_a_large_object_is_shown_while_it_is_hashed(tmp_path: Path, checks: Checks, bad: Bad) -> None:
    growth = checks.growth(subject(tmp_path, LARGE))
    growth.wait(10)
    assert (growth.state, growth.ready, bad) == (GrowthState.COMPLETE, len(LARGE), [])


def test_once_checked_it_is_complete_at_once(tmp_path: Path, checks: Checks) -> None:
    first = subject(tmp_path, LARGE)
    checks.growth(first).wait(10)
    assert checks.growth(first).state is GrowthState.COMPLETE
    assert checks.trusts(first.digest, first.status)


def test_a_touched_file_is_checked_again(tmp_path: Path, checks: Checks) -> None:
    first = subject(tmp_path, LARGE)
    checks.growth(first).wait(10)
    os.utime(tmp_path / "file", ns=(1, 1))
    assert not checks.trusts(first.digest, (tmp_path / "file").stat())


def test_a_flipped_bit_fails_before_the_last_bytes_are_shown(tmp_path: Path, checks: Checks, bad: Bad) -> None:
    growth = checks.growth(subject(tmp_path, b"\1" + LARGE[1:], Digest.of(LARGE)))
    with pytest.raises(IntegrityError, match="damaged in the archive"):
        growth.wait(10)
    assert growth.ready <= len(LARGE) - HELD_BACK
    assert [went_out for _, went_out in bad] == [True]


def test_of_a_small_damaged_object_nothing_goes_out(tmp_path: Path, checks: Checks, bad: Bad) -> None:
    growth = checks.growth(subject(tmp_path, b"x" * 100_000, Digest.of(b"")))
    with pytest.raises(IntegrityError):
        growth.wait(10)
    assert growth.ready == 0
    assert [went_out for _, went_out in bad] == [False]


def test_twenty_readers_share_one_check(tmp_path: Path, checks: Checks) -> None:
    first = subject(tmp_path, LARGE * 4)
    growths = {id(checks.growth(first)) for _ in range(20)}
    assert len(growths) == 1 or checks.trusts(first.digest, first.status)


def sparse(folder: Path, name: bytes) -> Subject:
    """So large that its check does not end before somebody stops it."""
    path = folder / name.decode()
    path.touch()
    os.truncate(path, 4 << 30)
    descriptor = Descriptor.open(path)
    return Subject(Digest.of(name), Digest.of(name), descriptor, os.fstat(descriptor.fd))


def test_closing_in_the_middle_of_a_check_is_no_verdict(tmp_path: Path, checks: Checks, bad: Bad) -> None:
    # The second check notices that it is to end while closing is still busy with the first one.
    first, second = (checks.growth(sparse(tmp_path, name)) for name in (b"first", b"second"))
    closing, ended = threading.Event(), threading.Event()

    def first_changed() -> None:
        if first.state is not GrowthState.GROWING:
            closing.set()
            ended.wait(10)

    def second_changed() -> None:
        closing.wait(10)
        if second.state is not GrowthState.GROWING:
            ended.set()

    second.subscribe(second_changed)
    first.subscribe(first_changed)
    checks.close()
    assert ended.is_set()
    assert bad == []


def test_closing_ends_a_running_check(tmp_path: Path, checks: Checks, bad: Bad) -> None:
    growth = checks.growth(subject(tmp_path, LARGE * 20))
    checks.close()
    with pytest.raises(IntegrityError, match="closing"):
        growth.wait(10)
    assert bad == []
