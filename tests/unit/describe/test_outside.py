# SPDX-License-Identifier: MIT
"""Source packages that only a snapshot service has."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from aptfreeze.describe.correspondence import Source
from aptfreeze.describe.obtaining import Obtaining
from aptfreeze.describe.outside import OutsideSearch
from aptfreeze.describe.sourcepackage import Chain, SourcePackage, Unfound
from aptfreeze.environment.opened import Opened
from aptfreeze.fetch.opened import OpenArchive, open_archive
from aptfreeze.fetch.states import Archive
from support.archive import objects_of
from support.faults import Status
from support.keeping import pinned_environment
from support.packages import Source as Made
from support.repository import Repository
from support.signing import SigningKey
from support.snapshot import SnapshotService

HELLO: Source = ("hello", "1:1.0")


@pytest.fixture
def old(tmp_path: Path, signing_key: SigningKey) -> Repository:
    old = Repository(tmp_path / "old", signing_key)
    old.add_source(*HELLO)
    old.publish()
    return old


@pytest.fixture
def service(tmp_path: Path, old: Repository) -> Iterator[SnapshotService]:
    with SnapshotService(tmp_path / "snapshot") as service:
        service.keep("debian", old.root, old.date)
        yield service


@pytest.fixture
def opened(tmp_path: Path, repository: Repository) -> Opened:
    return pinned_environment(tmp_path / "product", repository, configuration="[fetch]\nretries = 0")


@pytest.fixture
def archive(opened: Opened) -> Iterator[OpenArchive]:
    with open_archive(opened.settings) as archive:
        yield archive


def found(
    opened: Opened, archive: OpenArchive, service: SnapshotService | None, *, forbidden_by: str | None = None
) -> SourcePackage | Unfound:
    obtaining = Obtaining(opened, archive, lambda text: None, None, forbidden_by=forbidden_by)
    archives = [Archive(service.archive_url("debian"))] if service else []
    return OutsideSearch(obtaining, archives).find([HELLO])[HELLO]


def test_its_description_comes_and_tells_the_other_files(
    opened: Opened, archive: OpenArchive, service: SnapshotService, old: Repository
) -> None:
    package = found(opened, archive, service)

    assert isinstance(package, SourcePackage)
    assert (package.chain, package.suite) == (Chain.SNAPSHOT, None)
    assert {piece.forms[0].relative: piece.forms[0].wanted.digest.hex for piece in package.pieces} == (
        old.sources["hello"].sha256
    )
    assert old.sources["hello"].sha256["hello_1.0.dsc"] in objects_of(opened.settings.archive.path)


def test_what_was_found_once_is_known(opened: Opened, archive: OpenArchive, service: SnapshotService) -> None:
    first = found(opened, archive, service)
    service.stop()

    again = found(opened, archive, None, forbidden_by="--offline")

    assert isinstance(first, SourcePackage)
    assert isinstance(again, SourcePackage)
    assert [piece.forms for piece in again.pieces] == [piece.forms for piece in first.pieces]


@pytest.mark.parametrize(
    ("forbidden_by", "told", "is_gone"),
    [
        ("--check", "--check forbids to ask a snapshot service", None),
        (None, "no snapshot service is known for the pinned suites", True),
    ],
)
def test_nobody_is_asked(
    opened: Opened, archive: OpenArchive, forbidden_by: str | None, told: str, is_gone: bool | None
) -> None:
    assert found(opened, archive, None, forbidden_by=forbidden_by) == Unfound((told,), is_gone)


def test_a_service_that_fails_may_have_it_another_time(
    opened: Opened, archive: OpenArchive, service: SnapshotService
) -> None:
    service.inject("*srcfiles*", Status(500))

    unfound = found(opened, archive, service)

    assert isinstance(unfound, Unfound)
    assert unfound.is_gone is False


def test_a_description_that_cannot_be_had(opened: Opened, archive: OpenArchive, service: SnapshotService) -> None:
    service.inject("/file/*", Status(404))

    unfound = found(opened, archive, service)

    assert isinstance(unfound, Unfound)
    assert unfound.is_gone is True
    assert "404" in unfound.tried[0]


@pytest.mark.parametrize("content", [b"no description at all", Made("other", "1.0").build()["other_1.0.dsc"]])
def test_a_description_of_something_else_is_none(
    opened: Opened, archive: OpenArchive, old: Repository, tmp_path: Path, content: bytes
) -> None:
    (old.root / "pool/main/h/hello/hello_1.0.dsc").write_bytes(content)
    with SnapshotService(tmp_path / "other") as service:
        service.keep("debian", old.root, old.date)

        unfound = found(opened, archive, service)

    assert isinstance(unfound, Unfound)
    assert "is not its .dsc" in unfound.tried[0]
