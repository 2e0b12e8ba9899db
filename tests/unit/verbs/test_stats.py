# SPDX-License-Identifier: MIT
"""An archive with two environments, counted."""

import os
import time
from pathlib import Path

import pytest

from aptfreeze.archive.objects import Objects
from aptfreeze.archive.survey import Amount
from aptfreeze.describe.stats import Stats
from aptfreeze.environment.known import open_archive_for
from aptfreeze.environment.opened import Opened
from aptfreeze.errors import UsageError
from aptfreeze.verbs.stats import stats
from support.archive import objects_of
from support.keeping import fill, pinned_environment, used
from support.repository import MakeRepository, Repository


@pytest.fixture
def shared(make_repository: MakeRepository) -> Repository:
    shared = make_repository("debian")
    shared.add("hello", "1.0")
    shared.add_source("hello", "1.0")
    shared.publish()
    return shared


@pytest.fixture
def second(make_repository: MakeRepository) -> Repository:
    second = make_repository("vendor")
    second.add("tool", "1.0", size=50_000)
    second.publish()
    return second


@pytest.fixture
def opened(shared: Repository, second: Repository, tmp_path: Path) -> Opened:
    """One environment needs both repositories, another one, which the archive knows, the first of them."""
    opened = pinned_environment(tmp_path / "one", shared, second)
    other = pinned_environment(tmp_path / "two", shared)
    with open_archive_for(other.store, opened.settings):
        for each in (shared, second):
            fill(opened.settings.archive.path, each)
    used(opened, shared, "hello")
    return opened


def counted(opened: Opened) -> Stats:
    return stats(opened, time.time())


def test_objects_by_what_they_are(opened: Opened, shared: Repository) -> None:
    Objects(opened.settings.archive.path).put(b"a stranger")

    found = counted(opened)

    objects = objects_of(opened.settings.archive.path).values()
    assert found.objects == Amount(len(objects), sum(path.stat().st_size for path in objects))
    assert found.kinds["pinned"].files == 2
    assert (found.kinds["packages"].files, found.kinds["sources"].files) == (2, 2)
    assert found.kinds["other"].size >= len(b"a stranger")
    assert found.free > 0


def test_what_environments_need_alone_and_together(opened: Opened, shared: Repository, second: Repository) -> None:
    one, two = counted(opened).shares

    assert (one.problem, two.problem) == ("", "")
    assert one.name == str(opened.environment.root)
    assert two.alone == Amount()
    assert one.needed.size - one.alone.size == two.needed.size
    assert one.alone.size >= second.file_of("tool").stat().st_size
    assert two.needed.size >= shared.file_of("hello").stat().st_size


def test_what_cannot_be_told_hides_only_itself(opened: Opened, shared: Repository) -> None:
    release = (shared.suite_folder / "InRelease").read_bytes()
    path = next(path for path in objects_of(opened.settings.archive.path).values() if path.read_bytes() == release)
    path.rename(opened.settings.archive.path / f"quarantine/{path.name}.0")

    found = counted(opened)

    assert ["in quarantine" in each.problem for each in found.shares] == [True, True]
    assert found.aside["quarantine"].files == 1


def test_growth_goes_by_the_time_when_objects_came(opened: Opened) -> None:
    paths = sorted(objects_of(opened.settings.archive.path).values())
    now = time.time()
    for path, days in zip(paths, (2, 10, 40), strict=False):
        os.utime(path, (now, now - days * 24 * 3600))

    growth = counted(opened).growth

    assert {name: len(paths) - amount.files for name, amount in growth.items()} == {"day": 3, "week": 2, "month": 1}


def test_sessions_are_those_of_the_environment(opened: Opened) -> None:
    [session] = counted(opened).sessions

    assert (session.command, session.packages, session.has_ended) == ("a test", 1, True)


def test_a_folder_that_is_no_archive(opened: Opened) -> None:
    (opened.settings.archive.path / "version").unlink()

    with pytest.raises(UsageError, match="is no aptfreeze archive"):
        counted(opened)
