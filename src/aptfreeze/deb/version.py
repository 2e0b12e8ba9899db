# SPDX-License-Identifier: MIT
"""The order of version numbers, by deb-version(7): `1.0~rc1 < 1.0 < 1.0+b1 < 1:0.9`.

Rule 1: any text has its place: an index may hold what no version should be, and dpkg's order is total too.
Rule 2: versions that differ in text alone are equal in order (`1.0`, `0:1.0-0`, `1.00`).
"""

import re

Key = tuple[object, ...]
"""Compares as the versions do; of no other use."""

_RUNS = re.compile(r"([^0-9]*)([0-9]*)")


def sort_key(version: str) -> Key:
    """For `sorted`, `max` and `==`."""
    epoch, colon, rest = version.partition(":")
    if not colon:
        epoch, rest = "", version
    upstream, _, revision = rest.rpartition("-") if "-" in rest else (rest, "", "")
    return (_part(epoch), _part(upstream), _part(revision))


def _part(text: str) -> Key:
    """Runs of other characters and of digits in turn.

    The end, which `~` comes before, is told twice: a leading 0 looks like the end, and what follows it must still be
    compared with the end of the other (`0~ < 0`).
    """
    pairs = [(_letters(letters), _number(digits)) for letters, digits in _RUNS.findall(text)]
    while pairs and pairs[-1] == _END:  # no number at all is equal to 0
        pairs.pop()
    return (*pairs, _END, _END)


def _letters(text: str) -> tuple[int, ...]:
    """`~` before the end, the end before letters, letters before all others."""
    return (*map(_rank, text), 0)


def _rank(character: str) -> int:
    if character == "~":
        return -1
    return ord(character) if character.isalpha() else ord(character) + 0x110000


def _number(digits: str) -> tuple[int, str]:
    """Of any length; `int` refuses very long ones."""
    significant = digits.lstrip("0")
    return (len(significant), significant)


_END = (_letters(""), _number(""))
