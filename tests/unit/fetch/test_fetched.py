# SPDX-License-Identifier: MIT
"""Files whose digest nobody knows before."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from aptfreeze.archive.objects import Objects
from aptfreeze.errors import MissingUpstreamError, UpstreamError
from aptfreeze.fetch.download import Downloads
from aptfreeze.freeze.digest import Digest
from aptfreeze.settings import FetchSettings
from support.faults import Status, Truncate
from support.origin import Origin


@pytest.fixture
def origin(tmp_path: Path) -> Iterator[Origin]:
    (tmp_path / "mirror").mkdir()
    (tmp_path / "mirror" / "InRelease").write_bytes(b"signed" * 100)
    with Origin(tmp_path / "mirror") as origin:
        yield origin


@pytest.fixture
def downloads(tmp_path: Path) -> Iterator[Downloads]:
    downloads = Downloads(Objects(tmp_path / "archive"), FetchSettings(retries=1))
    yield downloads
    downloads.close()


def test_it_comes_with_its_url_and_headers_past_every_cache(downloads: Downloads, origin: Origin) -> None:
    fetched = downloads.fetch_bytes([f"{origin.url}/absent", f"{origin.url}/InRelease"], 1000)
    assert (fetched.data, fetched.url) == (b"signed" * 100, f"{origin.url}/InRelease")
    assert "Last-Modified" in dict(fetched.headers)
    assert origin.requests[-1].headers["cache-control"] == "max-age=0"


def test_a_cut_one_is_asked_again_and_never_taken(downloads: Downloads, origin: Origin) -> None:
    origin.inject("*", Truncate(100), times=1)
    assert downloads.fetch_bytes([f"{origin.url}/InRelease"], 1000).data == b"signed" * 100


def test_too_large_is_an_error(downloads: Downloads, origin: Origin) -> None:
    with pytest.raises(UpstreamError, match="more than 50 bytes"):
        downloads.fetch_bytes([f"{origin.url}/InRelease"], 50)


def test_missing_and_broken_are_told_apart(downloads: Downloads, origin: Origin) -> None:
    with pytest.raises(MissingUpstreamError):
        downloads.fetch_bytes([f"{origin.url}/absent", f"{origin.url}/neither"], 50)
    origin.inject("*/InRelease", Status(503))
    with pytest.raises(UpstreamError) as caught:
        downloads.fetch_bytes([f"{origin.url}/absent", f"{origin.url}/InRelease"], 50)
    assert not isinstance(caught.value, MissingUpstreamError)


def test_closing_ends_it(downloads: Downloads, origin: Origin) -> None:
    downloads.close()
    with pytest.raises(UpstreamError, match="closing"):
        downloads.fetch_bytes([f"{origin.url}/InRelease"], 50)


# --- into the archive ---


def leftovers(downloads: Downloads) -> list[Path]:
    root = downloads.objects.layout.root
    return [path for folder in ("tmp", "partial", "objects") for path in (root / folder).rglob("*") if path.is_file()]


def test_a_file_of_any_size_is_archived_by_what_it_is(downloads: Downloads, origin: Origin) -> None:
    assert downloads.fetch_object(f"{origin.url}/InRelease") == (Digest.of(b"signed" * 100), 600)
    assert downloads.objects.read(Digest.of(b"signed" * 100)) == b"signed" * 100
    assert len(leftovers(downloads)) == 1


def test_what_was_cut_on_its_way_is_asked_again_and_never_archived(downloads: Downloads, origin: Origin) -> None:
    origin.inject("*", Truncate(100), times=1)
    assert downloads.fetch_object(f"{origin.url}/InRelease")[1] == 600
    origin.inject("*", Truncate(100))
    with pytest.raises(UpstreamError):
        downloads.fetch_object(f"{origin.url}/InRelease")
    assert len(leftovers(downloads)) == 1


def test_what_does_not_exist_leaves_nothing_behind(downloads: Downloads, origin: Origin) -> None:
    with pytest.raises(MissingUpstreamError):
        downloads.fetch_object(f"{origin.url}/absent")
    assert leftovers(downloads) == []
