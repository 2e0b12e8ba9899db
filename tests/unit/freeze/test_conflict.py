# SPDX-License-Identifier: MIT
"""Conflict markers: a text is taken apart, and put together. What git writes: tests/contract/test_git_merge.py."""

import pytest

from aptfreeze.errors import UsageError
from aptfreeze.freeze.conflict import marked, marked_whole, take_apart

HEAD = 'version = 1\ngeneration = "{}"\n'
MERGE = """\
version = 1
<<<<<<< HEAD
generation = "a"
=======
generation = "b"
>>>>>>> feature/new-suites

[pins]
"x y" = 1
<<<<<<< HEAD
"x z" = 2
=======
>>>>>>> feature/new-suites
"""
OURS = 'version = 1\ngeneration = "a"\n\n[pins]\n"x y" = 1\n"x z" = 2\n'
THEIRS = 'version = 1\ngeneration = "b"\n\n[pins]\n"x y" = 1\n'
BASE = 'version = 1\ngeneration = "0"\n\n[pins]\n"x y" = 1\n"x z" = 0\n'
DIFF3 = MERGE.replace('"a"\n=', '"a"\n||||||| 4b825dc\ngeneration = "0"\n=').replace(
    '2\n=', '2\n||||||| 4b825dc\n"x z" = 0\n='
)  # fmt: skip


def base_of(text: str) -> str | None:
    sides = take_apart(text, "lock")
    assert sides is not None
    return sides.base


def test_several_hunks_become_two_sides() -> None:
    sides = take_apart(MERGE, "lock")

    assert sides is not None
    assert (sides.ours, sides.theirs, sides.base) == (OURS, THEIRS, None)
    assert (sides.ours_name, sides.theirs_name) == ("HEAD", "feature/new-suites")


def test_diff3_tells_the_base() -> None:
    sides = take_apart(DIFF3, "lock")

    assert sides is not None
    assert (sides.ours, sides.theirs, sides.base) == (OURS, THEIRS, BASE)


def test_a_base_that_only_some_hunks_tell_is_none() -> None:
    assert base_of(DIFF3.replace('||||||| 4b825dc\n"x z" = 0\n', "")) is None


def test_the_base_of_what_both_sides_made_anew_is_none() -> None:
    assert base_of('version = 1\n<<<<<<< a\ngeneration = "a"\n|||||||\n=======\ngeneration = "b"\n>>>>>>> b\n') is None


def test_a_line_that_zdiff3_took_out_of_a_hunk_is_not_of_the_base() -> None:
    text = HEAD.format("0") + '<<<<<<< a\n"k" = 1\n||||||| 0\n"k" = 0\n"l" = 0\n=======\n"k" = 2\n>>>>>>> b\n"l" = 3\n'

    assert base_of(text) == HEAD.format("0") + '"k" = 0\n"l" = 0\n'


def test_markers_without_names_and_with_windows_line_ends() -> None:
    sides = take_apart("<<<<<<<\r\na\r\n=======\r\nb\r\n>>>>>>>\r\n", "lock")

    assert sides is not None
    assert (sides.ours, sides.theirs, sides.ours_name) == ("a\r\n", "b\r\n", "")


@pytest.mark.parametrize("text", ["", OURS, "# <<<<<<< HEAD\n#=======\n", "<<<<<<<<< nine\n"])
def test_a_text_without_markers_has_no_sides(text: str) -> None:
    assert take_apart(text, "lock") is None


@pytest.mark.parametrize(
    ("text", "told"),
    {
        "an end alone": ("a\n>>>>>>> b\n", "line 2: the conflict marker >>>>>>> is out of order"),
        "a middle alone": ("=======\n", "line 1: the conflict marker ======="),
        "a second beginning": ("<<<<<<< a\n<<<<<<< b\n", "line 2: the conflict marker <<<<<<<"),
        "a second middle": ("<<<<<<< a\n=======\n=======\n", "line 3: the conflict marker ======="),
        "a base behind the middle": ("<<<<<<< a\n=======\n||||||| 0\n", "line 3: the conflict marker |||||||"),
        "no middle": ("<<<<<<< a\n>>>>>>> b\n", "line 2: the conflict marker >>>>>>>"),
        "no end": ("<<<<<<< a\n=======\n", "the conflict that begins with <<<<<<< has no end"),
    }.values(),
)
def test_markers_out_of_order_are_told_with_their_line(text: str, told: str) -> None:
    with pytest.raises(UsageError) as raised:
        take_apart(text, "product/aptfreeze.lock")

    assert raised.value.message.startswith(f"product/aptfreeze.lock: {told}")
    assert "git checkout --merge aptfreeze.lock" in str(raised.value.hint)


@pytest.mark.parametrize("base", [None, BASE])
def test_what_is_put_together_comes_apart_again(base: str | None) -> None:
    sides = take_apart(marked(OURS, THEIRS, base), "lock")

    assert sides is not None
    assert (sides.ours, sides.theirs, sides.base) == (OURS, THEIRS, base)
    assert (sides.ours_name, sides.theirs_name) == ("ours", "theirs")


def test_only_what_differs_stands_between_markers() -> None:
    assert marked(OURS, THEIRS, None) == MERGE.replace("HEAD", "ours").replace("feature/new-suites", "theirs")


def test_what_only_the_base_has_otherwise_needs_no_markers() -> None:
    text = marked("a\n\nx\n", "a\n\ny\n", "b\n\nz\n")

    assert text == "a\n\n<<<<<<< ours\nx\n||||||| base\nz\n=======\ny\n>>>>>>> theirs\n"


def test_whole_files_are_one_conflict() -> None:
    sides = take_apart(marked_whole(b"mine", b"other\n").decode(), "lock")

    assert sides is not None
    assert (sides.ours, sides.theirs, sides.base) == ("mine\n", "other\n", None)
    assert marked_whole(b"", b"") == b"<<<<<<< ours\n=======\n>>>>>>> theirs\n"
