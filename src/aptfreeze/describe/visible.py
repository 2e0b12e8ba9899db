# SPDX-License-Identifier: MIT
"""Text of indexes and other files, as it may be shown: they may hold anything, and a terminal obeys."""

from urllib.parse import quote


def printable(text: str) -> str:
    """A line as it is, but for what moves a terminal's cursor or worse: a question mark each."""
    return "".join(each if each.isprintable() else "?" for each in text.replace("\t", "        "))


def visible(text: str) -> str:
    """What is no visible ASCII character is percent-encoded."""
    return quote(text, safe=_VISIBLE)


_VISIBLE = "".join(map(chr, range(ord("!"), ord("~") + 1)))
