# SPDX-License-Identifier: MIT
"""The modelled link: what it serves, what it counts, and that it is as slow as it says."""

import http.client
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from bench.link import Counts, Link, Shape

DATA = bytes(range(256)) * 4096


@pytest.fixture
def link(tmp_path: Path) -> Iterator[Link]:
    (tmp_path / "a+b").write_bytes(DATA)
    with Link(tmp_path) as link:
        yield link


def fetch(link: Link, path: str = "/a%2bb", **fields: str) -> bytes:
    request = urllib.request.Request(link.url + path, headers=fields)
    with urllib.request.urlopen(request, timeout=20) as response:
        data: bytes = response.read()
    return data


def test_files_and_parts_of_them_are_served_and_counted(link: Link) -> None:
    assert fetch(link) == DATA
    assert fetch(link, Range="bytes=1000-1999") == DATA[1000:2000]
    assert fetch(link, Range=f"bytes={len(DATA) - 5}-") == DATA[-5:]
    assert link.counts() == Counts(requests=3, body_bytes=len(DATA) + 1005, connections=3)
    assert link.counts() == Counts()


def test_what_is_not_there_is_404(link: Link) -> None:
    with pytest.raises(urllib.error.HTTPError, match="404"):
        fetch(link, "/nothing")


def test_an_answer_can_be_cut(link: Link) -> None:
    link.cut(after=100_000, times=1)
    with pytest.raises((OSError, http.client.IncompleteRead)):
        fetch(link)
    assert fetch(link) == DATA


@pytest.mark.parametrize("is_shared", [True, False])
def test_no_rate_is_exceeded(link: Link, is_shared: bool) -> None:
    """Slower than modelled is what a busy machine makes of it; faster would be wrong."""
    rate = 2 * len(DATA)  # bytes per second
    link.shape(Shape("slow", 0.01, rate, rate if is_shared else 0.0))
    began = time.monotonic()
    with ThreadPoolExecutor(3) as threads:
        assert set(threads.map(lambda _: fetch(link), range(3))) == {DATA}
    took = time.monotonic() - began
    assert took > (3 if is_shared else 1) * len(DATA) / rate * 0.85  # late timers are made up for


def test_a_new_connection_and_a_request_take_a_round_trip_each(link: Link) -> None:
    link.shape(Shape("far", 0.2, 0.0, 0.0))
    began = time.monotonic()
    fetch(link, Range="bytes=0-9")
    assert time.monotonic() - began > 0.38
