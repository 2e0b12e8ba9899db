# SPDX-License-Identifier: MIT
"""Moments that people write: a day, or a time in UTC (pure)."""

import re
from datetime import UTC, datetime

from aptfreeze.errors import UsageError

_FORM = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}:[0-9]{2}Z)?")
_EXPECTED = "expected a day (2026-11-01, which means its 00:00 UTC) or a time in UTC (2026-11-01T12:00:00Z)"
_FIRST = datetime(2005, 1, 1, tzinfo=UTC)


def moment(text: str, now: datetime) -> datetime:
    """What `--date` means; UsageError for what is no date, is in the future, or before anybody kept states."""
    try:
        if not _FORM.fullmatch(text):
            raise ValueError("another form")
        found = datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError as error:
        raise UsageError(f"{text[:80]!r} is no date ({error}): {_EXPECTED}") from error
    if found > now:
        raise UsageError(
            f"{text} is in the future, since it is {now:%Y-%m-%dT%H:%M:%SZ}",
            hint="leave the date out for the newest state",
        )
    if found < _FIRST:
        raise UsageError(f"{text} is before {_FIRST:%Y}, from when on states of Debian are kept: {_EXPECTED}")
    return found
