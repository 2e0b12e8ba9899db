# SPDX-License-Identifier: MIT
"""The line of progress: what it says, and what it leaves out where something is not known or does not fit."""

import pytest

from aptfreeze.describe.progress import (
    Activity,
    ArchiveProgress,
    FetchingProgress,
    FilesProgress,
    Line,
    Rate,
    ServingProgress,
    SourcesProgress,
)
from aptfreeze.fetch.download import Download
from aptfreeze.fetch.priority import Priority


def download(name: str, received: int = 0, size: int | None = None, priority: Priority = Priority.DEMANDED) -> Download:
    return Download(name, received, size, priority)


# --- width ---


@pytest.mark.parametrize(
    ("columns", "text"),
    [
        (80, "1 MB: alpha.deb, beta.deb, gamma.deb"),
        (36, "1 MB: alpha.deb, beta.deb, gamma.deb"),
        (35, "1 MB: alpha.deb and 2 more"),
        (26, "1 MB: alpha.deb and 2 more"),
        (25, "1 MB: alpha.deb and 2 ..."),
        (8, "1 MB:..."),
        (3, "1 M"),
        (0, ""),
        (-5, ""),
    ],
)
def test_as_many_names_as_fit(columns: int, text: str) -> None:
    assert Line("1 MB", ("alpha.deb", "beta.deb", "gamma.deb")).fitted(columns) == text


def test_no_more_than_five_names() -> None:
    assert Line("1 MB", tuple("abcdefg")).fitted(1000) == "1 MB: a, b, c, d, e and 2 more"


def test_nothing_under_way_is_a_summary_alone() -> None:
    assert Line("3 requests").fitted(80) == "3 requests"
    assert Line("3 requests").fitted(6) == "3 r..."


# --- rate ---


def rate_of(*counts: tuple[float, int]) -> float | None:
    rate = Rate()
    for now, total in counts:
        rate.count(total, now)
    return rate.per_s


def test_without_time_there_is_no_rate() -> None:
    assert rate_of() is None
    assert rate_of((7.0, 1000)) is None
    assert rate_of((7.0, 1000), (7.0, 5000)) is None
    assert rate_of((7.0, 1000), (7.1, 5000)) is None


def test_the_rate_is_that_of_the_last_seconds() -> None:
    assert rate_of((0, 0), (1, 100), (2, 200)) == 100
    assert rate_of((0, 5_000_000), (10, 5_000_000), (12, 5_000_100), (15, 5_000_500)) == 100


def test_silence_makes_it_nothing_after_a_while() -> None:
    assert rate_of((0, 0), (1, 9000), (4, 9000)) == 2250
    assert rate_of((0, 0), (1, 9000), (4, 9000), (7, 9000)) == 0


def test_bytes_that_had_to_be_thrown_away_are_counted_anew() -> None:
    assert rate_of((0, 0), (1, 9000), (2, 500)) is None
    assert rate_of((0, 0), (1, 9000), (2, 500), (3, 600)) == 100


# --- Sources indexes ---


