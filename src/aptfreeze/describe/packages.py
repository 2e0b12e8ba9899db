# SPDX-License-Identifier: MIT
"""The packages that sessions were really served, as text and as data.

Sorted and without times, so that two builds of one state give the same text.
"""

from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote

from aptfreeze.environment.records import ServedPackage

COLUMNS = ("name", "version", "architecture", "sha256", "size", "repository", "suite")


def rows(packages: Iterable[ServedPackage]) -> list[dict[str, Any]]:
    """One row for each file, by `COLUMNS`; the same file served twice is one row."""
    found = {(p.name, p.version, p.architecture, p.sha256.hex, p.size, p.repository, p.suite) for p in packages}
    return [dict(zip(COLUMNS, row, strict=True)) for row in sorted(found)]


def lines(packages: Iterable[ServedPackage]) -> Iterator[str]:
    """A line for each row, its fields separated by one blank.

    What is no visible ASCII character is percent-encoded: an index may hold anything, and a field is a field.
    """
    for row in rows(packages):
        yield " ".join(visible(str(row[column])) for column in COLUMNS)


def printable(text: str) -> str:
    """A line as it is, but for what moves a terminal's cursor or worse: a question mark each."""
    return "".join(each if each.isprintable() else "?" for each in text.replace("\t", "        "))


def visible(text: str) -> str:
    """What is no visible ASCII character is percent-encoded."""
    return quote(text, safe=_VISIBLE)


_VISIBLE = "".join(map(chr, range(ord("!"), ord("~") + 1)))
