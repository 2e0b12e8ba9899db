# SPDX-License-Identifier: MIT
"""A large file in parts: what is asked, what comes, and what becomes of servers that will not."""

import itertools
import random
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import pytest

from aptfreeze.archive.objects import Objects
from aptfreeze.fetch.chain import MirrorUrl
from aptfreeze.fetch.download import Downloads
from aptfreeze.fetch.failures import ClosingError, ForgoneError, PassingError
from aptfreeze.fetch.host import Host
from aptfreeze.fetch.line import Response
from aptfreeze.fetch.priority import Asker, Priority
from aptfreeze.fetch.split import Part, parts_of
from aptfreeze.fetch.split import opened as opened_parts
from aptfreeze.freeze.digest import Digest, Wanted
from aptfreeze.settings import FetchSettings
from support.askers import Asking
from support.faults import Answer, Ending, Fault, Headers, NoRange, Stall, Status, Truncate
from support.origin import Origin
from support.serving import eventually

MIB = 1 << 20
DATA = random.Random(5).randbytes(9 * MIB + 5)
WANTED = Wanted(Digest.of(DATA), len(DATA))


@pytest.fixture
def origin(tmp_path: Path) -> Iterator[Origin]:
    (tmp_path / "mirror").mkdir()
    (tmp_path / "mirror" / "file").write_bytes(DATA)
    (tmp_path / "mirror" / "small").write_bytes(b"small")
    with Origin(tmp_path / "mirror") as origin:
        yield origin


@pytest.fixture
def downloads(tmp_path: Path, origin: Origin, monkeypatch: pytest.MonkeyPatch) -> Iterator[Downloads]:
    """From a host that is known, and has shown that three connections are worth it."""
    downloads = Downloads(Objects(tmp_path / "archive"), FetchSettings(retries=2))
    downloads.fetch_bytes([f"{origin.url}/small"], 100)
    origin.requests.clear()
    monkeypatch.setattr(Host, "spare", 3)
    yield downloads
    downloads.close()


@dataclass(frozen=True, slots=True)
class Unframed(Fault):
    """The body ends with the connection, after so many bytes; nothing tells that it is not whole."""

    after: int

    def change(self, answer: Answer, target: str) -> None:
        del answer.headers["Content-Length"]
        answer.headers["Connection"] = "close"
        answer.limit, answer.ending = self.after, Ending.CLOSE


@dataclass(frozen=True, slots=True)
class Longer(Fault):
    """More bytes than were asked for, and Content-Length tells them."""

    more: bytes

    def change(self, answer: Answer, target: str) -> None:
        answer.body += self.more
        answer.headers["Content-Length"] = str(len(answer.body))


@dataclass(slots=True)
class ButTheFirst(Fault):
    """A fault that spares the first answer."""

    fault: Fault
    answers: int = 0

    def change(self, answer: Answer, target: str) -> None:
        self.answers += 1
        if self.answers > 1:
            self.fault.change(answer, target)


def opened(downloads: Downloads, origin: Origin, start: int = 0, asker: Asking | None = None) -> bytes:
    with MirrorUrl(f"{origin.url}/file").open(downloads, WANTED, start, asker or Asking()) as delivery:
        assert delivery.start == start
        return b"".join(delivery.pieces)


def ranges(origin: Origin) -> set[str | None]:
    return {seen.headers.get("range") for seen in origin.requests}


# --- which parts ---


@pytest.mark.parametrize(
    ("start", "size", "at_once", "lengths"),
    [
        (0, 100 * MIB, 1, [100 * MIB]),  # no connection to spare
        (0, 4 * MIB - 1, 8, [4 * MIB - 1]),  # too small
        (0, 4 * MIB, 8, [2 * MIB, 2 * MIB]),
        (6 * MIB, 10 * MIB, 8, [2 * MIB, 2 * MIB]),
        (0, 9 * MIB, 3, [3 * MIB, 3 * MIB, 3 * MIB]),
        (0, 10 * MIB + 1, 2, [4 * MIB, 4 * MIB, 2 * MIB + 1]),  # what waits in memory is not longer
        (5, 5, 8, [0]),
    ],
)
def test_parts(start: int, size: int, at_once: int, lengths: list[int]) -> None:
    parts = parts_of(start, size, at_once)
    assert [part.size for part in parts] == lengths
    assert parts[0].start == start
    assert parts[-1].end == size
    assert all(before.end == after.start for before, after in itertools.pairwise(parts))


# --- with a server ---


@pytest.mark.parametrize("start", [0, 1234])
def test_the_parts_together_are_the_file(downloads: Downloads, origin: Origin, start: int) -> None:
    assert opened(downloads, origin, start) == DATA[start:]
    parts = parts_of(start, len(DATA), 3)
    assert ranges(origin) == {f"bytes={part.start}-{part.end - 1}" for part in parts}
    assert len(origin.requests) == len(parts)
    assert len(parts) > 2


def test_the_parts_come_at_the_same_time(downloads: Downloads, origin: Origin) -> None:
    stall = Stall(after=10)
    origin.inject("*", stall, times=1)
    with MirrorUrl(f"{origin.url}/file").open(downloads, WANTED, 0, Asking()) as delivery:
        first = next(delivery.pieces)
        assert stall.reached.wait(10)
        assert eventually(lambda: len(origin.requests) == 3)
        stall.release()
        assert first + b"".join(delivery.pieces) == DATA