class Sources:
    """A wait, at one look after the other."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self._progress = SourcesProgress(self.told.append)

    def look(self, now: float, *awaited: Download) -> str | None:
        line = self._progress.line(awaited, now)
        return None if line is None else line.fitted(200)


def test_a_wait_for_sources_tells_amount_rate_and_time_left() -> None:
    sources = Sources()

    assert sources.look(0, download("bookworm main", 1_000_000, 9_400_000)) == "1.0 MB of 9.4 MB: bookworm main 10%"
    assert sources.look(2, download("bookworm main", 3_400_000, 9_400_000)) == (
        "3.4 MB of 9.4 MB, 1.2 MB/s, 5 s left: bookworm main 36%"
    )


def test_what_has_come_counts_and_is_not_named() -> None:
    sources = Sources()
    main, contrib = download("bookworm main", 9_000, 9_000), download("bookworm contrib", 0, 1_000)

    assert sources.look(0, main, contrib) == "9.0 kB of 10.0 kB: bookworm contrib 0%"


def test_once_it_is_told_for_good_what_is_awaited_and_how_not_to() -> None:
    sources = Sources()

    assert sources.look(0) is None
    assert sources.told == []
    for now in (1, 2):
        sources.look(now, download("bookworm main"), download("mirror.example.org/flat ./"))
    assert sources.told == [
        "fetching Sources indexes: bookworm main, mirror.example.org/flat ./ (Ctrl-C: the next run goes on)"
    ]


def test_one_unknown_size_makes_total_and_time_unknown() -> None:
    sources = Sources()
    sources.look(0, download("a", 0, 100), download("b", 0, None))

    assert sources.look(1, download("a", 0, 100), download("b", 50, None)) == "50 bytes, 50 bytes/s: a 0%, b"


def test_a_mirror_that_fell_silent_has_no_time_left() -> None:
    sources = Sources()
    sources.look(0, download("a", 50, 100))

    assert sources.look(9, download("a", 50, 100)) == "50 bytes of 100 bytes, 0 bytes/s: a 50%"


# --- a server ---


def activity(
    requests: int = 0, connections: int = 0, *downloads: Download, is_busy: bool = False, received: int = 0
) -> Activity:
    return Activity(requests, connections, is_busy, downloads, received)


class Server:
    """A server, at one look after the other."""

    def __init__(self) -> None:
        self._progress = ServingProgress()

    def look(self, now: float, seen: Activity) -> str | None:
        line = self._progress.line(seen, now)
        return None if line is None else line.fitted(200)


def test_a_server_tells_requests_connections_rate_and_files() -> None:
    server = Server()
    server.look(0, activity(1, 1, download("hello.deb", 0, 4000), is_busy=True))

    assert server.look(2, activity(7, 2, download("hello.deb", 1000, 4000), is_busy=True, received=3000)) == (
        "7 requests, 2 connections, 1.5 kB/s: hello.deb 25%"
    )


def test_what_clients_wait_for_comes_before_what_nobody_does_and_what_runs_before_what_waits() -> None:
    queue = [
        download("sources", 5, 9, Priority.SOURCES),
        download("queued", 0, 9, Priority.PREFETCHED),
        download("prefetched", 3, 9, Priority.PREFETCHED),
        download("demanded", 0, 9),
    ]

    told = Server().look(0, activity(1, 1, *queue))

    assert told == "1 request, 1 connection: demanded 0%, prefetched 33%, queued 0%, sources 55%"


def test_hits_have_no_rate_of_mirrors() -> None:
    server = Server()
    server.look(0, activity(1, 1))

    assert server.look(1, activity(900, 1)) == "900 requests, 1 connection"


def test_an_idle_server_shows_nothing_after_a_moment() -> None:
    server = Server()

    assert server.look(0, activity(0, 0)) is None
    assert server.look(1, activity(3, 1)) is not None
    assert server.look(2.9, activity(3, 1)) is not None  # it would flicker between two requests
    assert server.look(3.1, activity(3, 1)) is None
    assert server.look(99, activity(3, 1, is_busy=True)) is not None


# --- a command that fetches ---


def test_what_is_fetched_and_how_fast() -> None:
    progress = FetchingProgress()
    running = [download("a.deb", 30, 100), download("b.deb")]
    assert progress.line([], 0, 7.0) is None
    assert progress.line(running[:1], 0, 7.1) == Line("fetching 1 file", ("a.deb 30%",))
    assert progress.line(running, 2_000_000, 8.0) == Line("fetching 2 files, 2.0 MB/s", ("a.deb 30%", "b.deb"))
    assert progress.line([], 2_000_000, 9.0) is None


# --- many files ---


def test_many_files_tell_how_many_are_done_and_what_is_under_way() -> None:
    progress = FilesProgress(98, 45_200_000)

    assert progress.line(0, 0, (), 0).fitted(200) == "0 of 98 files, 0 bytes of 45.2 MB"
    running = (download("hello.deb", 400_000, 1_000_000), download("waits.deb", 0, 500))
    assert progress.line(12, 2_000_000, running, 2).fitted(200) == (
        "12 of 98 files, 2.4 MB of 45.2 MB, 1.2 MB/s, 36 s left: hello.deb 40%"
    )


def test_more_than_all_is_never_told() -> None:
    assert FilesProgress(1, 100).line(1, 150, (), 0).fitted(200) == "1 of 1 file, 100 bytes of 100 bytes"


def test_where_bytes_are_no_measure_files_alone_are_told() -> None:
    assert FilesProgress(98, None).line(12, 0, (), 0).fitted(200) == "12 of 98 files"


# --- every object ---


def test_a_check_of_all_objects_knows_how_far_it_is_by_their_names() -> None:
    progress = ArchiveProgress()
    half = "objects/sha256/80/80" + "0" * 62

    assert progress.line(0, 0, "", 0) == Line("0 objects, 0 bytes read")
    assert progress.line(5, 1_000_000, "objects/sha256/40/40" + "0" * 62, 1).summary == (
        "5 objects, 1.0 MB read, 1.0 MB/s, 25%"
    )
    assert progress.line(10, 2_000_000, half, 2).summary == "10 objects, 2.0 MB read, 1.0 MB/s, 50%, 2 s left"
    assert progress.line(10, 2_000_000, "objects/stray", 2).summary == "10 objects, 2.0 MB read, 1.0 MB/s"
