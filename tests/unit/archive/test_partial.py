# SPDX-License-Identifier: MIT
"""The partial file: one writer, resumption, discarding, and how others see each of it."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from aptfreeze.archive.objects import Objects
from aptfreeze.archive.partial import Partial
from aptfreeze.freeze.digest import Digest, Wanted
from support.users import acting_as, folder_of, only_root

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


@only_root
def test_what_was_killed_between_write_protection_and_rename_is_begun_anew() -> None:
    with folder_of(4001) as root, acting_as(4001):
        objects = Objects(root)
        with Partial(objects, WANTED) as killed:
            killed.append(DATA)
        objects.layout.partial(WANTED.digest).chmod(0o444)
        with Partial(objects, WANTED) as heir:
            assert heir.is_mine
            heir.inherit()
            heir.append(DATA[heir.have :])
            heir.install()
        assert objects.read(WANTED.digest) == DATA
        objects.close()


@only_root
def test_another_users_download_is_followed_and_replaced_when_it_was_left() -> None:
    with folder_of(4001, 0o2775, group=4100) as root:
        with acting_as(4001, group=4100):
            objects = Objects(root)
            theirs = Partial(objects, WANTED)
            theirs.append(DATA[:5])
        with acting_as(4002, group=4100), Partial(objects, WANTED) as follower:
            assert (follower.is_mine, follower.length) == (False, 5)
            theirs.close()
            assert follower.take_over()
            assert follower.inherit() == 0
            follower.append(DATA)
            follower.install()
        assert objects.read(WANTED.digest) == DATA
        objects.close()


def test_installed_objects_cannot_be_written(objects: Objects) -> None:
    with Partial(objects, WANTED) as mine:
        mine.append(DATA)
        assert mine.install() == WANTED.digest
    path = objects.path(WANTED.digest)
    assert path is not None
    assert path.stat().st_mode & 0o777 == 0o444
    assert not os.listdir(objects.layout.root / "partial")  # noqa: PTH208 - names only
