# SPDX-License-Identifier: MIT
"""What is meant by a wish, in a generation of which the archive has everything."""

from pathlib import Path

import pytest

from aptfreeze.describe.extent import Extent, Wish, refuse_unknown
from aptfreeze.environment import records
from aptfreeze.environment.opened import Opened
from aptfreeze.environment.records import Usage
from aptfreeze.errors import IntegrityError
from aptfreeze.fetch.opened import open_archive
from aptfreeze.freeze.generation import Generation
from support.keeping import NOW, fill, pinned_environment, used
from support.repository import MakeRepository, Repository


@pytest.fixture
def repository(make_repository: MakeRepository) -> Repository:
    """`hello` with its source, `tool` whose source nobody has, and `other`."""
    repository = make_repository()
    repository.add("hello", "1.0")
    repository.add("tool", "2.0")
    repository.add("other", "1.0")
    repository.add_source("hello", "1.0")
    repository.add_source("other", "1.0")
    repository.publish()
    return repository


@pytest.fixture
def opened(repository: Repository, tmp_path: Path) -> Opened:
    opened = pinned_environment(tmp_path, repository)
    used(opened, repository, "hello", "tool")
    fill(opened.settings.archive.path, repository)
    return opened


def meant(opened: Opened, wish: Wish) -> tuple[list[str], list[str]]:
    """Names of the packages, and of the sources that nobody lists."""
    generation = opened.store.load()
    usage = records.load(opened.environment.records, generation.id)
    with open_archive(opened.settings) as archive:
        extent = Extent(archive.lookup(offline=True), generation, usage, frozenset({"amd64"}), wish)
        packages, unlisted = extent.packages(extent.suites())
    return sorted(piece.name for piece in packages), [each.name for each in unlisted]


def test_used_is_what_sessions_were_served(opened: Opened) -> None:
    assert meant(opened, Wish()) == (["hello 1.0 amd64", "tool 2.0 amd64"], [])


def test_all_is_what_the_indexes_list(opened: Opened) -> None:
    assert meant(opened, Wish(is_all=True)) == (["hello 1.0 amd64", "other 1.0 amd64", "tool 2.0 amd64"], [])


def test_sources_are_those_of_the_binaries_and_who_has_none_is_told(opened: Opened) -> None:
    names, unlisted = meant(opened, Wish(with_sources=True))

    assert [name for name in names if "amd64" not in name] == ["hello 1.0 hello_1.0.dsc", "hello 1.0 hello_1.0.tar.xz"]
    assert unlisted == ["tool"]


def test_where_nothing_is_known_it_is_refused(opened: Opened, tmp_path: Path) -> None:
    generation = opened.store.load()

    refuse_unknown(generation, Usage(), Wish(is_all=True), tmp_path, "fetch")
    with pytest.raises(IntegrityError, match="no run of generation") as unknown:
        refuse_unknown(generation, Usage(), Wish(), tmp_path, "fetch")
    assert "or fetch all that the indexes list with --all" in str(unknown.value)
    with pytest.raises(IntegrityError, match="there is nothing to export"):
        refuse_unknown(Generation(generation.id, NOW), Usage(), Wish(is_all=True), tmp_path, "export")
