# SPDX-License-Identifier: MIT
"""Files of a snapshot service: which places are asked, what is remembered, and what of it is no failure."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from aptfreeze.archive.objects import Objects
from aptfreeze.errors import MissingUpstreamError, UpstreamError
from aptfreeze.fetch.chain import MirrorUrl, Supplier
from aptfreeze.fetch.download import Downloads
from aptfreeze.fetch.snapshot_files import Memory, dated_files, package_copies
from aptfreeze.freeze.catalog import IndexEntry
from aptfreeze.freeze.digest import Digest, Wanted
from aptfreeze.settings import FetchSettings
from support.faults import Flip, Status
from support.origin import Origin
from support.snapshot import SnapshotService, stamp_of

DATE = datetime(2026, 11, 1, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)
PATH = "pool/main/x/x_1_amd64.deb"
DATA, OTHER = random.Random(1).randbytes(300), random.Random(2).randbytes(300)
WANTED = Wanted(Digest.of(DATA), len(DATA))
ENTRY = IndexEntry(WANTED, "x", "1", "amd64")


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def memory(clock: Clock) -> Memory:
    return Memory(clock)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[SnapshotService]:
    with SnapshotService(tmp_path / "service") as service:
        yield service


@pytest.fixture
def downloads(tmp_path: Path, service: SnapshotService) -> Iterator[Downloads]:
    settings = FetchSettings(retries=2, connect_timeout_s=5)
    downloads = Downloads(Objects(tmp_path / "archive"), settings, {service.host: 1})
    yield downloads
    downloads.close()


def keep(service: SnapshotService, folder: Path, at: datetime, data: bytes | None, path: str = PATH) -> None:
    """A state with this file, or without it."""
    state = folder / stamp_of(at)
    (state / path).parent.mkdir(parents=True)
    if data is not None:
        (state / path).write_bytes(data)
    service.keep("debian", state, at)


def dated(memory: Memory, service: SnapshotService) -> list[Supplier]:
    return dated_files(memory, service.archive_url("debian"), DATE, PATH)


def by_sha1(memory: Memory, service: SnapshotService) -> list[Supplier]:
    return package_copies(memory, service.archive_url("debian"), ENTRY, PATH)


def test_the_first_state_since_the_date_has_it(
    service: SnapshotService, downloads: Downloads, memory: Memory, tmp_path: Path
) -> None:
    for at, data in ((DATE - HOUR, OTHER), (DATE + HOUR, DATA), (DATE + 2 * HOUR, OTHER)):
        keep(service, tmp_path, at, data)
    downloads.obtain(WANTED, dated(memory, service))
    assert service.asked("/archive/*") == [f"/archive/debian/20261101T110000Z/{PATH}"]


@pytest.mark.parametrize("first", [OTHER, OTHER[1:], None])
def test_the_next_state_is_looked_into_if_the_first_one_is_no_good(
    service: SnapshotService, downloads: Downloads, memory: Memory, tmp_path: Path, first: bytes | None
) -> None:
    keep(service, tmp_path, DATE, first)
    keep(service, tmp_path, DATE + HOUR, DATA)
    downloads.obtain(WANTED, dated(memory, service))
    assert service.count("/archive/*") == 2


def test_not_every_state_is_looked_into(
    service: SnapshotService, downloads: Downloads, memory: Memory, tmp_path: Path
) -> None:
    for hours in range(6):
        keep(service, tmp_path, DATE + hours * HOUR, OTHER[1:])
    with pytest.raises(UpstreamError, match="has 299 bytes instead of 300"):
        downloads.obtain(WANTED, dated(memory, service))
    assert service.count("/archive/*") == 4


def test_a_lost_state_is_made_up_for_by_the_next(
    service: SnapshotService, downloads: Downloads, memory: Memory, tmp_path: Path
) -> None:
    for hours in range(3):
        keep(service, tmp_path, DATE + hours * HOUR, DATA)
    service.lose("debian", DATE)
    downloads.obtain(WANTED, dated(memory, service))
    assert service.asked("/archive/*") == [f"/archive/debian/20261101T110000Z/{PATH}"]


def test_its_sha1_finds_it_in_whatever_state(
    service: SnapshotService, downloads: Downloads, memory: Memory, tmp_path: Path
) -> None:
    keep(service, tmp_path, DATE - 900 * HOUR, DATA)
    keep(service, tmp_path, DATE + HOUR, None)
    downloads.obtain(WANTED, dated(memory, service) + by_sha1(memory, service))
    assert service.asked("/mr/binary/*") == ["/mr/binary/x/1/binfiles"]
    assert service.count("/file/*") == 1


def test_another_size_is_another_file(
    service: SnapshotService, downloads: Downloads, memory: Memory, tmp_path: Path
) -> None:
    keep(service, tmp_path, DATE, DATA[1:])
    with pytest.raises(MissingUpstreamError, match="no such file of that package is kept"):
        downloads.obtain(WANTED, by_sha1(memory, service))
    assert service.count("/file/*") == 0


def test_of_two_files_of_one_name_and_size_the_right_one_is_found(
    service: SnapshotService, downloads: Downloads, memory: Memory, tmp_path: Path
) -> None:
    keep(service, tmp_path, DATE, OTHER)
    keep(service, tmp_path, DATE + HOUR, DATA)
    downloads.obtain(WANTED, by_sha1(memory, service))
    assert service.count("/mr/*") == 1


def test_a_source_package_has_its_own_question(
    service: SnapshotService, downloads: Downloads, memory: Memory, tmp_path: Path
) -> None:
    path = "pool/main/x/x_1.dsc"
    keep(service, tmp_path, DATE, DATA, path)
    source = IndexEntry(WANTED, "x", "1", "source")
    downloads.obtain(WANTED, package_copies(memory, service.archive_url("debian"), source, path))
    assert service.asked("/mr/*") == ["/mr/package/x/1/srcfiles"]


def test_which_states_there_are_is_asked_once(
    service: SnapshotService, downloads: Downloads, memory: Memory, tmp_path: Path
) -> None:
    state = tmp_path / "state/pool"
    state.mkdir(parents=True)
    files = {f"pool/{number}": bytes([number]) for number in range(20)}
    for name, data in files.items():
        (state.parent / name).write_bytes(data)
    service.keep("debian", state.parent, DATE)
    url = service.archive_url("debian")
    growths = [
        downloads.join(Wanted(Digest.of(data), 1), dated_files(memory, url, DATE, name)) for name, data in files.items()
    ]
    for growth in growths:
        growth.wait(20)
    assert (service.count("/mr/*"), service.count("/archive/*")) == (1, 20)
    assert len({seen.connection for seen in service.requests}) == 1


def test_what_was_missing_is_not_asked_again_for_an_hour(
    service: SnapshotService, downloads: Downloads, memory: Memory, clock: Clock, tmp_path: Path
) -> None:
    keep(service, tmp_path, DATE, None)
    suppliers = dated(memory, service) + by_sha1(memory, service)
    for _ in range(2):
        with pytest.raises(MissingUpstreamError):
            downloads.obtain(WANTED, suppliers)
    assert (service.count("/archive/*"), service.count("/mr/timestamp/*"), service.count("/mr/binary/*")) == (1, 1, 1)
    clock.now = 3601
    with pytest.raises(MissingUpstreamError):
        downloads.obtain(WANTED, suppliers)
    assert (service.count("/archive/*"), service.count("/mr/binary/*")) == (2, 2)


def test_a_state_that_is_still_to_come_is_looked_for_again_after_an_hour(
    service: SnapshotService, downloads: Downloads, memory: Memory, clock: Clock, tmp_path: Path
) -> None:
    keep(service, tmp_path, DATE - HOUR, OTHER)
    with pytest.raises(MissingUpstreamError, match=r"no state since then is kept$"):
        downloads.obtain(WANTED, dated(memory, service))
    keep(service, tmp_path, DATE + HOUR, DATA)
    with pytest.raises(MissingUpstreamError):
        downloads.obtain(WANTED, dated(memory, service))
    clock.now = 3601
    downloads.obtain(WANTED, dated(memory, service))
    assert (service.count("/mr/*"), service.count("/archive/*")) == (2, 1)


def test_without_an_api_the_times_after_the_date_are_tried(
    downloads: Downloads, memory: Memory, tmp_path: Path
) -> None:
    with SnapshotService(tmp_path / "plain", has_api=False) as service:
        keep(service, tmp_path, DATE - HOUR, None)
        keep(service, tmp_path, DATE + 5 * HOUR, DATA)
        downloads.obtain(WANTED, dated(memory, service))
        asked = service.asked("/archive/*")
    assert asked == [
        f"/archive/debian/{stamp}/{PATH}"
        for stamp in ("20261101T100000Z", "20261101T090000Z", "20261101T160000Z", "20261101T150000Z")
    ]


@pytest.mark.parametrize("body", [b"<html>moved</html>", b'{"result": 3}', b"{"])
def test_an_api_that_is_none_is_as_good_as_no_api(
    service: SnapshotService, downloads: Downloads, memory: Memory, tmp_path: Path, body: bytes
) -> None:
    keep(service, tmp_path, DATE - HOUR, DATA)
    service.inject("/mr/*", Status(200, body))
    downloads.obtain(WANTED, dated(memory, service))
    with pytest.raises(MissingUpstreamError, match="is not understood"):
        downloads.obtain(Wanted(Digest.of(b"other"), 5), by_sha1(memory, service))


@pytest.mark.parametrize("where", ["/mr/timestamp/*", "/archive/*"])
def test_it_is_asked_again_when_it_said_that_it_may_be(
    service: SnapshotService, downloads: Downloads, memory: Memory, tmp_path: Path, where: str
) -> None:
    keep(service, tmp_path, DATE, DATA)
    service.inject(where, Status(429, headers={"Retry-After": "1"}), times=1)
    downloads.obtain(WANTED, dated(memory, service))
    assert (service.count(where), service.count()) == (2, 3)


@pytest.mark.parametrize("where", ["/mr/timestamp/*", "/archive/*"])
def test_a_service_that_fails_has_not_said_no(
    service: SnapshotService, downloads: Downloads, memory: Memory, tmp_path: Path, where: str
) -> None:
    keep(service, tmp_path, DATE, DATA)
    service.inject(where, Status(503))
    with pytest.raises(UpstreamError, match="503") as failed:
        downloads.obtain(WANTED, dated(memory, service))
    assert not isinstance(failed.value, MissingUpstreamError)
    service.heal()
    downloads.obtain(WANTED, dated(memory, service))


def test_wrong_bytes_of_one_state_are_made_up_for_by_the_sha1(
    service: SnapshotService, downloads: Downloads, memory: Memory, tmp_path: Path
) -> None:
    keep(service, tmp_path, DATE, DATA)
    service.inject("/archive/*", Flip(7))
    downloads.obtain(WANTED, dated(memory, service) + by_sha1(memory, service))
    assert service.count("/file/*") == 1


def test_a_service_that_cannot_be_reached_has_no_say(
    service: SnapshotService, downloads: Downloads, memory: Memory, origin: Origin
) -> None:
    service.stop()
    suppliers = [MirrorUrl(f"{origin.url}/{PATH}"), *dated(memory, service), *by_sha1(memory, service)]
    with pytest.raises(
        MissingUpstreamError, match=r"404 .*it cannot be reached .*it could not be reached a moment ago"
    ):
        downloads.obtain(WANTED, suppliers)


def test_mirrors_come_first(
    service: SnapshotService, downloads: Downloads, memory: Memory, origin: Origin, tmp_path: Path
) -> None:
    keep(service, tmp_path, DATE, DATA)
    origin.root.mkdir()
    (origin.root / "x").write_bytes(DATA)
    origin.inject("/x", Status(503, headers={"Retry-After": "1"}), times=1)
    downloads.obtain(WANTED, [*dated(memory, service), MirrorUrl(f"{origin.url}/x")])
    assert (origin.count("/x"), service.count()) == (2, 0)
