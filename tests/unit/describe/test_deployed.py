# SPDX-License-Identifier: MIT
"""Installed packages, found again in the pinned suites."""

from pathlib import Path

import pytest

from aptfreeze.deb.installed import Installed
from aptfreeze.describe.deployed import Deployment, deployment, exempted
from aptfreeze.environment import records
from aptfreeze.environment.opened import Opened
from aptfreeze.errors import OfflineError
from aptfreeze.fetch.opened import open_archive
from aptfreeze.settings import Exemption, Lack
from support.keeping import fill, key_of, pinned_environment, used
from support.origin import Origin
from support.repository import MakeRepository, Repository


def package(name: str, version: str = "1.0", architecture: str = "amd64", source: str = "") -> Installed:
    return Installed(name, version, architecture, source or name, version)


@pytest.fixture
def repository(make_repository: MakeRepository) -> Repository:
    repository = make_repository()
    repository.add("hello", "1.0")
    repository.add("rebuilt", "2-1+b1", Source="rebuilt (2-1)")
    repository.add("data", "1.0", architecture="all")
    repository.publish()
    return repository


@pytest.fixture
def updates(make_repository: MakeRepository) -> Repository:
    updates = make_repository("a-security", suite="bookworm-security", codename="bookworm-security")
    updates.add("hello", "1.0", size=3000)
    updates.add("tool", "1.1")
    updates.publish()
    return updates


@pytest.fixture
def opened(repository: Repository, updates: Repository, tmp_path: Path) -> Opened:
    return pinned_environment(tmp_path, repository, updates)


def found(opened: Opened, *packages: Installed, offline: bool = True) -> Deployment:
    generation = opened.store.load()
    usage = records.load(opened.environment.records, generation.id)
    with open_archive(opened.settings) as archive:
        return deployment(archive.lookup(offline=offline), generation, usage, packages, {"amd64"})


def fill_both(opened: Opened, repository: Repository, updates: Repository) -> None:
    for each in (repository, updates):
        fill(opened.settings.archive.path, each)


def test_each_package_has_the_file_that_its_suite_lists(
    opened: Opened, repository: Repository, updates: Repository
) -> None:
    fill_both(opened, repository, updates)

    deployed = found(opened, package("rebuilt", "2-1+b1"), package("data", architecture="all"), package("tool", "1.1"))

    pieces = [each.piece for each in deployed.packages]
    assert [(piece.name, piece.suite) for piece in pieces if piece] == [
        ("rebuilt 2-1+b1 amd64", key_of(repository)),
        ("data 1.0 all", key_of(repository)),
        ("tool 1.1 amd64", key_of(updates)),
    ]
    assert pieces[0]
    assert pieces[0].entry
    assert (pieces[0].entry.source, pieces[0].entry.source_version) == ("rebuilt", "2-1")
    assert pieces[0].forms[0].wanted.digest.hex == repository.binary("rebuilt").sha256
    assert deployed.unread == ()


@pytest.mark.parametrize(
    "stranger", [package("local"), package("hello", "0.9"), package("hello", "1.0", "arm64"), package("hell", "1.0")]
)
def test_what_no_suite_lists_is_unknown(
    opened: Opened, repository: Repository, updates: Repository, stranger: Installed
) -> None:
    fill_both(opened, repository, updates)

    deployed = found(opened, package("data", architecture="all"), stranger)

    assert [each.package for each in deployed.unknown] == [stranger]


def test_of_what_is_unknown_the_near_ones_are_told_each_once(make_repository: MakeRepository, tmp_path: Path) -> None:
    twice = make_repository(components=("main", "more"))
    twice.add("hello", "1.0")
    twice.add("hello", "1.0", component="more", filename=twice.binary("hello").path)
    twice.publish()
    opened = pinned_environment(tmp_path, twice)
    fill(opened.settings.archive.path, twice)

    (hello,) = found(opened, package("hello", "0.9")).unknown

    assert [piece.name for piece in hello.near] == ["hello 1.0 amd64"]


def test_of_two_files_the_one_that_was_served_counts(
    opened: Opened, repository: Repository, updates: Repository
) -> None:
    fill_both(opened, repository, updates)
    (unserved,) = found(opened, package("hello")).packages
    assert not unserved.is_served
    used(opened, repository, "hello")

    (hello,) = found(opened, package("hello")).packages

    assert hello.is_served
    assert hello.piece
    assert hello.piece.suite == key_of(repository)
    assert [piece.suite for piece in hello.others] == [key_of(updates)]


def test_offline_an_index_that_is_missing_is_told_unless_all_is_found_without_it(
    opened: Opened, repository: Repository, updates: Repository
) -> None:
    fill(opened.settings.archive.path, repository)
    fill(opened.settings.archive.path, updates, "InRelease")

    assert found(opened, package("hello")).unread == ()
    (unread,) = found(opened, package("tool", "1.1")).unread

    assert (unread.key, unread.path) == (key_of(updates), "main/binary-amd64/Packages")
    assert isinstance(unread.error, OfflineError)


def test_a_release_that_is_missing_is_told(opened: Opened, repository: Repository, updates: Repository) -> None:
    fill(opened.settings.archive.path, repository)

    (unread,) = found(opened, package("hello")).unread

    assert (unread.key, unread.path) == (key_of(updates), "")


def test_indexes_are_fetched_only_while_something_is_not_found(
    opened: Opened, repository: Repository, updates: Repository, origin: Origin
) -> None:
    fill(opened.settings.archive.path, repository)
    fill(opened.settings.archive.path, updates, "InRelease")
    origin.forget()

    found(opened, package("hello"), offline=False)
    assert origin.asked() == []

    deployed = found(opened, package("tool", "1.1"), offline=False)
    assert deployed.unknown == []
    (asked,) = origin.asked()
    assert "/main/binary-amd64/" in asked


def test_an_exception_is_for_a_binary_or_for_all_of_a_source() -> None:
    ours = Exemption("ours", frozenset({Lack.ORIGIN}), "built here")
    dated = Exemption("tool", frozenset({Lack.ORIGIN, Lack.SOURCE}), "lost", "1.0")

    def reason(installed: Installed, lack: Lack = Lack.ORIGIN) -> str | None:
        exemption = exempted((ours, dated), installed, lack)
        return exemption.reason if exemption else None

    assert reason(package("ours", "7")) == "built here"
    assert reason(package("ours-doc", source="ours")) == "built here"
    assert reason(package("ours"), Lack.SOURCE) is None
    assert reason(package("tool", "1.0"), Lack.SOURCE) == "lost"
    assert reason(package("tool", "1.1")) is None
    assert reason(Installed("tool", "1.0+b1", "amd64", "tool", "1.0")) == "lost"
    assert reason(package("other")) is None
