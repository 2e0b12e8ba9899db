# SPDX-License-Identifier: MIT
"""The dates of a certificate, by an old `cryptography` and by a new one."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from aptfreeze.trust.validity import validity

BEGIN, END = datetime(2026, 1, 31, 12, tzinfo=UTC), datetime(2036, 1, 29, 12, tzinfo=UTC)
NEW = SimpleNamespace(not_valid_before_utc=BEGIN, not_valid_after_utc=END)
OLD = SimpleNamespace(not_valid_before=BEGIN.replace(tzinfo=None), not_valid_after=END.replace(tzinfo=None))


@pytest.mark.parametrize("certificate", [NEW, OLD])
def test_the_dates_are_those_of_the_certificate_in_utc(certificate: Any) -> None:
    assert validity(certificate) == (BEGIN, END)
