# SPDX-License-Identifier: MIT
"""How many connections are worth it, by rates over simulated time."""

import itertools
from collections.abc import Callable

import pytest

from aptfreeze.fetch.pace import Pace

MB = 1_000_000
Rate = Callable[[int], float]


class Traffic:
    """A host that is read for a while, with as many connections as are allowed."""

    def __init__(self, limit: int = 8) -> None:
        self.pace = Pace(limit)
        self.now = 100.0

    def runs(self, seconds: float, rate: Rate, busy: Callable[[int], int] = lambda allowed: allowed) -> int:
        """The number that is allowed in the end; `rate` and `busy` are by the number that is allowed then."""
        until = self.now + seconds
        while self.now < until:
            self.now += 0.02
            allowed = self.pace.allowed
            self.pace.received(int(rate(allowed) * 0.02), self.now, busy=busy(allowed))
        return self.pace.allowed


def per_connection(connections: int) -> float:
    return connections * 12 * MB


def shared(_: int) -> float:
    return 12 * MB


def test_where_each_connection_is_limited_they_become_many() -> None:
    assert Traffic().runs(3, per_connection) == 8


def test_never_more_than_the_limit() -> None:
    assert Traffic(limit=3).runs(10, per_connection) == 3


def test_where_the_link_is_the_limit_one_is_enough() -> None:
    traffic = Traffic()
    assert traffic.runs(0.7, shared) == 2  # one attempt
    assert traffic.runs(30, shared) == 1
    assert traffic.pace.behind == pytest.approx(24 * MB)  # what it brings in two seconds is one pipeline


def test_where_the_connection_is_the_limit_what_one_of_them_brings_in_two_seconds_is_its_pipeline() -> None:
    traffic = Traffic()
    traffic.runs(30, lambda count: min(count, 4) * 12 * MB)
    assert traffic.pace.allowed == 4
    assert traffic.pace.behind == pytest.approx(24 * MB)


def test_after_a_minute_it_is_tried_again() -> None:
    traffic = Traffic()
    assert traffic.runs(30, shared) == 1
    assert traffic.runs(60, per_connection) == 8


@pytest.mark.parametrize("rate", [13 * MB, 2 * MB])
def test_clients_that_ask_for_little_do_not_speak_against_more(rate: float) -> None:
    traffic = Traffic()
    traffic.runs(0.7, per_connection)
    assert traffic.pace.allowed == 2
    assert traffic.runs(10, lambda _: rate, busy=lambda _: 1) == 2
    assert traffic.runs(1, per_connection) > 2


def test_connections_that_run_dry_now_and_then_do_not_speak_against_more_either() -> None:
    traffic, busy = Traffic(), itertools.cycle([2, 2, 1])
    traffic.runs(0.7, per_connection)
    assert traffic.pace.allowed == 2
    assert traffic.runs(10, lambda _: 13 * MB, busy=lambda _: next(busy)) == 2


def test_a_slow_start_is_no_rise() -> None:
    """What one connection brings is known only when its rate has become steady."""
    traffic = Traffic()
    for rate in (1, 2, 3, 5, 8, 12):
        assert traffic.runs(0.1, lambda _, rate=rate: rate * MB) == 1  # type: ignore[misc]
    assert traffic.runs(30, shared) == 1


def test_one_burst_is_no_rise() -> None:
    traffic = Traffic()
    assert traffic.runs(0.7, shared) == 2
    assert traffic.runs(0.1, lambda _: 60 * MB) == 2
    assert traffic.runs(30, shared) == 1


def test_a_pause_says_nothing_about_the_rate() -> None:
    pace = Pace(8)
    for second in range(0, 100, 10):
        pace.received(1000, float(second), busy=1)
    assert pace.allowed == 1
