# SPDX-License-Identifier: MIT
"""Having pieces in the archive; tests/unit/verbs/test_fetch.py has what comes of whole generations."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from aptfreeze.describe import closure
from aptfreeze.describe.obtaining import Obtaining
from aptfreeze.environment.opened import Opened
from aptfreeze.fetch.opened import OpenArchive, open_archive
from support.keeping import fill, pinned_environment
from support.origin import Origin
from support.repository import Repository


@pytest.fixture
def opened(repository: Repository, tmp_path: Path) -> Opened:
    return pinned_environment(tmp_path, repository)


@pytest.fixture
def archive(opened: Opened) -> Iterator[OpenArchive]:
    with open_archive(opened.settings) as archive:
        yield archive


def obtaining(opened: Opened, archive: OpenArchive, told: list[str], forbidden_by: str | None = None) -> Obtaining:
    return Obtaining(opened, archive, told.append, None, forbidden_by=forbidden_by)


def test_what_is_missing_comes_and_is_counted(opened: Opened, archive: OpenArchive) -> None:
    told: list[str] = []
    having = obtaining(opened, archive, told)

    having.have(list(closure.roots(opened.store.load())), is_announced=True)

    assert (having.files, having.fetched, having.lacking) == (1, 1, [])
    assert told == ["fetching 1 of 1 file: 0 bytes"]


def test_what_is_held_is_not_asked_for(
    opened: Opened, archive: OpenArchive, repository: Repository, origin: Origin
) -> None:
    fill(opened.settings.archive.path, repository)
    having = obtaining(opened, archive, [])

    having.have(list(closure.roots(opened.store.load())), is_announced=True)

    assert (having.files, having.fetched) == (1, 0)
    assert origin.asked() == []


def test_who_forbids_to_fetch_is_named(opened: Opened, archive: OpenArchive, origin: Origin) -> None:
    having = obtaining(opened, archive, [], forbidden_by="--check")

    having.have(list(closure.roots(opened.store.load())))

    [lacking] = having.lacking
    assert lacking.reason == "it is not in the archive, and --check forbids to fetch it"
    assert (lacking.is_gone, having.missing, origin.asked()) == (None, 1, [])
