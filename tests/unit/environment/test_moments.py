# SPDX-License-Identifier: MIT
from datetime import UTC, datetime

import pytest

from aptfreeze.environment.moments import moment
from aptfreeze.errors import UsageError

NOW = datetime(2026, 11, 24, 15, 0, tzinfo=UTC)


def test_a_day_is_its_first_second_in_utc() -> None:
    assert moment("2026-11-01", NOW) == datetime(2026, 11, 1, tzinfo=UTC)
    assert moment("2026-11-24", NOW) == datetime(2026, 11, 24, tzinfo=UTC)


def test_a_time_is_in_utc() -> None:
    assert moment("2026-11-01T12:30:01Z", NOW) == datetime(2026, 11, 1, 12, 30, 1, tzinfo=UTC)
    assert moment("2026-11-24T15:00:00Z", NOW) == NOW


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "20261101",
        "2026-11-1",
        "2026-13-01",
        "2026-02-30",
        "2026-11-01T12:00:00",
        "2026-11-01 12:00:00Z",
        "2026-11-01T25:00:00Z",
        "2026-11-01T12:00:00+01:00",
        "2026-W44-1",
        "\u0662\u0660\u0662\u0666-11-01",
    ],
)
def test_anything_else_is_told_by_what_is_expected(text: str) -> None:
    with pytest.raises(UsageError, match=r"is no date .*expected a day \(2026-11-01, .* or a time in UTC"):
        moment(text, NOW)


def test_the_future_has_no_state() -> None:
    with pytest.raises(UsageError, match="2026-11-25 is in the future, since it is 2026-11-24T15:00:00Z"):
        moment("2026-11-25", NOW)


def test_nobody_kept_states_before_2005() -> None:
    assert moment("2005-01-01", NOW).year == 2005
    with pytest.raises(UsageError, match="2004-12-31 is before 2005"):
        moment("2004-12-31", NOW)
