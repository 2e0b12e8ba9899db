# SPDX-License-Identifier: MIT
"""What an interrupted check leaves for the next one."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from aptfreeze.archive.checkpoint import Checkpoint, Counts, load, remove, save
from aptfreeze.archive.layout import Layout, prepare

NOW = datetime(2026, 11, 24, 7, tzinfo=UTC)
CHECKPOINT = Checkpoint(NOW, "objects/sha256/ab/\udce9", False, Counts(objects=3, size=7), ("objects/x",))


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return prepare(tmp_path, read_only=False)


def test_what_was_saved_is_loaded_until_it_is_removed(layout: Layout) -> None:
    assert load(layout, NOW) is None
    save(layout, CHECKPOINT)
    assert load(layout, NOW) == CHECKPOINT
    save(layout, replace(CHECKPOINT, is_finished=True))
    assert load(layout, NOW) == replace(CHECKPOINT, is_finished=True)
    remove(layout)
    assert load(layout, NOW) is None
    remove(layout)


@pytest.mark.parametrize(("age", "counts"), [(timedelta(days=7), True), (timedelta(days=7, seconds=1), False)])
def test_one_of_more_than_a_week_ago_counts_as_none(layout: Layout, age: timedelta, counts: bool) -> None:
    save(layout, CHECKPOINT)

    assert (load(layout, NOW + age) is not None) is counts


def test_one_of_the_future_counts_as_none(layout: Layout) -> None:
    save(layout, CHECKPOINT)

    assert load(layout, NOW - timedelta(hours=1)) is None


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[]", "[" * 100_000, "null", '{"version": 2}', '{"version": 1, "began": "2026", "counts": {"x": 1}}'],
)
def test_one_that_cannot_be_read_counts_as_none(layout: Layout, text: str) -> None:
    (layout.root / "fsck.json").write_text(text)

    assert load(layout, NOW) is None


def test_one_of_a_later_version_with_more_counts_counts_as_none(layout: Layout) -> None:
    save(layout, CHECKPOINT)
    path = layout.root / "fsck.json"
    record = json.loads(path.read_text())
    record["counts"]["more"] = 1
    path.write_text(json.dumps(record))

    assert load(layout, NOW) is None


def test_one_that_cannot_be_written_is_not_written(layout: Layout) -> None:
    (layout.root / "tmp").rmdir()

    save(layout, CHECKPOINT)

    assert load(layout, NOW) is None
