# SPDX-License-Identifier: MIT
"""What nobody goes on with."""

import time
from pathlib import Path

import pytest

from aptfreeze.archive.holdings import look
from aptfreeze.archive.leftovers import Leaving, Leftover, Leftovers, remove
from aptfreeze.archive.objects import Objects
from aptfreeze.archive.partial import Partial
from aptfreeze.errors import StorageError
from aptfreeze.freeze.digest import Algorithm, Digest, Wanted

DAY_S = 24 * 3600
NAME, OTHER = Digest.of(b"object"), Digest.of(b"another")
ALIAS = Digest(Algorithm.SHA512, "5" * 128)


@pytest.fixture
def objects(tmp_path: Path) -> Objects:
    return Objects(tmp_path)


def left(objects: Objects, days: float) -> Leftovers:
    return Leftovers(objects.layout, look(objects.layout), time.time() + days * DAY_S)


def kinds(found: list[Leftover]) -> list[Leaving]:
    return [each.kind for each in found]


def test_files_of_killed_processes_go_after_a_day(objects: Objects) -> None:
    objects.layout.partial(NAME).write_bytes(b"half")
    objects.layout.temporary().write_bytes(b"1")
    (objects.layout.root / "tmp" / "folder").mkdir()
    assert list(left(objects, 0.9).files()) == []
    found = list(left(objects, 1.1).files())
    assert kinds(found) == [Leaving.PARTIAL, Leaving.TEMPORARY]
    assert [each.size for each in found] == [4, 1]
    assert all(remove(objects.layout, each) for each in found)
    assert not any(remove(objects.layout, each) for each in found)


def test_a_download_that_runs_stays(objects: Objects) -> None:
    with Partial(objects, Wanted(NAME)):
        [found] = left(objects, 1.1).files()
        assert not remove(objects.layout, found)
        assert found.path.exists()


def test_damaged_objects_go_when_they_were_replaced_or_after_thirty_days(objects: Objects) -> None:
    objects.layout.quarantined(NAME).touch()
    assert list(left(objects, 29).files()) == []
    assert kinds(list(left(objects, 31).files())) == [Leaving.DAMAGED]
    objects.put(b"object")
    assert kinds(list(left(objects, 0.1).files())) == [Leaving.DAMAGED]


def test_other_names_go_with_their_objects(objects: Objects) -> None:
    objects.put(b"object")
    objects.layout.write(objects.layout.alias(ALIAS), NAME.hex.encode())
    assert list(left(objects, 2).aliases()) == []
    objects.layout.object(NAME).unlink()
    assert list(left(objects, 0.9).aliases()) == []
    [found] = left(objects, 1.1).aliases()
    assert (found.kind, found.path) == (Leaving.ALIAS, objects.layout.alias(ALIAS))


def test_tables_go_that_are_old_enough(objects: Objects) -> None:
    objects.layout.index(NAME).touch()
    assert list(left(objects, 0.5).tables([NAME, OTHER], DAY_S)) == []
    assert kinds(list(left(objects, 0.5).tables([NAME, OTHER], 0))) == [Leaving.TABLE]


def test_what_cannot_be_removed_is_a_storage_error(objects: Objects) -> None:
    with pytest.raises(StorageError):
        remove(objects.layout, Leftover(Leaving.TABLE, objects.layout.root / "tmp", 0))
