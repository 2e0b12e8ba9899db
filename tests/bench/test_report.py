# SPDX-License-Identifier: MIT
"""What the benchmark makes of figures."""

from pathlib import Path

import pytest
from bench.report import Row, keep, load, number, text


def row(**figures: list[float]) -> Row:
    return Row("apt-get, cold", "s", figures=figures)


def test_the_median_of_the_rounds_counts() -> None:
    measured = row(aptfreeze=[9.0, 1.0, 2.0])
    assert measured.median("aptfreeze") == 2.0
    assert measured.median("nginx") is None


@pytest.mark.parametrize(("mine", "says"), [(1.5, "reached"), (1.6, "MISSED")])
def test_a_target_is_reached_or_missed(mine: float, says: str) -> None:
    measured = row(aptfreeze=[mine], nginx=[1.0])
    measured.must_be(1.5, times="nginx")
    shown = text([measured])
    assert says in shown
    assert "<= 1.5 x nginx" in shown


def test_a_target_that_cannot_be_compared_is_neither() -> None:
    measured = row(aptfreeze=[1.0])
    measured.must_be(1.5, times="nginx")
    shown = text([measured])
    assert "reached" not in shown
    assert "MISSED" not in shown


@pytest.mark.parametrize(
    ("value", "shown"), [(None, ""), (0.0, "0"), (0.01234, "0.0123"), (12.34, "12.3"), (1234.5, "1234")]
)
def test_three_digits_that_count(value: float | None, shown: str) -> None:
    assert number(value) == shown


def test_what_is_kept_comes_back(tmp_path: Path) -> None:
    measured = row(aptfreeze=[1.0], squid=[2.0, 3.0])
    measured.must_be(1.0)
    keep(tmp_path, "apt", [measured], 2)
    kept = load(tmp_path, "apt")
    assert kept is not None
    run, rows = kept
    assert run["rounds"] == 2
    assert rows == [measured]
    assert load(tmp_path, "hits") is None
