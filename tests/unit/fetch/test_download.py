# SPDX-License-Identifier: MIT
"""Downloads against mirrors that fail in every way: what arrives is right, or it does not arrive."""

import hashlib
import os
import random
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from aptfreeze.archive.growth import HELD_BACK, Growth, GrowthState
from aptfreeze.archive.objects import Objects
from aptfreeze.archive.partial import Partial
from aptfreeze.errors import IntegrityError, MissingUpstreamError, UpstreamError
from aptfreeze.fetch.chain import MirrorUrl
from aptfreeze.fetch.download import Download, Downloads
from aptfreeze.fetch.failures import ForgoneError
from aptfreeze.fetch.priority import Priority
from aptfreeze.freeze.digest import Algorithm, Digest, Wanted
from aptfreeze.settings import FetchSettings
from support.faults import (
    Answer,
    Chunked,
    CloseAfter,
    Ending,
    Fault,
    Flip,
    FromFolder,
    NoRange,
    Redirect,
    Stall,
    Status,
    Truncate,
    WrongLength,
)
from support.origin import Origin
from support.serving import eventually

SMALL = random.Random(1).randbytes(300_000)
LARGE = random.Random(2).randbytes(3_000_000)
FAST = FetchSettings(retries=1, connect_timeout_s=2, read_timeout_s=5)


def wanted(data: bytes) -> Wanted:
    return Wanted(Digest.of(data), len(data))


def holds(objects: Objects, data: bytes) -> bool:
    return objects.read(Digest.of(data)) == data


def content(growth: Growth) -> bytes:
    growth.wait(20)
    assert growth.size is not None
    return os.pread(growth.descriptor(), growth.size + 1, 0)


def nothing_wrong_is_stored(objects: Objects) -> None:
    for path in (objects.layout.root / "objects").rglob("*"):
        assert not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() == path.name


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "mirror"
    (folder / "pool").mkdir(parents=True)
    (folder / "pool" / "small").write_bytes(SMALL)
    (folder / "pool" / "large").write_bytes(LARGE)
    return folder


@pytest.fixture
def origin(folder: Path) -> Iterator[Origin]:
    with Origin(folder) as origin:
        yield origin


@pytest.fixture
def second(folder: Path) -> Iterator[Origin]:
    with Origin(folder) as origin:
        yield origin


@pytest.fixture
def objects(tmp_path: Path) -> Iterator[Objects]:
    objects = Objects(tmp_path / "archive")
    yield objects
    objects.close()
    nothing_wrong_is_stored(objects)


@pytest.fixture
def downloads(objects: Objects) -> Iterator[Downloads]:
    downloads = Downloads(objects, FAST)
    yield downloads
    downloads.close()


def urls(path: str, *origins: Origin) -> list[MirrorUrl]:
    return [MirrorUrl(f"{origin.url}/pool/{path}") for origin in origins]


def reads_beyond(growth: Growth, count: int) -> threading.Event:
    """Set once so many bytes may be sent."""
    reached = threading.Event()

    def look() -> None:
        if growth.ready > count:
            reached.set()

    growth.subscribe(look)
    look()
    return reached


@pytest.mark.parametrize(("path", "data"), [("small", SMALL), ("large", LARGE)])
def test_what_is_wanted_arrives_and_is_kept(
    downloads: Downloads, objects: Objects, origin: Origin, path: str, data: bytes
) -> None:
    growth = downloads.join(wanted(data), urls(path, origin))
    assert content(growth) == data
    assert growth.sha256 == Digest.of(data)
    assert downloads.join(wanted(data), []).state is GrowthState.COMPLETE
    assert origin.count() == 1
    traffic = downloads.traffic()[origin.host]
    assert (traffic.requests, traffic.received) == (1, len(data))
    assert list((objects.layout.root / "partial").iterdir()) == []


def test_twenty_readers_share_one_request(downloads: Downloads, origin: Origin) -> None:
    growths = [downloads.join(wanted(LARGE), urls("large", origin)) for _ in range(20)]
    assert all(content(growth) == LARGE for growth in growths)
    assert origin.count() == 1


