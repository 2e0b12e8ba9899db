# SPDX-License-Identifier: MIT
"""Where source packages are looked for, in which order, and what is fetched for it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from aptfreeze.describe.closure import Piece, folders_above, package_piece
from aptfreeze.describe.correspondence import Source
from aptfreeze.describe.obtaining import Obtaining
from aptfreeze.describe.sourcepackage import Chain, SourcePackage, Unfound
from aptfreeze.describe.sourcesearch import Demand, SourceSearch
from aptfreeze.environment.opened import Opened
from aptfreeze.fetch.opened import OpenArchive, open_archive
from aptfreeze.freeze.catalog import IndexEntry
from aptfreeze.freeze.digest import Digest, Wanted
from support.faults import Status
from support.keeping import fill, key_of, pin_of, pinned_environment
from support.origin import Origin
from support.repository import MakeRepository, Repository

HELLO: Source = ("hello", "1.0")
TOOL: Source = ("tool", "2.0")
LOST: Source = ("lost", "1.0")


@pytest.fixture
def repository(make_repository: MakeRepository) -> Repository:
    repository = make_repository(components=("main", "contrib"))
    repository.add_source("hello", "1.0")
    repository.add_source("extra", "1.0", component="contrib")
    repository.publish()
    return repository


@pytest.fixture
def updates(make_repository: MakeRepository) -> Repository:
    updates = make_repository("security", suite="bookworm-security", codename="bookworm-security")
    updates.add_source("tool", "2.0")
    updates.add_source("hello", "1.0", size=3000)
    updates.publish()
    return updates


@pytest.fixture
def opened(repository: Repository, updates: Repository, tmp_path: Path) -> Opened:
    opened = pinned_environment(tmp_path, repository, updates, configuration="[fetch]\nretries = 0")
    for each in (repository, updates):
        fill(opened.settings.archive.path, each, "InRelease")
    return opened


@pytest.fixture
def archive(opened: Opened) -> Iterator[OpenArchive]:
    with open_archive(opened.settings) as archive:
        yield archive


def binary(repository: Repository, path: str = "pool/main/h/hello/hello_1.0_amd64.deb") -> Piece:
    key = key_of(repository)
    entry = IndexEntry(Wanted(Digest.of(b"")), "hello", "1.0", "amd64")
    return package_piece((key, pin_of(repository)), folders_above(key), path, entry)


def searched(
    opened: Opened, archive: OpenArchive, binaries: list[Piece], *demands: Demand, forbidden_by: str | None = None
) -> list[SourcePackage | Unfound]:
    obtaining = Obtaining(opened, archive, lambda text: None, None, forbidden_by=forbidden_by)
    search = SourceSearch(obtaining, opened.store.load(), demands)
    search.run(binaries)
    return [search.answer(demand) for demand in demands]


def asked(origin: Origin) -> set[str]:
    """The folders of the Sources indexes that were asked for."""
    return {path.partition("/by-hash")[0].partition("/Sources")[0] for path in origin.asked()}


def test_only_the_component_of_the_binary_is_fetched_while_nothing_is_missing(
    opened: Opened, archive: OpenArchive, repository: Repository, origin: Origin
) -> None:
    (found,) = searched(opened, archive, [binary(repository)], Demand(key_of(repository), HELLO))

    assert isinstance(found, SourcePackage)
    assert (found.chain, found.suite) == (Chain.SIGNED, key_of(repository))
    assert asked(origin) == {"/debian/dists/bookworm/main/source"}


def test_the_suite_of_the_binary_comes_first(
    opened: Opened, archive: OpenArchive, repository: Repository, updates: Repository
) -> None:
    demands = [Demand(key_of(each), HELLO) for each in (repository, updates)]

    found = searched(opened, archive, [binary(repository), binary(updates)], *demands)

    assert [each.suite for each in found if isinstance(each, SourcePackage)] == [key_of(repository), key_of(updates)]


def test_all_pinned_suites_are_fetched_while_something_is_missing(
    opened: Opened, archive: OpenArchive, repository: Repository, updates: Repository, origin: Origin
) -> None:
    (found,) = searched(opened, archive, [binary(repository)], Demand(key_of(repository), TOOL))

    assert isinstance(found, SourcePackage)
    assert found.suite == key_of(updates)
    assert len(asked(origin)) == 3


def test_where_the_path_tells_no_component_all_of_the_suite_count(
    opened: Opened, archive: OpenArchive, repository: Repository, origin: Origin
) -> None:
    searched(opened, archive, [binary(repository, "pool/updates/main/h/x.deb")], Demand(key_of(repository), HELLO))

    assert len(asked(origin)) == 2


def test_for_what_may_lack_nobody_is_asked(
    opened: Opened, archive: OpenArchive, repository: Repository, origin: Origin
) -> None:
    (lost,) = searched(opened, archive, [binary(repository)], Demand(None, LOST, may_lack=True))

    assert lost == Unfound(("no Sources index of a pinned suite lists it",), True)
    assert len(asked(origin)) == 1


def test_what_could_not_be_looked_into_is_told(
    opened: Opened, archive: OpenArchive, repository: Repository, origin: Origin
) -> None:
    origin.inject("*/contrib/source/*", Status(500))

    (lost,) = searched(opened, archive, [binary(repository)], Demand(None, LOST))

    assert lost == Unfound(
        (
            "no Sources index of a pinned suite lists it",
            f"contrib/source/Sources of {key_of(repository)} could not be looked into",
            "no snapshot service is known for the pinned suites",
        ),
        False,
    )
    assert len([path for path in origin.asked() if "contrib" in path]) <= 4


def test_what_may_not_be_fetched_is_no_verdict(opened: Opened, archive: OpenArchive, repository: Repository) -> None:
    (hello,) = searched(
        opened, archive, [binary(repository)], Demand(key_of(repository), HELLO), forbidden_by="--check"
    )

    assert isinstance(hello, Unfound)
    assert hello.is_gone is None
    assert f"main/source/Sources of {key_of(repository)} could not be looked into" in hello.tried


def test_a_release_that_is_not_at_hand_is_told(repository: Repository, tmp_path: Path) -> None:
    opened = pinned_environment(tmp_path / "other", repository)
    with open_archive(opened.settings) as archive:
        (lost,) = searched(opened, archive, [], Demand(None, LOST))

    assert isinstance(lost, Unfound)
    assert f"the Release of {key_of(repository)} could not be looked into" in lost.tried