def test_without_a_connection_to_spare_the_file_is_asked_whole(tmp_path: Path, origin: Origin) -> None:
    downloads = Downloads(Objects(tmp_path / "archive"), FetchSettings())
    assert opened(downloads, origin) == DATA
    assert ranges(origin) == {None}
    downloads.close()


def test_sources_come_whole(downloads: Downloads, origin: Origin) -> None:
    assert opened(downloads, origin, asker=Asking(Priority.SOURCES)) == DATA
    assert ranges(origin) == {None}


def test_a_server_without_ranges_sends_the_file_and_is_not_asked_for_parts_again(
    downloads: Downloads, origin: Origin
) -> None:
    origin.inject("*", NoRange())
    assert opened(downloads, origin) == DATA
    assert opened(downloads, origin) == DATA
    assert [seen.headers.get("range") is None for seen in origin.requests] == [False, True]


@pytest.mark.parametrize("fault", [Status(429), Truncate(10), Headers({"Content-Range": f"bytes 0-9/{len(DATA)}"})])
def test_a_part_that_fails_is_a_passing_failure_and_the_last_attempt_at_parts(
    downloads: Downloads, origin: Origin, fault: Fault
) -> None:
    origin.inject("*", ButTheFirst(fault))
    pieces: list[bytes] = []
    with (
        pytest.raises(PassingError),
        MirrorUrl(f"{origin.url}/file").open(downloads, WANTED, 0, Asking()) as delivery,
    ):
        pieces += delivery.pieces
    origin.heal()
    assert opened(downloads, origin) == DATA
    assert None in ranges(origin)


def test_a_part_that_is_too_long_is_cut_where_it_should_have_ended(downloads: Downloads, origin: Origin) -> None:
    origin.inject("*", Longer(b"more"), times=1)
    pieces: list[bytes] = []
    with (
        pytest.raises(PassingError, match="as a part of"),
        MirrorUrl(f"{origin.url}/file").open(downloads, WANTED, 0, Asking()) as delivery,
    ):
        pieces.extend(delivery.pieces)
    assert DATA.startswith(b"".join(pieces))


@pytest.mark.parametrize("is_first", [True, False])
def test_a_part_that_ends_early_without_a_word_does_not_misplace_the_next(
    downloads: Downloads, origin: Origin, is_first: bool
) -> None:
    fault = Unframed(1000)
    origin.inject("*", fault if is_first else ButTheFirst(fault), times=1 if is_first else None)
    pieces: list[bytes] = []
    with (
        pytest.raises(PassingError, match="sent 1000 bytes"),
        MirrorUrl(f"{origin.url}/file").open(downloads, WANTED, 0, Asking()) as delivery,
    ):
        pieces.extend(delivery.pieces)
    assert DATA.startswith(b"".join(pieces))


def test_a_download_goes_on_without_parts_where_one_failed(downloads: Downloads, origin: Origin) -> None:
    origin.inject("*", ButTheFirst(Status(503)), times=3)
    growth = downloads.join(WANTED, [MirrorUrl(f"{origin.url}/file")])
    growth.wait(20)
    assert downloads.objects.read(WANTED.digest) == DATA
    first = parts_of(0, len(DATA), 3)[0]
    assert f"bytes={first.end}-" in ranges(origin)


def test_parts_that_nobody_wants_any_more_are_forgone(downloads: Downloads, origin: Origin) -> None:
    stall, askers = Stall(after=10), list[Asker]()
    origin.inject("*", ButTheFirst(stall))
    url = f"{origin.url}/file"

    def get(part: Part, asker: Asker) -> AbstractContextManager[Response]:
        askers.append(asker)
        return downloads.hosts.get(url, asker, start=part.start, end=part.end, size=part.size)

    with opened_parts(parts_of(0, len(DATA), 3), get, Asking(), 3, lambda: None) as (_, pieces):
        next(pieces)
        assert stall.reached.wait(10)
        assert eventually(lambda: len(askers) == 3)
        assert {asker.priority for asker in askers} == {Priority.DEMANDED}
    assert [asker.priority for asker in askers[1:]] == [Priority.FORGONE, Priority.FORGONE]
    stall.release()


def test_closing_ends_the_parts_too(downloads: Downloads, origin: Origin) -> None:
    stall = Stall(after=10)
    origin.inject("*", stall)
    with MirrorUrl(f"{origin.url}/file").open(downloads, WANTED, 0, Asking()) as delivery:
        next(delivery.pieces)
        downloads.hosts.close()
        with pytest.raises((PassingError, ClosingError)):
            list(delivery.pieces)


def test_a_host_is_not_blamed_for_what_nobody_wants_any_more(downloads: Downloads, origin: Origin) -> None:
    asker = _Changing(Priority.PREFETCHED)
    with MirrorUrl(f"{origin.url}/file").open(downloads, WANTED, 0, asker) as delivery:
        asker.priority = Priority.FORGONE
        with pytest.raises(ForgoneError):
            b"".join(delivery.pieces)
    assert downloads.hosts.parts_at_once(f"{origin.url}/file") == 3


@dataclass(slots=True)
class _Changing:
    priority: Priority
