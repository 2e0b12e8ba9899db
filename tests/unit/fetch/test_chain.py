# SPDX-License-Identifier: MIT
"""What a mirror's answer to a request for a part means. The suppliers themselves: tests/contract/test_suppliers.py."""

import random
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from aptfreeze.archive.objects import Objects
from aptfreeze.errors import UpstreamError
from aptfreeze.fetch.chain import MirrorUrl, retry_after_s
from aptfreeze.fetch.download import Downloads
from aptfreeze.fetch.failures import PassingError, UnusableRangeError, WrongBytesError
from aptfreeze.freeze.digest import Digest, Wanted
from aptfreeze.settings import FetchSettings
from support.askers import Asking
from support.faults import Headers, Status
from support.origin import Origin

DATA = random.Random(4).randbytes(2000)
WANTED = Wanted(Digest.of(DATA), len(DATA))


@pytest.fixture
def origin(tmp_path: Path) -> Iterator[Origin]:
    (tmp_path / "mirror").mkdir()
    (tmp_path / "mirror" / "file").write_bytes(DATA)
    with Origin(tmp_path / "mirror") as origin:
        yield origin


@pytest.fixture
def downloads(tmp_path: Path) -> Iterator[Downloads]:
    downloads = Downloads(Objects(tmp_path / "archive"), FetchSettings(retries=0))
    yield downloads
    downloads.close()


def opened(downloads: Downloads, origin: Origin, wanted: Wanted, start: int) -> bytes:
    with MirrorUrl(f"{origin.url}/file").open(downloads, wanted, start, Asking()) as delivery:
        return b"".join(delivery.pieces)


@pytest.mark.parametrize(
    ("headers", "error"),
    [
        ({"Content-Range": "bytes 0-999/2000"}, UnusableRangeError),
        ({"Content-Range": "items 5"}, UnusableRangeError),
        ({"Content-Range": "bytes 1000-1999/1999"}, WrongBytesError),
    ],
)
def test_a_206_is_looked_at(
    downloads: Downloads, origin: Origin, headers: Mapping[str, str], error: type[UpstreamError]
) -> None:
    origin.inject("*", Headers(headers))
    with pytest.raises(error):
        opened(downloads, origin, WANTED, 1000)


def test_a_total_that_is_not_told_is_fine(downloads: Downloads, origin: Origin) -> None:
    origin.inject("*", Headers({"Content-Range": "bytes 1000-1999/*"}))
    assert opened(downloads, origin, WANTED, 1000) == DATA[1000:]


@pytest.mark.parametrize(
    ("total", "error"), [("2000", UnusableRangeError), ("*", UnusableRangeError), ("900", WrongBytesError)]
)
def test_a_416_tells_a_shorter_file_from_a_mirror_that_cannot(
    downloads: Downloads, origin: Origin, total: str, error: type[UpstreamError]
) -> None:
    origin.inject("*", Status(416, b"", {"Content-Range": f"bytes */{total}"}))
    with pytest.raises(error):
        opened(downloads, origin, WANTED, 1000)


def test_another_length_is_wrong_before_the_body(downloads: Downloads, origin: Origin) -> None:
    with pytest.raises(WrongBytesError, match="has 2000 bytes instead of 1999"):
        opened(downloads, origin, Wanted(WANTED.digest, 1999), 0)


def test_a_mirror_that_never_can_go_on_is_asked_for_all_of_it(downloads: Downloads, origin: Origin) -> None:
    origin.inject("*", Status(416, b""), times=1)
    (downloads.objects.layout.partial(WANTED.digest)).write_bytes(DATA[:1000])
    downloads.join(WANTED, [MirrorUrl(f"{origin.url}/file")]).wait(10)
    assert [seen.headers.get("range") for seen in origin.requests] == ["bytes=1000-", None]


def test_a_mirror_that_always_answers_416_ends_in_an_error(downloads: Downloads, origin: Origin) -> None:
    origin.inject("*", Status(416, b""))
    with pytest.raises(UpstreamError, match=r"416|cannot go on"):
        downloads.join(WANTED, [MirrorUrl(f"{origin.url}/file")]).wait(10)
    assert origin.count() <= 2


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_passing_states_are_told_apart(downloads: Downloads, origin: Origin, status: int) -> None:
    origin.inject("*", Status(status, b"", {"Retry-After": "7"}))
    with pytest.raises(PassingError) as caught:
        opened(downloads, origin, WANTED, 0)
    assert caught.value.after_s == 7


def test_retry_after_in_its_two_forms() -> None:
    assert retry_after_s("120") == 120
    assert retry_after_s("") == retry_after_s("soon") == retry_after_s("-5") == 0
    in_a_minute = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    assert 50 < retry_after_s(in_a_minute) <= 60
    assert retry_after_s(in_a_minute, "no date") > 50
    assert retry_after_s("Wed, 21 Oct 2015 07:28:00 GMT") == 0
    assert retry_after_s("Wed, 21 Oct 99999999999999999999 07:28:00 GMT") == 0
    assert retry_after_s("Wed, 21 Oct 2015 07:28:00 +99999999999999999") == 0


def test_a_time_to_come_back_is_reckoned_by_the_clock_of_the_server() -> None:
    assert retry_after_s("Wed, 21 Oct 2015 07:28:05 GMT", "Wed, 21 Oct 2015 07:28:00 GMT") == 5
    assert retry_after_s("Wed, 21 Oct 2099 07:28:05 GMT", "Wed, 21 Oct 2099 07:28:00 GMT") == 5
