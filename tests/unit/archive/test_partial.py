# SPDX-License-Identifier: MIT
"""The partial file: one writer, resumption, discarding, and how others see each of it."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from aptfreeze.archive.objects import Objects
from aptfreeze.archive.partial import Partial
from aptfreeze.freeze.digest import Digest, Wanted

DATA = b"the bytes of a package"
WANTED = Wanted(Digest.of(DATA), len(DATA))


@pytest.fixture
def objects(tmp_path: Path) -> Iterator[Objects]:
    objects = Objects(tmp_path)
    yield objects
    objects.close()


def test_only_one_can_write(objects: Objects) -> None:
    with Partial(objects, WANTED) as mine, Partial(objects, WANTED) as other:
        assert (mine.is_mine, other.is_mine) == (True, False)
        mine.append(DATA[:5])
        assert other.length == 5
        assert not other.take_over()


def test_who_comes_after_a_killed_one_goes_on_behind_its_bytes(objects: Objects) -> None:
    with Partial(objects, WANTED) as killed:
        killed.append(DATA[:5])
    with Partial(objects, WANTED) as heir:
        assert heir.inherit() == 5
        heir.append(DATA[5:])
        assert heir.objection() is None
        assert heir.contributors == {"an earlier download"}
        heir.install()
    assert objects.read(WANTED.digest) == DATA


def test_a_follower_takes_over_from_a_dead_writer(objects: Objects) -> None:
    killed, follower = Partial(objects, WANTED), Partial(objects, WANTED)
    killed.append(DATA[:5])
    killed.close()
    assert follower.take_over()
    assert follower.is_named
    assert follower.inherit() == 5
    follower.close()


def test_a_follower_sees_that_the_file_became_the_object(objects: Objects) -> None:
    with Partial(objects, WANTED) as mine, Partial(objects, WANTED) as follower:
        mine.append(DATA)
        before = follower.became_object
        mine.install()
        mine.close()
        assert follower.take_over()
        assert not follower.is_named
        assert (before, follower.became_object) == (False, True)
        assert not follower.is_discarded


def test_a_follower_sees_that_the_bytes_were_wrong(objects: Objects) -> None:
    with Partial(objects, WANTED) as mine, Partial(objects, WANTED) as follower:
        mine.append(b"wrong")
        mine.discard()
        assert mine.have == 0
        assert follower.is_discarded
        with Partial(objects, WANTED) as newcomer:
            assert not newcomer.is_mine  # the lock was not let go in between
            assert not newcomer.is_discarded


def test_an_inherited_file_that_is_too_long_is_thrown_away(objects: Objects) -> None:
    with Partial(objects, WANTED) as killed:
        killed.append(DATA + b"more")
    with Partial(objects, WANTED) as heir:
        assert heir.inherit() == 0
        assert heir.length == 0


def test_installed_objects_cannot_be_written(objects: Objects) -> None:
    with Partial(objects, WANTED) as mine:
        mine.append(DATA)
        assert mine.install() == WANTED.digest
    path = objects.path(WANTED.digest)
    assert path is not None
    assert path.stat().st_mode & 0o777 == 0o444
    assert not os.listdir(objects.layout.root / "partial")  # noqa: PTH208 - names only
