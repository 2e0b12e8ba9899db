# SPDX-License-Identifier: MIT
"""Names and answers of a snapshot service, as snapshot.debian.org gives them."""

import json
from datetime import UTC, datetime

import pytest

from aptfreeze.fetch.states import Archive, Copy, archive_name, copies, copies_url, guesses, states, timestamp

DATE = datetime(2026, 11, 1, 10, 16, 37, tzinfo=UTC)
DEBIAN = Archive("http://snapshot.example.org/archive/debian")
SHA1 = "2fd4e1c67a2d28fced849ee1bb76e7391b93eb12"


def answer(**members: object) -> bytes:
    return json.dumps({"_api": "0.3", "_comment": "", **members}).encode()


@pytest.mark.parametrize(
    ("repository", "name"),
    [
        ("mirror.example.org/debian", "debian"),
        ("mirror.example.org:8080/pub/debian-security", "debian-security"),
        ("mirror.example.org/debian-ports", "debian-ports"),
        ("security.debian.org", "debian-security"),
        ("mirror.example.org", None),
        ("vendor.example.org/apt", None),
        ("mirror.example.org/debian-multimedia", None),
        ("mirror.example.org/debian/x", None),
    ],
)
def test_what_the_service_calls_a_repository(repository: str, name: str | None) -> None:
    assert archive_name(repository) == name


def test_a_file_is_named_by_state_and_path() -> None:
    url = DEBIAN.file(timestamp(DATE), "pool/main/g/gcc/g++ 1~2.deb")
    assert url == "http://snapshot.example.org/archive/debian/20261101T101637Z/pool/main/g/gcc/g++%201~2.deb"


def test_the_api_is_beside_the_archive() -> None:
    assert (DEBIAN.service, DEBIAN.name) == ("http://snapshot.example.org", "debian")
    below = Archive("http://example.org/snapshots/archive/vendor")
    assert (below.service, below.name) == ("http://example.org/snapshots", "vendor")
    assert Archive("http://snapshot.example.org/ubuntu").service == ""


def test_the_question_for_states_includes_the_date_and_has_an_end() -> None:
    assert DEBIAN.question(DATE) == (
        "http://snapshot.example.org/mr/timestamp/?archive=debian&after=20261101T101636Z&before=20261201T101637Z"
    )


def test_the_first_states_at_or_after_a_date() -> None:
    listed = ["20261102T000000Z", "20261101T101637Z", "20261101T101636Z", "20261101T160000Z", "20261101T220000Z"]
    data = answer(result={"debian": [*listed, "20261102T060000Z"], "debian-security": ["20261101T120000Z"]})
    assert states(data, "debian", DATE) == (
        "20261101T101637Z",
        "20261101T160000Z",
        "20261101T220000Z",
        "20261102T000000Z",
    )
    assert states(data, "debian-ports", DATE) == ()


def test_what_is_no_time_is_left_out() -> None:
    data = answer(result={"debian": ["20261101T120000Z/../x", 20261101, None, "20261101T160000Z"]})
    assert states(data, "debian", DATE) == ("20261101T160000Z",)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<html>",
        b"[]",
        b"{}",
        b"[" * 100_000,
        b"\xff",
        answer(result=[]),
        answer(result={"debian": "20261101T160000Z"}),
    ],
)
def test_an_answer_of_something_else_is_an_error(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        states(data, "debian", DATE)


def test_without_an_api_the_states_of_the_next_day_are_guessed() -> None:
    assert guesses(DATE) == ("20261101T101637Z", "20261101T161637Z", "20261101T221637Z", "20261102T101637Z")


def test_the_question_for_a_package() -> None:
    base = "http://snapshot.example.org"
    assert (
        copies_url(base, "g++", "4:12.2.0-3", is_source=False) == f"{base}/mr/binary/g++/4:12.2.0-3/binfiles?fileinfo=1"
    )
    assert copies_url(base, "bash", "5.2~rc1", is_source=True) == f"{base}/mr/package/bash/5.2~rc1/srcfiles?fileinfo=1"


def test_the_files_of_a_package() -> None:
    info = {"archive_name": "debian", "first_seen": "20050312T000000Z", "name": "x_1_amd64.deb", "path": "/pool/x"}
    security = {**info, "archive_name": "debian-security", "size": 9}
    data = answer(
        result=[{"architecture": "amd64", "hash": SHA1}],
        fileinfo={SHA1: [{**info, "size": 9}, security, info, {**info, "size": "9"}, 3], "../x": [security], "y": 3},
    )
    assert copies(data) == (Copy(SHA1, "debian", "x_1_amd64.deb", 9), Copy(SHA1, "debian-security", "x_1_amd64.deb", 9))


@pytest.mark.parametrize(
    "data", [b"<html>", b"[]", answer(fileinfo={}), answer(result=[]), answer(result=[], fileinfo=[])]
)
def test_an_answer_without_files_is_an_error(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        copies(data)