def test_a_large_file_is_shown_while_it_arrives_a_small_one_is_not(downloads: Downloads, origin: Origin) -> None:
    stalls = {"large": Stall(2_000_000), "small": Stall(200_000)}
    for path, stall in stalls.items():
        origin.inject(f"*/{path}", stall)
    large = downloads.join(wanted(LARGE), urls("large", origin))
    assert reads_beyond(large, 1_500_000).wait(10)
    assert os.pread(large.descriptor(), 1000, 1_000_000) == LARGE[1_000_000:1_001_000]
    small = downloads.join(wanted(SMALL), urls("small", origin))
    stalls["large"].release()
    assert stalls["small"].reached.wait(10)
    assert small.ready == 0
    stalls["small"].release()
    assert content(small) == SMALL


def test_what_is_running_is_told_with_the_bytes_that_came(downloads: Downloads, origin: Origin) -> None:
    stall = Stall(200_000)
    origin.inject("*/small", stall)
    by_hash = MirrorUrl(f"{origin.url}/by-hash/SHA256/{Digest.of(SMALL).hex}")
    growth = downloads.join(wanted(SMALL), [*urls("small", origin), by_hash], Priority.SOURCES)
    assert stall.reached.wait(10)
    assert eventually(lambda: growth.received == 200_000)
    assert growth.ready == 0  # it is small: nothing of it is shown before it is verified
    assert downloads.running() == (Download("small", 200_000, len(SMALL), Priority.SOURCES),)
    stall.release()
    assert content(growth) == SMALL
    assert growth.received == len(SMALL)
    assert downloads.running() == ()


