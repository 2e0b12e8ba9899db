# SPDX-License-Identifier: MIT
"""Objects that were put out of the way."""

from pathlib import Path

import pytest

from aptfreeze.archive.condemned import Condemned
from aptfreeze.archive.layout import Layout
from aptfreeze.archive.objects import Objects
from aptfreeze.errors import StorageError
from aptfreeze.freeze.digest import Digest
from support.archive import every_object_verifies
from support.users import acting_as, folder_of, only_root

DATA = b"data"
NAME = Digest.of(DATA)
RAW = bytes.fromhex(NAME.hex)


@pytest.fixture
def objects(tmp_path: Path) -> Objects:
    objects = Objects(tmp_path)
    objects.put(DATA)
    return objects


@pytest.fixture
def condemned(objects: Objects) -> Condemned:
    """With one object in it."""
    condemned = Condemned(objects.layout)
    condemned.condemn(RAW, 1000)
    assert not objects.layout.object(NAME).exists()
    return condemned


def test_what_is_looked_for_is_in_its_place_again(objects: Objects, condemned: Condemned) -> None:
    assert [sha256 for sha256, _ in condemned.names()] == [RAW]
    assert objects.has(NAME)
    assert objects.read(NAME) == DATA
    assert list(condemned.names()) == []
    assert every_object_verifies(objects.layout.root) == 1


def test_what_nobody_has_is_not_found(objects: Objects, condemned: Condemned) -> None:
    assert not objects.has(Digest.of(b"another"))


def test_what_is_let_go_is_found_no_more_and_deleted(objects: Objects, condemned: Condemned) -> None:
    condemned.let_go(before=1000)
    assert list(condemned.delete()) == []
    condemned.let_go(before=1001)
    assert not objects.has(NAME)
    assert list(condemned.delete()) == [(RAW, len(DATA))]
    assert list(objects.layout.condemned.iterdir()) == []


def test_what_is_needed_after_all_is_taken_back_even_then(objects: Objects, condemned: Condemned) -> None:
    condemned.let_go(before=1001)
    condemned.take_back(RAW)
    assert objects.has(NAME)
    assert list(condemned.delete()) == []


def test_what_came_anew_meanwhile_is_not_replaced(objects: Objects, condemned: Condemned) -> None:
    objects.put(DATA)
    place = objects.layout.object(NAME).stat().st_ino
    condemned.take_back(RAW)
    assert objects.layout.object(NAME).stat().st_ino == place


def test_what_is_gone_cannot_be_condemned(objects: Objects) -> None:
    condemned = Condemned(objects.layout)
    condemned.condemn(bytes(32), 1000)
    assert list(condemned.names()) == []


def test_files_that_are_no_objects_are_passed_over(objects: Objects, condemned: Condemned) -> None:
    (objects.layout.condemned / "1000" / "README").touch()
    (objects.layout.condemned / "notes").mkdir()
    assert [sha256 for sha256, _ in condemned.names()] == [RAW]


def test_what_cannot_be_moved_is_a_storage_error_and_stays(objects: Objects) -> None:
    (objects.layout.condemned / "1000").touch()  # a file where a folder belongs
    with pytest.raises(StorageError):
        Condemned(objects.layout).condemn(RAW, 1000)
    assert objects.layout.object(NAME).exists()


@only_root
def test_who_can_only_read_an_archive_reads_what_was_condemned() -> None:
    with folder_of(4001) as root:
        objects = Objects(root)
        objects.put(DATA)
        Objects(root).close()  # Python's own files may be out of reach for others: it has read what it needs now
        Condemned(Layout(root)).condemn(RAW, 1000)
        with acting_as(4002):
            assert Objects(root).read(NAME) == DATA
        assert not objects.layout.object(NAME).exists()
