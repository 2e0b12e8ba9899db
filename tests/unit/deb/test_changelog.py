# SPDX-License-Identifier: MIT
"""The entries of changelogs, as people and programs have written them over the years."""

import pytest

from aptfreeze.deb.changelog import Entry, entries, entries_after

NEWEST = """\
hello (1:2.0-1+deb12u1) bookworm-security; urgency=high

  [ A Person ]
  * Fix a hole (CVE-2026-0001). Closes: #1000000

    More about it, after an empty line.

 -- A Person <a@example.org>  Tue, 24 Nov 2026 10:00:00 +0000"""
OLDER = """\
hello (1.0) unstable experimental; urgency=low, binary-only=yes

  * First.

 -- A Person <a@example.org>  Sat, 01 Jan 2000 10:00:00 +0000"""
BOTH = f"{NEWEST}\n\n{OLDER}\n".encode()


def versions(data: bytes) -> list[str]:
    return [entry.version for entry in entries(data)]


def test_entries_come_newest_first_with_their_text() -> None:
    assert list(entries(BOTH)) == [
        Entry("hello", "1:2.0-1+deb12u1", NEWEST),
        Entry("hello", "1.0", OLDER),
    ]


@pytest.mark.parametrize(
    "end",
    [
        "# Older entries have been removed from this changelog.\n# To read the complete changelog use `apt changelog`.",
        "Local variables:\nmode: debian-changelog\nEnd:",
        ";; Local variables:\n;; mode: x\n;; End:",
        "vim:sw=2",
        "Old Changelog:\n\nWed Jan  1 1997 A Person\n\n\t* older still",
        "/* comment */",
        "<html>",
        "hello (no version here)\n  * but a change",
    ],
)
def test_what_is_no_entry_belongs_to_none(end: str) -> None:
    assert list(entries(BOTH + b"\n" + end.encode())) == list(entries(BOTH))
    assert list(entries(end.encode() + b"\n" + BOTH)) == list(entries(BOTH))


def test_a_changelog_may_be_cut_anywhere() -> None:
    for kept in range(len(BOTH)):
        for entry in entries(BOTH[:kept]):
            assert BOTH.decode().find(entry.text) in (0, len(NEWEST) + 2)


def test_line_ends_of_another_system_are_line_ends() -> None:
    assert list(entries(BOTH.replace(b"\n", b"\r\n"))) == list(entries(BOTH))


def test_what_a_terminal_would_obey_is_replaced() -> None:
    (entry,) = entries(b"hello (1) sid; urgency=low\n\n  * a\x1b[31m\x07b\x7f\xc2\x9bc\xff\td \xc3\xa9\n")
    assert entry.text == "hello (1) sid; urgency=low\n\n  * a\ufffd[31m\ufffdb\ufffd\ufffdc\ufffd\td \u00e9"


@pytest.mark.parametrize(
    "data", [b"", b"\n\n", b"Version 2.0 of hello\n* new\n", b"\0" * 99, b"hello (1.0 2) sid; x\n"]
)
def test_what_is_no_changelog_has_no_entries(data: bytes) -> None:
    assert versions(data) == []


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        ("", ["2.0-1~deb12u2", "2.0-1~deb12u1", "1.10-1", "1.9-1"]),
        ("1.9-1", ["2.0-1~deb12u2", "2.0-1~deb12u1", "1.10-1"]),
        ("1.9-1+b3", ["2.0-1~deb12u2", "2.0-1~deb12u1", "1.10-1"]),
        ("1.10-2", ["2.0-1~deb12u2", "2.0-1~deb12u1"]),
        ("2.0-1", []),
        ("1:0.1", []),
    ],
)
def test_news_are_what_comes_before_the_version_by_the_order_of_versions(after: str, expected: list[str]) -> None:
    data = b"".join(b"hello (%s) sid; x=y\n\n" % v for v in (b"2.0-1~deb12u2", b"2.0-1~deb12u1", b"1.10-1", b"1.9-1"))
    assert [entry.version for entry in entries_after(data, after)] == expected


def test_the_news_end_at_the_first_entry_that_is_not_newer() -> None:
    """What lies below was known when that version was made, whatever number it bears."""
    data = b"hello (3) sid; x=y\n\nhello (1) sid; x=y\n\nhello (2) experimental; x=y\n"
    assert [entry.version for entry in entries_after(data, "1")] == ["3"]
