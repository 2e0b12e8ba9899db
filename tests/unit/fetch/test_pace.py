# SPDX-License-Identifier: MIT
"""How many connections are worth it, by rates over simulated time."""

from collections.abc import Callable

from aptfreeze.fetch.pace import Pace


def allowed_after(seconds: float, rate: Callable[[int], float], limit: int = 8) -> int:
    """With as many connections as are allowed, and the total rate that so many of them reach."""
    pace, now = Pace(limit), 100.0
    while now < 100.0 + seconds:
        now += 0.05
        pace.received(int(rate(pace.allowed) * 0.05), now, connections=pace.allowed)
    return pace.allowed


def test_where_each_connection_is_limited_they_become_many() -> None:
    assert allowed_after(3, lambda connections: connections * 12e6) == 8


def test_where_the_link_is_the_limit_they_stay_few() -> None:
    assert allowed_after(30, lambda _: 12e6) == 2  # one attempt to see that it does not help


def test_never_more_than_the_limit() -> None:
    assert allowed_after(10, lambda connections: connections * 12e6, limit=3) == 3


def test_a_pause_says_nothing_about_the_rate() -> None:
    pace = Pace(8)
    for second in range(0, 100, 10):
        pace.received(1000, float(second), connections=1)
    assert pace.allowed == 1
