# SPDX-License-Identifier: MIT
"""What a snapshot service says of a source package."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from aptfreeze.archive.objects import Objects
from aptfreeze.errors import MissingUpstreamError, UpstreamError
from aptfreeze.fetch.download import Downloads
from aptfreeze.fetch.snapshot_files import Memory
from aptfreeze.fetch.source_copies import description_of, source_copies, usual_name
from aptfreeze.fetch.states import Archive, Copy
from aptfreeze.settings import FetchSettings
from support.faults import Status
from support.repository import Repository
from support.signing import SigningKey
from support.snapshot import SnapshotService


@pytest.fixture
def service(tmp_path: Path, signing_key: SigningKey) -> Iterator[SnapshotService]:
    repository = Repository(tmp_path / "repository", signing_key)
    repository.add_source("hello", "1:1.0")
    repository.publish()
    with SnapshotService(tmp_path / "snapshot") as service:
        service.keep("debian", repository.root, repository.date)
        yield service


@pytest.fixture
def downloads(tmp_path: Path) -> Iterator[Downloads]:
    downloads = Downloads(Objects(tmp_path / "archive"), FetchSettings(retries=0))
    yield downloads
    downloads.close()


def asked(downloads: Downloads, service: SnapshotService, name: str, memory: Memory | None = None) -> tuple[Copy, ...]:
    archive = Archive(service.archive_url("debian"))
    return source_copies(downloads, memory or Memory(), archive, name, "1:1.0")


def test_all_files_of_the_source_package(downloads: Downloads, service: SnapshotService) -> None:
    found = asked(downloads, service, "hello")

    assert sorted(copy.name for copy in found) == ["hello_1.0.dsc", "hello_1.0.tar.xz"]
    assert description_of(found, "hello", "1:1.0") == next(copy for copy in found if copy.name.endswith(".dsc"))


def test_nothing_is_asked_twice(downloads: Downloads, service: SnapshotService) -> None:
    memory = Memory()
    for _ in range(2):
        asked(downloads, service, "hello", memory)
        with pytest.raises(MissingUpstreamError):
            asked(downloads, service, "other", memory)

    assert len(service.asked()) == 2


def test_a_service_that_is_away_is_one_that_has_nothing(downloads: Downloads, service: SnapshotService) -> None:
    service.stop()

    with pytest.raises(MissingUpstreamError, match="cannot be reached"):
        asked(downloads, service, "hello")


def test_a_service_that_fails_has_said_nothing(downloads: Downloads, service: SnapshotService) -> None:
    service.inject("*srcfiles*", Status(503))

    with pytest.raises(UpstreamError, match="503") as failed:
        asked(downloads, service, "hello")
    assert not isinstance(failed.value, MissingUpstreamError)


def test_the_description_is_the_one_with_the_usual_name() -> None:
    copies = [Copy("0" * 40, "debian", name, 1) for name in ("a.tar.xz", "x/a_1.dsc", "b_1.dsc", "a_1.dsc")]

    assert usual_name("a", "2:1") == "a_1.dsc"
    assert description_of(copies, "a", "2:1") == copies[3]
    assert description_of(copies, "c", "1") == copies[2]
    assert description_of(copies[:2], "a", "1") is None
