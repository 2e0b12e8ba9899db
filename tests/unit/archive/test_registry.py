# SPDX-License-Identifier: MIT
"""What an archive knows of the environments that use it."""

import os
import time
from pathlib import Path

import pytest

from aptfreeze.archive.layout import Layout, prepare
from aptfreeze.archive.registry import Place, Registry
from aptfreeze.errors import IntegrityError

PRODUCT = Place("builder", "/srv/product", (8, 15))
OTHER = Place("builder", "/srv/other", (8, 16))
DAY_S = 24 * 3600


def made(folder: Path) -> tuple[Layout, Registry]:
    layout = prepare(folder, read_only=False)
    return layout, Registry(layout)


def about(layout: Layout) -> Path:
    return layout.environments / PRODUCT.key / "about.json"


def age(path: Path, seconds: float) -> None:
    then = time.time() - seconds
    os.utime(path, (then, then))


def test_an_environment_is_known_with_its_lock_file(tmp_path: Path) -> None:
    _, registry = made(tmp_path)
    held = registry.note(PRODUCT, b"first")
    [entry] = registry.entries()
    assert (entry.place, str(entry)) == (PRODUCT, "builder:/srv/product")
    [copy] = registry.copies(entry)
    assert (copy.name, copy.data, copy.is_held) == (entry.current, b"first", True)
    held.close()
    assert [copy.is_held for copy in registry.copies(entry)] == [False]


def test_each_place_is_an_environment_of_its_own(tmp_path: Path) -> None:
    _, registry = made(tmp_path)
    registry.note(PRODUCT, b"lock")
    registry.note(OTHER, b"lock")
    registry.note(Place("laptop", PRODUCT.path, PRODUCT.folder), b"lock")
    assert [str(each) for each in registry.entries()] == [
        "builder:/srv/other",
        "builder:/srv/product",
        "laptop:/srv/product",
    ]


def test_another_lock_file_becomes_the_current_one_and_the_first_stays(tmp_path: Path) -> None:
    layout, registry = made(tmp_path)
    registry.note(PRODUCT, b"first")
    age(next(about(layout).parent.glob("*.lock")), 10)
    registry.note(PRODUCT, b"second")
    [entry] = registry.entries()
    assert [copy.data for copy in registry.copies(entry)] == [b"second", b"first"]
    assert registry.copies(entry)[0].name == entry.current
    registry.note(PRODUCT, b"first")  # a rollback
    [entry] = registry.entries()
    assert registry.copies(entry)[1].name == entry.current


def test_what_is_known_already_is_not_written_again_for_a_day(tmp_path: Path) -> None:
    layout, registry = made(tmp_path)
    registry.note(PRODUCT, b"lock")
    age(about(layout), 0.9 * DAY_S)
    before = about(layout).stat()
    registry.note(PRODUCT, b"lock")
    assert (about(layout).stat().st_ino, about(layout).stat().st_mtime) == (before.st_ino, before.st_mtime)
    age(about(layout), 1.1 * DAY_S)
    registry.note(PRODUCT, b"lock")
    assert time.time() - about(layout).stat().st_mtime < DAY_S


def test_a_folder_that_was_seen_is_fresh_again(tmp_path: Path) -> None:
    layout, registry = made(tmp_path)
    registry.note(PRODUCT, b"lock")
    age(about(layout), 29 * DAY_S)
    [before] = registry.entries()
    registry.see(before)
    [after] = registry.entries()
    assert (after.seen - before.seen).days in (28, 29)
    assert (after.place, after.current) == (before.place, before.current)


def test_what_is_forgotten_is_gone_but_for_what_is_in_use(tmp_path: Path) -> None:
    layout, registry = made(tmp_path)
    registry.note(PRODUCT, b"first")
    held = registry.note(PRODUCT, b"second")
    [entry] = registry.entries()
    registry.forget(entry)
    assert [copy.data for copy in registry.copies(entry)] == [b"second"]
    assert registry.entries() == [entry]
    held.close()
    registry.forget(entry)
    assert list(layout.environments.iterdir()) == []


def test_single_copies_can_be_forgotten(tmp_path: Path) -> None:
    _, registry = made(tmp_path)
    registry.note(PRODUCT, b"first")
    registry.note(PRODUCT, b"second")
    [entry] = registry.entries()
    registry.forget(entry, frozenset({copy.name for copy in registry.copies(entry)} - {entry.current}))
    assert [copy.data for copy in registry.copies(entry)] == [b"second"]


def test_a_copy_that_was_removed_while_it_was_opened_is_written_again(tmp_path: Path) -> None:
    _, registry = made(tmp_path)
    registry.note(PRODUCT, b"lock")
    [entry] = registry.entries()
    registry.forget(entry)
    registry.note(PRODUCT, b"lock")
    assert [copy.data for copy in registry.copies(entry)] == [b"lock"]


def test_a_note_that_was_killed_before_its_end_still_counts(tmp_path: Path) -> None:
    layout, registry = made(tmp_path)
    registry.note(PRODUCT, b"lock")
    about(layout).write_bytes(b"")  # torn by a power cut
    [entry] = registry.entries()
    assert (entry.place, entry.current, str(entry)) == (None, "", PRODUCT.key)
    assert [copy.data for copy in registry.copies(entry)] == [b"lock"]
    age(next(about(layout).parent.glob("*.lock")), -DAY_S)
    assert registry.entries()[0].seen > entry.seen


def test_a_copy_that_is_damaged_is_an_error_until_it_is_written_anew(tmp_path: Path) -> None:
    layout, registry = made(tmp_path)
    registry.note(PRODUCT, b"lock")
    [copy] = about(layout).parent.glob("*.lock")
    copy.write_bytes(b"lo")
    [entry] = registry.entries()
    with pytest.raises(IntegrityError, match=r"\.lock is damaged"):
        registry.copies(entry)
    registry.note(PRODUCT, b"lock")
    assert [copy.data for copy in registry.copies(entry)] == [b"lock"]
