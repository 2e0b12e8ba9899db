# SPDX-License-Identifier: MIT
"""Amounts and ages for people."""

from datetime import timedelta

_UNITS = ("bytes", "kB", "MB", "GB", "TB")


def size_text(size: float) -> str:
    """Bytes in decimal units, as apt writes them: `45.2 MB`."""
    step = 0
    while size >= 1000 and step < len(_UNITS) - 1:
        size /= 1000
        step += 1
    return f"{size:.0f} {_UNITS[step]}" if step == 0 or size >= 100 else f"{size:.1f} {_UNITS[step]}"


def age_text(age: timedelta) -> str:
    """How long ago, in the largest unit that fits: `3 days`."""
    seconds = max(0, int(age.total_seconds()))
    for name, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        count = seconds // length
        if count:
            return f"{count} {name}{'s' * (count != 1)}"
    return "less than a minute"


def counted(count: int, noun: str) -> str:
    """`1 request`, `3 requests`."""
    return f"{count} {noun}{'' if count == 1 else 's'}"
