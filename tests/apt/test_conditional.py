# SPDX-License-Identifier: MIT
"""304, 206 and 416: a frozen file has one Last-Modified for ever, and only that one counts (RFC 9110, 13 and 14)."""

import os
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime

import pytest

from support.apt import Apt
from support.aptfreeze import Serving
from support.build import build
from support.client import ask
from support.origin import Origin
from support.repository import Repository

OLD = "Thu, 01 Jan 1970 00:00:00 GMT"
FUTURE = "Fri, 01 Jan 2100 00:00:00 GMT"
UPSTREAM = datetime(2026, 1, 1, tzinfo=UTC)
DEBUG = ("-o", "Debug::Acquire::http=true")


@pytest.fixture
def package(repository: Repository, client: Apt) -> str:
    """URL of a package of 300 KB that was served once."""
    repository.add("hello", "1.0", size=300_000)
    repository.publish(last_modified=UPSTREAM)
    build(client, repository)
    return f"{repository.url}/{repository.binary('hello').path}"


def test_last_modified_is_the_date_of_the_release(
    repository: Repository, client: Apt, frozen: Serving, package: str
) -> None:
    date = format_datetime(repository.date, usegmt=True)

    for url in (f"{repository.url}/dists/bookworm/InRelease", package):
        assert ask(frozen.proxy, url).headers["last-modified"] == date


@pytest.mark.parametrize("name", ["InRelease", "main/binary-amd64/Packages.xz"])
def test_304_only_for_the_very_same_time(repository: Repository, frozen: Serving, package: str, name: str) -> None:
    url = f"{repository.url}/dists/bookworm/{name}"
    date = format_datetime(repository.date, usegmt=True)

    assert [ask(frozen.proxy, url, headers={"If-Modified-Since": time}).status for time in (date, FUTURE, OLD)] == [
        304,
        200,
        200,
    ]


def test_ranges_only_for_the_very_same_file(frozen: Serving, package: str) -> None:
    whole = ask(frozen.proxy, package)
    validators = (whole.headers["last-modified"], whole.headers["etag"], FUTURE, OLD, '"another"')

    answers = [ask(frozen.proxy, package, headers={"Range": "bytes=1000-", "If-Range": value}) for value in validators]

    assert [answer.status for answer in answers] == [206, 206, 200, 200, 200]
    assert [answer.body for answer in answers] == [whole.body[1000:]] * 2 + [whole.body] * 3
    assert answers[0].headers["content-range"] == f"bytes 1000-{len(whole.body) - 1}/{len(whole.body)}"


def test_a_range_behind_the_end_is_416(frozen: Serving, package: str) -> None:
    size = len(ask(frozen.proxy, package).body)

    answer = ask(frozen.proxy, package, headers={"Range": f"bytes={size}-"})

    assert (answer.status, answer.headers["content-range"]) == (416, f"bytes */{size}")


def test_head_tells_all_but_the_body(frozen: Serving, repository: Repository, package: str, origin: Origin) -> None:
    for url in (package, f"{repository.url}/dists/bookworm/InRelease"):
        get, head = ask(frozen.proxy, url), ask(frozen.proxy, url, method="HEAD", user_agent="Wget/1.21.3")

        assert (head.status, head.body) == (200, b"")
        assert head.headers["content-length"] == str(len(get.body))
        assert head.headers["last-modified"] == get.headers["last-modified"]

    assert ask(frozen.proxy, f"{repository.url}/dists/bookworm/no-such-file", method="HEAD").status == 404
    assert origin.count(method="HEAD") == 0


def test_apt_resumes(repository: Repository, frozen: Serving, client: Apt, package: str) -> None:
    whole = ask(frozen.proxy, package)
    client.clear_archives()
    partial = client.archives / "partial/hello_1.0_amd64.deb"
    partial.write_bytes(whole.body[:100_000])
    os.utime(partial, (parsedate_to_datetime(whole.headers["last-modified"]).timestamp(),) * 2)

    resumed = client.install("hello", *DEBUG).ok()

    assert "HTTP/1.1 206" in resumed.output
    assert client.fetched() == {"hello_1.0_amd64.deb": repository.binary("hello").sha256}


def test_apt_does_not_resume_what_is_of_another_time(repository: Repository, client: Apt, package: str) -> None:
    client.clear_archives()
    (client.archives / "partial/hello_1.0_amd64.deb").write_bytes(b"of another file" * 100)

    resumed = client.install("hello", *DEBUG).ok()

    assert "HTTP/1.1 206" not in resumed.output
    assert client.fetched() == {"hello_1.0_amd64.deb": repository.binary("hello").sha256}
