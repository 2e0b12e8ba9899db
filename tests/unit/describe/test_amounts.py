# SPDX-License-Identifier: MIT
"""Amounts and ages as people read them."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aptfreeze.describe.amounts import age_text, counted, size_text, time_text


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (45_200_000, "45.2 MB"),
        (99_949, "99.9 kB"),
        (99_950, "100 kB"),
        (999_499, "999 kB"),
        (999_500, "1.0 MB"),  # never "1000 kB"
        (2_000_000_000_000, "2.0 TB"),
        (12_345_000_000_000_000, "12345 TB"),
    ],
)
def test_sizes_have_decimal_units(size: int, text: str) -> None:
    assert size_text(size) == text


@given(st.integers(1000, 10**15 - 1))
def test_a_size_has_at_most_three_digits_and_is_right(size: int) -> None:
    number, unit = size_text(size).split()

    power = ("kB", "MB", "GB", "TB").index(unit) + 1
    assert len(number.replace(".", "")) <= 3 or size >= 999_500_000_000_000
    assert float(number) * 1000**power == pytest.approx(size, rel=0.06)


@pytest.mark.parametrize(
    ("age", "text"),
    [
        (timedelta(seconds=-5), "less than a minute"),
        (timedelta(seconds=59), "less than a minute"),
        (timedelta(minutes=1), "1 minute"),
        (timedelta(minutes=119), "1 hour"),
        (timedelta(hours=47), "1 day"),
        (timedelta(days=3, hours=23), "3 days"),
    ],
)
def test_an_age_is_told_in_the_largest_unit_that_fits(age: timedelta, text: str) -> None:
    assert age_text(age) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "1 s"),
        (1.1, "2 s"),
        (99, "99 s"),
        (99.5, "2 min"),
        (121, "3 min"),
        (99 * 60, "99 min"),
        (99 * 60 + 1, "2 h"),
        (23 * 3600, "23 h"),
        (23 * 3600 + 1, "more than a day"),
        (1e12, "more than a day"),
    ],
)
def test_a_time_is_told_in_one_unit_rounded_up(seconds: float, text: str) -> None:
    assert time_text(seconds) == text


def test_one_is_no_plural() -> None:
    assert [counted(count, "request") for count in (0, 1, 2)] == ["0 requests", "1 request", "2 requests"]
