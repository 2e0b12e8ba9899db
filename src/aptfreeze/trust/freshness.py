# SPDX-License-Identifier: MIT
"""Is a Release recent enough to be pinned as the present state? Pure.

Checked when a suite is pinned and in `update`, never after: an old InRelease that somebody plays back must not become
a new pin, and a pin stays good for ever (Debian RepositoryFormat: Date, Valid-Until).
"""

from datetime import datetime, timedelta

from aptfreeze.errors import RefusedError
from aptfreeze.trust.policy import FUTURE_SLACK

_HINT = (
    'is this machine\'s clock right? Else [trust] expired = ["host/path suite"] in aptfreeze.toml pins it all the same'
)


def check(
    release_date: datetime | None, valid_until: datetime | None, now: datetime, *, expired_allowed: bool
) -> timedelta | None:
    """The age of the Release (for the message of a pin without Valid-Until); None if it has no Date.

    RefusedError, without a subject, if it is expired or from the future, unless `expired_allowed`. A Date up to 10 s
    ahead is a difference of clocks, as for apt (`Acquire::Max-FutureTime`).
    """
    if not expired_allowed:
        _refuse_expired(valid_until, now)
        _refuse_future(release_date, now)
    return None if release_date is None else max(now - release_date, timedelta())


def _refuse_expired(valid_until: datetime | None, now: datetime) -> None:
    if valid_until is not None and valid_until < now:
        raise RefusedError(f"expired {_text(valid_until)}, and it is {_text(now)}", hint=_HINT)


def _refuse_future(release_date: datetime | None, now: datetime) -> None:
    if release_date is not None and release_date > now + FUTURE_SLACK:
        raise RefusedError(f"its Date {_text(release_date)} is in the future, since it is {_text(now)}", hint=_HINT)


def _text(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
