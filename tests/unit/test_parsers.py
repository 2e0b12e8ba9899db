# SPDX-License-Identifier: MIT
"""Parsers by themselves; with the values that each setting takes, test_rows.py asks them."""

from pathlib import Path

import pytest

from aptfreeze.parsers import Anchor, archive_urls, one_of, path, whole

ANCHOR = Anchor(Path("/product"), Path("/home/jane"))


def test_a_path_is_relative_to_what_its_origin_says() -> None:
    assert path("keys/a.asc", ANCHOR) == Path("/product/keys/a.asc")
    assert path("~/a.asc", ANCHOR) == Path("/home/jane/a.asc")


@pytest.mark.parametrize("value", [1, 3])
def test_both_bounds_belong_to_them(value: int) -> None:
    assert whole(1, 3)(value, ANCHOR) == value
    with pytest.raises(ValueError, match="a whole number from 2 to 2"):
        whole(2, 2)(value, ANCHOR)


def test_a_word_is_one_of_them_as_it_is_written() -> None:
    assert one_of("a", "b")("b", ANCHOR) == "b"
    with pytest.raises(ValueError, match='one of "a", "b"'):
        one_of("a", "b")("B", ANCHOR)


def test_what_was_parsed_does_not_follow_what_it_was_parsed_from() -> None:
    given = {"mirror.example.org/debian": "http://snapshot.example.org/archive/debian/"}
    parsed = archive_urls(given, ANCHOR)
    given.clear()
    assert dict(parsed) == {"mirror.example.org/debian": "http://snapshot.example.org/archive/debian"}
