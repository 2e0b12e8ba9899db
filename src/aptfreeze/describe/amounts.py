# SPDX-License-Identifier: MIT
"""Amounts and ages for people."""

import math
from datetime import timedelta

_UNITS = ("kB", "MB", "GB", "TB")


def size_text(size: int) -> str:
    """Bytes in decimal units with three digits, as apt writes them: `45.2 MB`."""
    if size < 1000:
        return counted(size, "byte")
    power = 1
    while power < len(_UNITS) and size / 1000**power >= 999.5:
        power += 1
    amount = size / 1000**power
    return f"{amount:.1f} {_UNITS[power - 1]}" if amount < 99.95 else f"{amount:.0f} {_UNITS[power - 1]}"


def age_text(age: timedelta) -> str:
    """How long ago, in the largest unit that fits: `3 days`."""
    seconds = max(0, int(age.total_seconds()))
    for name, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        count = seconds // length
        if count:
            return f"{count} {name}{'s' * (count != 1)}"
    return "less than a minute"


def time_text(seconds: float) -> str:
    """How long something will take, in one unit, rounded up: `45 s`, `2 min`, `3 h`."""
    for unit, length, limit in (("s", 1, 100), ("min", 60, 100), ("h", 3600, 24)):
        count = max(1, math.ceil(seconds / length))
        if count < limit:
            return f"{count} {unit}"
    return "more than a day"


def counted(count: int, noun: str) -> str:
    """`1 request`, `3 requests`."""
    return f"{count} {noun}{'' if count == 1 else 's'}"
