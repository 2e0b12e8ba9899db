# SPDX-License-Identifier: MIT
"""What mirrors say of a file when they are asked for one byte of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from aptfreeze.archive.objects import Objects
from aptfreeze.fetch.download import Downloads
from aptfreeze.fetch.inquiry import Presence, Where, ask
from aptfreeze.freeze.digest import Digest, Wanted
from aptfreeze.settings import FetchSettings
from support.faults import NoRange, Redirect, Status
from support.origin import Origin

DATA = b"x" * 5000
WANTED = Wanted(Digest.of(DATA), len(DATA))


@pytest.fixture
def downloads(tmp_path: Path) -> Iterator[Downloads]:
    downloads = Downloads(Objects(tmp_path / "archive"), FetchSettings(retries=0))
    yield downloads
    downloads.close()


@pytest.fixture(autouse=True)
def file(origin: Origin) -> Path:
    origin.root.mkdir(exist_ok=True)
    path = origin.root / "file"
    path.write_bytes(DATA)
    return path


def test_a_file_of_the_right_size_is_there(downloads: Downloads, origin: Origin) -> None:
    assert ask(downloads, WANTED, [f"{origin.url}/file"]) == Presence(Where.FOUND, f"{origin.url}/file")
    assert downloads.traffic()[origin.host].received == 1


def test_many_questions_need_one_connection(downloads: Downloads, origin: Origin) -> None:
    for _ in range(5):
        ask(downloads, WANTED, [f"{origin.url}/file"])

    assert {seen.connection for seen in origin.requests} == {1}


def test_the_second_mirror_has_it(downloads: Downloads, origin: Origin) -> None:
    found = ask(downloads, WANTED, [f"{origin.url}/gone", f"{origin.url}/file"])

    assert found == Presence(Where.FOUND, f"{origin.url}/file")


def test_a_file_that_every_mirror_lacks_is_gone(downloads: Downloads, origin: Origin) -> None:
    found = ask(downloads, WANTED, [f"{origin.url}/one", f"{origin.url}/two"])

    assert found.where is Where.GONE
    assert found.detail == f"{origin.url}/one: 404 Not Found; {origin.url}/two: 404 Not Found"


@pytest.mark.parametrize("faults", [(), (NoRange(),)])
def test_a_file_of_another_size_is_another_file(
    downloads: Downloads, origin: Origin, file: Path, faults: tuple[NoRange, ...]
) -> None:
    file.write_bytes(DATA + b"y")
    origin.inject("*", *faults)

    found = ask(downloads, WANTED, [f"{origin.url}/file"])

    assert (found.where, found.detail) == (Where.GONE, f"{origin.url}/file: has 5001 bytes instead of 5000")


def test_a_mirror_without_ranges_and_one_that_redirects(
    downloads: Downloads, origin: Origin, second_origin: Origin
) -> None:
    second_origin.root.mkdir(exist_ok=True)
    origin.inject("/file", NoRange(), times=1)
    assert ask(downloads, WANTED, [f"{origin.url}/file"]).where is Where.FOUND

    second_origin.inject("*", Redirect(origin.url))
    assert ask(downloads, WANTED, [f"{second_origin.url}/file"]).where is Where.FOUND


def test_a_size_without_end_is_none(downloads: Downloads, origin: Origin) -> None:
    origin.inject("*", Status(206, b"x", {"Content-Range": f"bytes 0-0/{'9' * 5000}"}))

    assert ask(downloads, WANTED, [f"{origin.url}/file"]).where is Where.FOUND


def test_an_empty_file_is_there_too(downloads: Downloads, origin: Origin, file: Path) -> None:
    file.write_bytes(b"")

    assert ask(downloads, Wanted(Digest.of(b""), 0), [f"{origin.url}/file"]).where is Where.FOUND
    assert ask(downloads, WANTED, [f"{origin.url}/file"]).where is Where.GONE


def test_who_fails_in_passing_cannot_tell(downloads: Downloads, origin: Origin) -> None:
    origin.inject("/file", Status(503))

    found = ask(downloads, WANTED, [f"{origin.url}/file", f"{origin.url}/other"])

    assert found.where is Where.UNKNOWN
    assert "503" in found.detail


def test_a_host_that_wants_to_be_left_alone_is_asked_once(downloads: Downloads, origin: Origin) -> None:
    origin.inject("*", Status(429, headers={"Retry-After": "30"}))

    assert [ask(downloads, WANTED, [f"{origin.url}/{name}"]).where for name in "abc"] == [Where.UNKNOWN] * 3
    assert origin.count() == 1


def test_a_host_that_is_away_is_not_waited_for_again(downloads: Downloads, origin: Origin) -> None:
    origin.stop()

    found = [ask(downloads, WANTED, [f"{origin.url}/{name}"]) for name in "ab"]

    assert [each.where for each in found] == [Where.UNKNOWN] * 2
    assert "its host did not answer a moment ago" in found[1].detail


def test_a_file_of_unknown_size_is_compared_as_a_whole(downloads: Downloads, origin: Origin, file: Path) -> None:
    wanted = Wanted(Digest.of(DATA))
    assert ask(downloads, wanted, [f"{origin.url}/file"]).where is Where.FOUND

    file.write_bytes(DATA.replace(b"x", b"z"))
    found = ask(downloads, wanted, [f"{origin.url}/file"])

    assert (found.where, found.detail) == (Where.GONE, f"{origin.url}/file: has another state of it")
