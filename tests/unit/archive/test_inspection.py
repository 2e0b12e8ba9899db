# SPDX-License-Identifier: MIT
"""Checking all of an archive, in threads, and going on where it was interrupted."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from aptfreeze.archive import checkpoint
from aptfreeze.archive.inspection import Inspection
from aptfreeze.archive.objects import Objects
from aptfreeze.freeze.digest import Digest
from support.archive import objects_of, rot

NOW = datetime(2026, 11, 24, 7, tzinfo=UTC)
COUNT = 700


@pytest.fixture
def objects(tmp_path: Path) -> Objects:
    objects = Objects(tmp_path)
    for number in range(COUNT):
        objects.put(b"object %d" % number)
    return objects


def inspected(objects: Objects, inspection: Inspection | None = None) -> Inspection:
    inspection = inspection or Inspection(objects.layout, None, NOW)
    inspection.run()
    return inspection


def faulty(inspection: Inspection) -> list[str]:
    return [Path(each.file).name for each in inspection.faults]


def test_everything_is_counted_and_what_is_wrong_is_told_in_order(objects: Objects) -> None:
    rotten = sorted(Digest.of(b"object %d" % number).hex for number in (1, 22, 333))
    for name in rotten:
        rot(objects.layout.root, name, 0)

    inspection = inspected(objects)

    counts = inspection.reached.counts
    assert (counts.objects, counts.writable) == (COUNT, 3)
    assert counts.size == sum(len(b"object %d" % number) for number in range(COUNT)) == inspection.reading.size
    assert faulty(inspection) == rotten
    saved = checkpoint.load(objects.layout, NOW)
    assert saved is not None
    assert (saved.is_finished, [Path(each).name for each in saved.suspects]) == (True, rotten)


class Interrupted(Inspection):
    """After so many files."""

    left = 0

    def _take(self, file: str, found: object) -> None:
        if not self.left:
            raise KeyboardInterrupt
        self.left -= 1
        super()._take(file, found)  # type: ignore[arg-type]  # as it came


@pytest.mark.parametrize("done", [0, 1, 100, 400, COUNT - 1])
def test_an_interrupted_check_goes_on_and_finds_what_one_finds(objects: Objects, done: int) -> None:
    rotten = sorted(Digest.of(b"object %d" % number).hex for number in range(0, COUNT, 70))
    for name in rotten:
        rot(objects.layout.root, name, 0)
    interrupted = Interrupted(objects.layout, None, NOW)
    interrupted.left = done
    with pytest.raises(KeyboardInterrupt):
        interrupted.run()

    begun = checkpoint.load(objects.layout, NOW)
    assert begun is not None
    again = inspected(objects, Inspection(objects.layout, begun, NOW))

    assert faulty(again) == rotten
    assert again.reached.counts == inspected(objects).reached.counts
    assert again.reading.size < sum(len(b"object %d" % number) for number in range(COUNT)) or done < 10


def test_what_was_put_right_meanwhile_is_no_fault_any_more(objects: Objects) -> None:
    first = Digest.of(b"object 1")
    rot(objects.layout.root, first.hex, 0)
    inspected(objects)
    begun = checkpoint.load(objects.layout, NOW)
    Objects(objects.layout.root).put(b"object 1")

    assert inspected(objects, Inspection(objects.layout, begun, NOW)).faults == []


def test_objects_may_come_and_go_meanwhile(objects: Objects) -> None:
    class Living(Inspection):
        def _take(self, file: str, found: object) -> None:
            number = self.reached.counts.objects
            objects.put(b"new %d" % number)
            objects.layout.object(Digest.of(b"object %d" % number)).unlink(missing_ok=True)
            super()._take(file, found)  # type: ignore[arg-type]  # as it came

    living = Living(objects.layout, None, NOW)
    living.run()

    assert living.faults == []


def test_nothing_is_written_if_it_is_not_to_be_saved(objects: Objects) -> None:
    inspected(objects, Inspection(objects.layout, None, NOW, is_saved=False))

    assert not (objects.layout.root / "fsck.json").exists()
    assert len(objects_of(objects.layout.root)) == COUNT
