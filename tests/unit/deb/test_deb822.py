# SPDX-License-Identifier: MIT
"""Paragraphs of fields, and that nothing else passes for them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aptfreeze.deb.deb822 import Limits, Paragraph, ParseError, paragraphs, without_fields

DSC = b"""\
Format: 3.0 (quilt)
Source: hello
Package-List:
 hello deb devel optional arch=any
# a comment between the lines of a list
 hello-doc deb doc optional arch=all
Empty:

Source: second\t
"""


def read(text: bytes, limits: Limits = Limits()) -> list[Paragraph]:  # noqa: B008
    return list(paragraphs(text.split(b"\n"), limits))


def refusal(text: bytes, limits: Limits = Limits()) -> ParseError:  # noqa: B008
    with pytest.raises(ParseError) as caught:
        read(text, limits)
    return caught.value


def test_two_paragraphs() -> None:
    first, second = read(DSC)
    assert first.get("format") == "3.0 (quilt)"
    assert first.get("PACKAGE-LIST").split("\n") == [
        "hello deb devel optional arch=any",
        " hello-doc deb doc optional arch=all",
    ]
    assert first.get("Empty") == ""
    assert "Empty" in first
    assert "Directory" not in first
    assert len(first) == 4
    assert (second.get("Source"), second.line) == ("second", 9)
    assert repr(second) == "Paragraph(line 9: source)"


def test_lines_may_come_with_their_line_feed() -> None:
    with_feed = list(paragraphs(DSC.splitlines(keepends=True)))
    assert [p.get("Source") for p in with_feed] == ["hello", "second"]


def test_nothing_but_blank_lines_is_no_paragraph() -> None:
    assert read(b"\n \n\t\n# comment\n") == []


def test_a_line_of_blanks_ends_a_paragraph() -> None:
    assert [p.get("A") for p in read(b"A: 1\n \nA: 2\n")] == ["1", "2"]


def test_the_last_of_two_equal_fields_counts_with_its_own_lines() -> None:
    (paragraph,) = read(b"A: 1\n one\nB: 2\na: 3\n three\n")
    assert paragraph.get("A") == "3\n three"
    assert paragraph.get("B") == "2"


def test_text_that_is_no_utf8_is_replaced() -> None:
    assert read(b"A: \xe9\n")[0].get("A") == "\ufffd"


def test_a_carriage_return_is_data() -> None:
    assert read(b"A: 1\r\n")[0].get("A") == "1\r"
    assert refusal(b"A: 1\r\n\r\nB: 2\r\n").line == 2


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (b"<!DOCTYPE html>\n<html>", 1),
        (b"A: 1\nno colon", 2),
        (b"A: 1\n\n continuation", 3),
        (b"-----BEGIN PGP SIGNED MESSAGE-----\n", 1),
        (b": nameless", 1),
        (b"-A: 1", 1),
        (b"A b: 1", 1),
        (b"\xc3\xa9: 1", 1),
    ],
)
def test_what_is_no_field_is_refused_with_its_line(text: bytes, line: int) -> None:
    error = refusal(text)
    assert error.line == line
    assert str(error).startswith(f"line {line}: ")


def test_every_direction_is_bounded() -> None:
    limits = Limits(line=20, paragraph=100, fields=3)
    assert read(b"A: 1\nB: 2\nC: 3\n\n" * 10, limits)
    assert refusal(b"A: 1\nB: 2\nC: 3\nD: 4\n", limits).line == 4
    assert refusal(b"A: " + b"x" * 18, limits).line == 1
    assert (
        refusal(b"A: 1\n" + b" " + b"x" * 18 + b"\n " + b"x" * 18 + b"\n" + b" xxxxxxxxxxxxxxxxxx\n" * 4, limits).line
        == 7
    )


NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,10}", fullmatch=True)
WORDS = st.text(
    st.characters(codec="utf-8", exclude_characters="\n\t ", exclude_categories=["Cs"]), min_size=1, max_size=9
)


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(NAMES.map(str.lower), st.lists(WORDS, min_size=1, max_size=4), min_size=1, max_size=5))
def test_what_is_written_is_read(fields: dict[str, list[str]]) -> None:
    text = "".join(f"{name}: " + "\n ".join(lines) + "\n" for name, lines in fields.items())
    (paragraph,) = read(text.encode())
    assert {name: paragraph.get(name.upper()).split("\n ") for name in fields} == fields


RELEASE = b"""\
Origin: Example
valid-until: Sat, 11 Jul 2026 10:16:37 UTC
Date: Sat, 04 Jul 2026 10:16:37 UTC
Signed-By: AAAA,
 BBBB,
# who signs
\tCCCC
SHA256:
 00 1 valid-until: x
Description: Valid-Until: never

Valid-Until: second paragraph
"""


def test_fields_go_with_their_further_lines_and_all_else_stays() -> None:
    kept = without_fields(RELEASE, frozenset({b"valid-until", b"signed-by"}))
    assert kept == (
        b"Origin: Example\nDate: Sat, 04 Jul 2026 10:16:37 UTC\n# who signs\nSHA256:\n 00 1 valid-until: x\n"
        b"Description: Valid-Until: never\n\n"
    )


@given(st.lists(st.sampled_from([*RELEASE.split(b"\n"), b" ", b"A:", b"#b: c", b" # d"]), max_size=12))
def test_a_reader_finds_the_other_fields_as_before_and_none_of_these(lines: list[bytes]) -> None:
    text = b"\n".join(lines)
    names = ("valid-until", "signed-by")
    kept = without_fields(text, frozenset(name.encode() for name in names))
    try:
        before = read(text)
    except ParseError:
        return
    fields = [{name: value for name, value in each._fields.items() if name not in names} for each in before]
    assert [each._fields for each in read(kept)] == [each for each in fields if each]