FAULTS = {
    "bit flipped": Flip(1000),
    "last bit flipped": Flip(-1),
    "cut": Truncate(100_000),
    "reset": Truncate(100_000, Ending.RESET),
    "too long by its head": WrongLength(10),
    "too short by its head": WrongLength(-10),
    "not found": Status(404),
    "gone": Status(410),
    "error": Status(500),
    "busy": Status(503, headers={"Retry-After": "3600"}),
    "forbidden": Status(403, b""),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize(("path", "data"), [("small", SMALL), ("large", LARGE)])
def test_the_second_mirror_makes_up_for_the_first(
    downloads: Downloads, objects: Objects, origin: Origin, second: Origin, fault: str, path: str, data: bytes
) -> None:
    origin.inject("*", FAULTS[fault])
    suppliers = urls(path, origin, second)
    growth = downloads.join(wanted(data), suppliers)
    try:
        assert content(growth) == data
    except UpstreamError:  # wrong bytes of the large one had gone out: its reader asks again
        assert fault in ("bit flipped", "last bit flipped")
        assert growth.ready <= len(data) - HELD_BACK
        assert downloads.tainted(Digest.of(data))
        assert content(downloads.join(wanted(data), suppliers)) == data
    assert holds(objects, data)


LASTING = {**FAULTS, "cut": Truncate(10), "reset": Truncate(10, Ending.RESET)}  # with more, it goes on each time


@pytest.mark.parametrize("fault", LASTING)
def test_a_single_bad_mirror_ends_in_an_error_and_stores_nothing(
    downloads: Downloads, objects: Objects, origin: Origin, fault: str
) -> None:
    origin.inject("*", LASTING[fault])
    with pytest.raises(UpstreamError) as caught:
        content(downloads.join(wanted(SMALL), urls("small", origin)))
    assert isinstance(caught.value, MissingUpstreamError) == (fault in ("not found", "gone"))
    assert origin.url in caught.value.message
    assert not objects.has(Digest.of(SMALL))


def test_missing_is_said_only_if_all_say_so(downloads: Downloads, origin: Origin, second: Origin) -> None:
    origin.inject("*", Status(404))
    second.inject("*", Status(500))
    with pytest.raises(UpstreamError) as caught:
        content(downloads.join(wanted(SMALL), urls("small", origin, second)))
    assert not isinstance(caught.value, MissingUpstreamError)
    with pytest.raises(UpstreamError, match="no mirror is known") as caught:
        content(downloads.join(wanted(b"nobody has it"), []))
    assert not isinstance(caught.value, MissingUpstreamError)


def test_a_mirror_with_wrong_bytes_is_not_asked_for_them_again_while_another_is_left(
    downloads: Downloads, objects: Objects, origin: Origin, second: Origin
) -> None:
    origin.inject("*", Flip(7))
    second.inject("*", Status(403), times=1)
    with pytest.raises(UpstreamError):
        content(downloads.join(wanted(SMALL), urls("small", origin, second)))
    assert content(downloads.join(wanted(SMALL), urls("small", origin, second))) == SMALL
    assert origin.count() == 1
    assert [notice.where for notice in objects.notices] == [f"{origin.url}/pool/small"]


def test_the_only_mirror_is_asked_again_after_wrong_bytes(downloads: Downloads, origin: Origin) -> None:
    origin.inject("*", Flip(7), times=1)
    with pytest.raises(UpstreamError):
        content(downloads.join(wanted(SMALL), urls("small", origin)))
    assert content(downloads.join(wanted(SMALL), urls("small", origin))) == SMALL


@pytest.mark.parametrize("times", [1, 3])
def test_a_cut_download_goes_on_where_it_was(downloads: Downloads, origin: Origin, times: int) -> None:
    origin.inject("*", Truncate(200_000), times=times)
    assert content(downloads.join(wanted(LARGE), urls("large", origin))) == LARGE
    ranges = [seen.headers.get("range") for seen in origin.requests]
    assert ranges == [None, "bytes=200000-", "bytes=400000-", "bytes=600000-"][: times + 1]


def test_a_mirror_without_ranges_is_read_from_the_start(downloads: Downloads, origin: Origin) -> None:
    origin.inject("*", Truncate(200_000), times=1)
    origin.inject("*", NoRange())
    assert content(downloads.join(wanted(LARGE), urls("large", origin))) == LARGE


@dataclass(frozen=True, slots=True)
class OtherRange(Fault):
    """A Range is answered by 206 with this Content-Range."""

    content_range: str

    def change(self, answer: Answer, target: str) -> None:
        if answer.status == 206:
            answer.headers["Content-Range"] = self.content_range


@pytest.mark.parametrize("content_range", ["bytes 0-9/10", f"bytes {'9' * 5000}-/*", f"bytes */{'9' * 5000}", "none"])
def test_a_mirror_that_cuts_and_cannot_go_on_is_given_up(
    objects: Objects, origin: Origin, second: Origin, content_range: str
) -> None:
    downloads = Downloads(objects, replace(FAST, retries=0))
    origin.inject("*", Truncate(200_000), OtherRange(content_range))
    growth = downloads.join(Wanted(Digest.of(LARGE)), urls("large", origin, second))
    assert content(growth) == LARGE
    assert origin.count() < 10
    downloads.close()


@pytest.mark.parametrize("length", [1, 100_000, len(LARGE)])
def test_what_a_killed_process_left_is_resumed(
    downloads: Downloads, objects: Objects, origin: Origin, length: int
) -> None:
    with Partial(objects, wanted(LARGE)) as killed:
        killed.append(LARGE[:length])
    assert content(downloads.join(wanted(LARGE), urls("large", origin))) == LARGE
    ranges = [seen.headers.get("range") for seen in origin.requests]
    assert ranges == ([f"bytes={length}-"] if length < len(LARGE) else [])


def test_rotten_leftovers_put_no_blame_on_the_mirror(downloads: Downloads, objects: Objects, origin: Origin) -> None:
    with Partial(objects, wanted(SMALL)) as killed:
        killed.append(b"\0" * 1000)
    assert content(downloads.join(wanted(SMALL), urls("small", origin))) == SMALL
    assert [seen.headers.get("range") for seen in origin.requests] == ["bytes=1000-", None]
    assert not objects.notices


def test_a_mixture_of_two_mirrors_puts_the_blame_on_the_right_one(
    downloads: Downloads, objects: Objects, origin: Origin, second: Origin
) -> None:
    origin.inject("*", Flip(10), Truncate(50_000))
    assert content(downloads.join(wanted(SMALL), urls("small", origin, second))) == SMALL
    assert not objects.notices


def test_a_wrong_length_of_the_next_mirror_does_not_cost_what_came(
    downloads: Downloads, origin: Origin, second: Origin, tmp_path: Path
) -> None:
    old = tmp_path / "old" / "pool"
    old.mkdir(parents=True)
    (old / "small").write_bytes(b"another state of the mirror")
    origin.inject("*", Truncate(50_000), times=1)
    second.inject("*", FromFolder(old.parent))
    assert content(downloads.join(wanted(SMALL), urls("small", origin, second))) == SMALL
    assert [seen.headers.get("range") for seen in origin.requests] == [None, "bytes=50000-"]


def test_chunked_answers_are_as_good(downloads: Downloads, origin: Origin) -> None:
    origin.inject("*", Chunked())
    assert content(downloads.join(wanted(SMALL), urls("small", origin))) == SMALL


def test_redirects_are_followed_and_endless_ones_are_not(downloads: Downloads, origin: Origin, second: Origin) -> None:
    origin.inject("*", Redirect(second.url))
    assert content(downloads.join(wanted(SMALL), urls("small", origin))) == SMALL
    second.inject("*", Redirect(origin.url))
    with pytest.raises(UpstreamError, match="more than 5 redirects"):
        content(downloads.join(wanted(LARGE), urls("large", origin)))


def test_a_short_retry_after_is_waited_for(downloads: Downloads, origin: Origin) -> None:
    origin.inject("*", Status(503, headers={"Retry-After": "1"}), times=1)
    assert content(downloads.join(wanted(SMALL), urls("small", origin))) == SMALL
    assert [seen.status for seen in origin.requests] == [503, 200]


def test_a_connection_that_was_closed_while_idle_is_no_failure(objects: Objects, origin: Origin) -> None:
    downloads = Downloads(objects, replace(FAST, retries=0))
    content(downloads.join(wanted(SMALL), urls("small", origin)))
    port = origin.port
    origin.stop()
    origin.start()
    assert origin.port == port
    content(downloads.join(wanted(LARGE), urls("large", origin)))
    downloads.close()


def many(folder: Path, count: int) -> list[bytes]:
    files = [random.Random(n).randbytes(1000 + n) for n in range(count)]
    for number, data in enumerate(files):
        (folder / "pool" / f"f{number}").write_bytes(data)
    return files


@pytest.mark.parametrize("ending", [Ending.CLOSE, Ending.RESET])
def test_a_server_that_closes_in_mid_pipeline_costs_no_attempt(
    objects: Objects, origin: Origin, folder: Path, ending: Ending
) -> None:
    files = many(folder, 30)
    origin.inject("*", CloseAfter(ending), times=25)
    downloads = Downloads(objects, replace(FAST, retries=0 if ending is Ending.CLOSE else 3))
    growths = [downloads.join(wanted(data), urls(f"f{n}", origin)) for n, data in enumerate(files)]
    assert [content(growth) for growth in growths] == files
    downloads.close()


def test_many_files_come_over_few_connections(downloads: Downloads, origin: Origin, folder: Path) -> None:
    files = many(folder, 100)
    growths = [downloads.join(wanted(data), urls(f"f{n}", origin)) for n, data in enumerate(files)]
    assert [content(growth) for growth in growths] == files
    assert origin.count() == 100
    assert len({seen.connection for seen in origin.requests}) <= FAST.connections


def test_demanded_files_overtake_prefetched_ones(downloads: Downloads, origin: Origin, folder: Path) -> None:
    files = many(folder, 60)
    stall = Stall()
    origin.inject("*/small", stall)
    first = downloads.join(wanted(SMALL), urls("small", origin))
    assert stall.reached.wait(10)
    growths = [downloads.join(wanted(d), urls(f"f{n}", origin), Priority.PREFETCHED) for n, d in enumerate(files[:-1])]
    begun = len(origin.asked())  # other connections than the stalled one go on all the time
    growths.append(downloads.join(wanted(files[-1]), urls("f59", origin)))
    stall.release()
    content(first)
    assert [content(growth) for growth in growths] == files
    assert origin.asked().index("/pool/f59") < begun + 25


def test_a_prefetched_file_that_is_demanded_hurries(downloads: Downloads, origin: Origin, folder: Path) -> None:
    files = many(folder, 60)
    stall = Stall()
    origin.inject("*/small", stall)
    downloads.join(wanted(SMALL), urls("small", origin))
    assert stall.reached.wait(10)
    for n, data in enumerate(files):
        downloads.join(wanted(data), urls(f"f{n}", origin), Priority.SOURCES)
    begun = len(origin.asked())
    late = downloads.join(wanted(files[-1]), urls("f59", origin))
    stall.release()
    content(late)
    assert origin.asked().index("/pool/f59") < begun + 25


def test_what_is_forgone_is_not_asked_for_unless_somebody_waits_for_it(
    objects: Objects, origin: Origin, folder: Path
) -> None:
    files = many(folder, 30)
    stall = Stall()
    origin.inject("*/small", stall)
    downloads = Downloads(objects, replace(FAST, connections=1, depth=1))
    first = downloads.join(wanted(SMALL), urls("small", origin))
    assert stall.reached.wait(10)
    growths = [downloads.join(wanted(d), urls(f"f{n}", origin), Priority.PREFETCHED) for n, d in enumerate(files)]
    demanded = downloads.join(wanted(files[7]), urls("f7", origin))
    for data in (SMALL, *files, LARGE):
        downloads.forgo(wanted(data).digest)
    stall.release()
    assert content(first) == SMALL
    assert content(demanded) == files[7]
    for growth in growths[:7] + growths[8:]:
        with pytest.raises(ForgoneError):
            growth.wait(20)
    assert content(downloads.join(wanted(files[3]), urls("f3", origin))) == files[3]
    assert origin.asked() == ["/pool/small", "/pool/f7", "/pool/f3"]
    downloads.close()


@pytest.mark.parametrize(("connections", "depth", "threads"), [(8, 4, 32), (1, 1, 8), (64, 64, 64)])
def test_what_nobody_waits_for_runs_as_much_at_once_as_connections_can_take(
    objects: Objects, connections: int, depth: int, threads: int
) -> None:
    downloads = Downloads(objects, FetchSettings(connections=connections, depth=depth))
    assert downloads.at_once == threads
    downloads.close()


def test_a_stalled_mirror_fails_and_the_next_one_goes_on(objects: Objects, origin: Origin, second: Origin) -> None:
    downloads = Downloads(objects, replace(FAST, read_timeout_s=0.2, retries=0))
    origin.inject("*", Stall(100_000))
    assert content(downloads.join(wanted(SMALL), urls("small", origin, second))) == SMALL
    assert second.requests[0].headers["range"] == "bytes=100000-"
    downloads.close()


def test_an_unreachable_mirror_is_asked_last_for_a_while(downloads: Downloads, origin: Origin, second: Origin) -> None:
    origin.stop()
    content(downloads.join(wanted(SMALL), urls("small", origin, second)))
    origin.start()
    content(downloads.join(wanted(LARGE), urls("large", origin, second)))
    assert (origin.count(), second.count()) == (0, 2)


@pytest.mark.parametrize("stall", [Stall(), Stall(100_000)])
def test_closing_takes_no_time_even_with_a_hanging_server(objects: Objects, origin: Origin, stall: Stall) -> None:
    downloads = Downloads(objects, replace(FAST, read_timeout_s=600))
    stall = Stall(stall.after)
    origin.inject("*", stall)
    growths = [
        downloads.join(wanted(SMALL), urls("small", origin)),
        downloads.join(wanted(LARGE), urls("large", origin)),
    ]
    assert stall.reached.wait(10)
    ended = threading.Thread(target=downloads.close)
    ended.start()
    ended.join(2)
    assert not ended.is_alive()
    for growth in growths:
        with pytest.raises(UpstreamError, match="clos"):
            growth.wait(0)
    assert downloads.join(wanted(b"later"), []).state is GrowthState.FAILED


def test_what_came_before_closing_is_resumed(objects: Objects, origin: Origin) -> None:
    stall = Stall(2_000_000)
    origin.inject("*", stall, times=1)
    downloads = Downloads(objects, FAST)
    growth = downloads.join(wanted(LARGE), urls("large", origin))
    assert reads_beyond(growth, 1_900_000).wait(10)
    downloads.close()
    again = Downloads(objects, FAST)
    assert content(again.join(wanted(LARGE), urls("large", origin))) == LARGE
    assert int(origin.requests[1].headers["range"].removeprefix("bytes=").rstrip("-")) >= 1_900_000
    again.close()


def test_a_small_object_that_rotted_is_replaced_unseen(tmp_path: Path, objects: Objects, origin: Origin) -> None:
    path = objects.path(objects.put(SMALL))
    assert path is not None
    path.chmod(0o600)
    path.write_bytes(b"rotten" + SMALL[6:])
    fresh = Objects(objects.layout.root)
    downloads = Downloads(fresh, FAST)
    assert content(downloads.join(wanted(SMALL), urls("small", origin))) == SMALL
    assert len(list((objects.layout.root / "quarantine").iterdir())) == 1
    downloads.close()
    fresh.close()


def test_a_large_object_that_rotted_is_cut_and_fetched_at_the_next_join(objects: Objects, origin: Origin) -> None:
    path = objects.path(objects.put(LARGE))
    assert path is not None
    path.chmod(0o600)
    path.write_bytes(b"rotten" + LARGE[6:])
    fresh = Objects(objects.layout.root)
    downloads = Downloads(fresh, FAST)
    with pytest.raises(IntegrityError):
        content(downloads.join(wanted(LARGE), urls("large", origin)))
    assert downloads.tainted(Digest.of(LARGE))
    assert content(downloads.join(wanted(LARGE), urls("large", origin))) == LARGE
    downloads.close()
    fresh.close()


def test_a_file_known_by_sha512_is_found_by_it_later(downloads: Downloads, objects: Objects, origin: Origin) -> None:
    name = Digest(Algorithm.SHA512, hashlib.sha512(SMALL).hexdigest())
    growth = downloads.join(Wanted(name), urls("small", origin))
    assert content(growth) == SMALL
    assert growth.sha256 == Digest.of(SMALL)
    assert objects.read(name) == SMALL


def test_every_strong_hash_must_match(downloads: Downloads, objects: Objects, origin: Origin) -> None:
    lie = Wanted(Digest.of(SMALL), len(SMALL), (Digest(Algorithm.SHA512, hashlib.sha512(b"").hexdigest()),))
    with pytest.raises(UpstreamError):
        content(downloads.join(lie, urls("small", origin)))
    assert not objects.has(Digest.of(SMALL))


def two(objects: Objects) -> tuple[Downloads, Downloads]:
    """As in two processes: flock is by open file, so two stores in one process exclude each other as well."""
    return Downloads(objects, FAST), Downloads(Objects(objects.layout.root), FAST)


def test_another_process_follows_and_sees_the_same_bytes(objects: Objects, origin: Origin) -> None:
    mine, other = two(objects)
    stall = Stall(2_000_000)
    origin.inject("*", stall)
    first = mine.join(wanted(LARGE), urls("large", origin))
    assert stall.reached.wait(10)
    second = other.join(wanted(LARGE), urls("large", origin))
    assert reads_beyond(second, 1_500_000).wait(10)
    stall.release()
    assert content(first) == content(second) == LARGE
    assert origin.count() == 1
    mine.close()
    other.close()


def test_a_follower_takes_over_when_the_holder_ends(objects: Objects, origin: Origin) -> None:
    mine, other = two(objects)
    stall = Stall(2_000_000)
    origin.inject("*", stall, times=1)
    mine.join(wanted(LARGE), urls("large", origin))
    assert stall.reached.wait(10)
    second = other.join(wanted(LARGE), urls("large", origin))
    assert reads_beyond(second, 1_500_000).wait(10)
    mine.close()
    assert content(second) == LARGE
    assert "range" in origin.requests[1].headers
    other.close()


def test_what_cannot_be_gone_on_with_is_not_what_its_follower_gets(objects: Objects, origin: Origin) -> None:
    downloads = Downloads(objects, FAST)
    holder = Partial(objects, Wanted(Digest.of(LARGE)))  # who does not know the size
    holder.append(bytes(len(LARGE) + 1))
    growth = downloads.join(wanted(LARGE), urls("large", origin))
    assert reads_beyond(growth, 1_500_000).wait(10)
    holder.close()
    with pytest.raises(UpstreamError, match="ask again"):
        growth.wait(10)
    assert content(downloads.join(wanted(LARGE), urls("large", origin))) == LARGE
    downloads.close()


def test_nobody_waits_for_ever_for_a_process_that_was_stopped(objects: Objects, origin: Origin) -> None:
    stopped = Partial(objects, wanted(LARGE))
    stopped.append(LARGE[:2_000_000])
    downloads = Downloads(objects, replace(FAST, read_timeout_s=0.3))
    downloads.obtain(wanted(LARGE), urls("large", origin))
    assert holds(objects, LARGE)
    downloads.close()

    stopped.append(LARGE[2_000_000:])  # continued: it does no harm
    assert stopped.objection() is None
    stopped.install()
    stopped.close()
    assert holds(objects, LARGE)
    assert list((objects.layout.root / "tmp").iterdir()) == []


def test_a_follower_is_cut_when_the_holder_got_wrong_bytes(objects: Objects, origin: Origin, second: Origin) -> None:
    mine, other = two(objects)
    stall = Stall(2_000_000)
    origin.inject("*", Flip(5), stall)
    suppliers = urls("large", origin, second)
    mine.join(wanted(LARGE), suppliers)
    assert stall.reached.wait(10)
    followed = other.join(wanted(LARGE), suppliers)
    assert reads_beyond(followed, 1_500_000).wait(10)
    stall.release()
    with pytest.raises(UpstreamError, match="wrong bytes"):
        followed.wait(10)
    assert other.tainted(Digest.of(LARGE))
    assert content(other.join(wanted(LARGE), suppliers)) == LARGE
    mine.close()
    other.close()


def test_a_full_disk_is_not_the_mirrors_fault(downloads: Downloads, objects: Objects, origin: Origin) -> None:
    partial = objects.layout.root / "partial"
    partial.rename(objects.layout.root / "moved")  # the file cannot be made: stands for every local failure
    with pytest.raises(Exception, match="cannot write to the archive") as caught:
        content(downloads.join(wanted(SMALL), urls("small", origin)))
    assert not isinstance(caught.value, UpstreamError)
    assert origin.count() == 0
    assert not objects.notices


def test_sources_give_way_until_a_client_asks_for_them(downloads: Downloads, origin: Origin) -> None:
    stall = Stall(after=1)
    origin.inject("/pool/large", stall)
    large = downloads.join(wanted(LARGE), urls("large", origin))
    assert stall.reached.wait(10)
    for_later = downloads.join(wanted(SMALL), urls("small", origin), Priority.SOURCES)
    assert eventually(lambda: "1 waiting" in repr(downloads.hosts))
    assert downloads.join(wanted(SMALL), urls("small", origin)) is for_later
    assert content(for_later) == SMALL
    stall.release()
    assert content(large) == LARGE
