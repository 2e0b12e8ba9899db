# SPDX-License-Identifier: MIT
"""What the tests' terminal shows."""

import pytest

from support.terminal import rows_of


@pytest.mark.parametrize(
    ("output", "rows"),
    [
        ("one\r\ntwo\r\n", ["one", "two", ""]),
        ("3 of 10\r4", ["4 of 10"]),
        ("a longer one\rshort\x1b[K", ["short"]),
        ("gone\r\x1b[Ktold\r\n", ["told", ""]),
        ("as it is\n", ["as it is", ""]),
    ],
)
def test_the_last_of_what_is_drawn_over_each_other_is_seen(output: str, rows: list[str]) -> None:
    assert rows_of(output) == rows


def test_an_escape_that_leaves_something_behind_is_noticed() -> None:
    with pytest.raises(ValueError, match="does not use"):
        rows_of("\x1b[?25l")
