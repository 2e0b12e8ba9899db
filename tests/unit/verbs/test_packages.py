# SPDX-License-Identifier: MIT
"""What an image consists of; what the runs of the current generation were served, and nothing of another one's."""

from pathlib import Path

import pytest

from aptfreeze.describe import listing
from aptfreeze.environment.opened import Opened
from aptfreeze.environment.records import Record
from aptfreeze.errors import IntegrityError, UsageError
from aptfreeze.freeze.digest import Digest
from aptfreeze.verbs.packages import packages
from support.describing import described_environment, image_of, shipped_repository, status
from support.keeping import NOW, served, used
from support.repository import MakeRepository, Repository


@pytest.fixture
def repository(make_repository: MakeRepository) -> Repository:
    return shipped_repository(make_repository)


@pytest.fixture
def opened(repository: Repository, tmp_path: Path) -> Opened:
    return described_environment(tmp_path, repository)


def names(opened: Opened, image: Path | None = None) -> list[str]:
    return [row["name"] for row in listing.rows(packages(opened, image))]


def test_the_union_over_the_sessions_of_this_generation(opened: Opened, repository: Repository) -> None:
    used(opened, repository, "hello", "data")
    used(opened, repository, "hello", "compiler")
    other = Record(opened.environment.records, "f" * 32, opened.process, NOW)
    other.served(served(repository, "libhello"))
    other.close(NOW, Digest.of(b"state"))

    assert names(opened) == ["compiler", "data", "hello"]


def test_a_session_that_was_served_nothing_is_an_answer(opened: Opened, repository: Repository) -> None:
    used(opened, repository)

    assert names(opened) == []


def test_no_session_and_no_image_is_an_error_and_never_an_empty_list(opened: Opened) -> None:
    with pytest.raises(IntegrityError, match=f"no run of generation {opened.store.load().id} is recorded"):
        packages(opened, None)


def test_an_image_is_read(opened: Opened, tmp_path: Path) -> None:
    assert names(opened, image_of(tmp_path, status("hello"), status("other"))) == ["hello", "other"]


def test_an_image_that_is_not_there_is_told(opened: Opened, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no"):
        packages(opened, tmp_path / "none")
