# SPDX-License-Identifier: MIT
from datetime import UTC, datetime, timedelta

import pytest

from aptfreeze.errors import RefusedError
from aptfreeze.trust.freshness import check

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def test_valid_release_tells_its_age() -> None:
    assert check(NOW - DAY, NOW + DAY, NOW, expired_allowed=False) == DAY


def test_release_without_valid_until_passes_at_any_age() -> None:
    assert check(NOW - 4000 * DAY, None, NOW, expired_allowed=False) == 4000 * DAY


def test_release_without_date_has_no_age() -> None:
    assert check(None, None, NOW, expired_allowed=False) is None


def test_expired_release_is_refused_and_the_way_out_named() -> None:
    with pytest.raises(RefusedError, match="expired 2026-11-23 12:00:00 UTC, and it is 2026-11-24") as caught:
        check(NOW - 8 * DAY, NOW - DAY, NOW, expired_allowed=False)
    assert caught.value.hint is not None
    assert "[trust] expired" in caught.value.hint


def test_last_second_of_valid_until_is_valid() -> None:
    assert check(NOW - DAY, NOW, NOW, expired_allowed=False) == DAY


def test_release_from_the_future_is_refused() -> None:
    with pytest.raises(RefusedError, match="future"):
        check(NOW + timedelta(seconds=11), None, NOW, expired_allowed=False)


def test_clocks_may_differ_by_ten_seconds() -> None:
    assert check(NOW + timedelta(seconds=10), None, NOW, expired_allowed=False) == timedelta()


def test_explicit_setting_allows_both() -> None:
    assert check(NOW - 8 * DAY, NOW - DAY, NOW, expired_allowed=True) == 8 * DAY
    assert check(NOW + DAY, None, NOW, expired_allowed=True) == timedelta()
