# SPDX-License-Identifier: MIT
"""What may follow a pinned state, and what somebody has to accept."""

from datetime import UTC, datetime, timedelta

import pytest

from aptfreeze.environment.continuity import Accepted, alias_notice, check
from aptfreeze.errors import RefusedError
from aptfreeze.freeze.digest import Digest
from aptfreeze.freeze.generation import InRelease, Pin, SuiteKey

KEY = SuiteKey("mirror.example.org/debian", "testing")
DATE = datetime(2026, 11, 1, 10, 16, tzinfo=UTC)
ONE, OTHER = "A" * 40, "B" * 40


def pin(
    codename: str = "forky", signers: tuple[str, ...] = (ONE,), date: datetime | None = DATE, suite: str = "testing"
) -> Pin:
    return Pin(InRelease(Digest.of(b"x")), date, suite, codename, signers)


def test_a_younger_state_by_one_of_the_signers_is_the_next_one() -> None:
    check(KEY, pin(signers=(ONE, OTHER)), pin(signers=(OTHER,), date=DATE + timedelta(days=1)), Accepted())
    check(KEY, pin(signers=()), pin(), Accepted())
    check(KEY, pin(date=None), pin(), Accepted())
    check(KEY, pin(), pin(), Accepted())


def test_another_codename_is_accepted_on_purpose_only() -> None:
    with pytest.raises(RefusedError, match="was forky and is duke now") as caught:
        check(KEY, pin(), pin("duke"), Accepted(signer=True, older=True))
    assert "--accept-codename" in (caught.value.hint or "")
    check(KEY, pin(), pin("duke"), Accepted(codename=True))
    check(KEY, pin(""), pin("duke"), Accepted())


@pytest.mark.parametrize("signers", [(OTHER,), ()])
def test_other_signers_are_accepted_on_purpose_only(signers: tuple[str, ...]) -> None:
    with pytest.raises(RefusedError, match=f"pinned one by {ONE}") as caught:
        check(KEY, pin(), pin(signers=signers), Accepted(codename=True, older=True))
    assert "--accept-signer" in (caught.value.hint or "")
    check(KEY, pin(), pin(signers=signers), Accepted(signer=True))


def test_an_older_state_is_taken_by_its_date_only() -> None:
    older = pin(date=DATE - timedelta(seconds=1))
    with pytest.raises(RefusedError, match="older than the pinned one of 2026-11-01 10:16") as caught:
        check(KEY, pin(), older, Accepted(codename=True, signer=True))
    assert "--date" in (caught.value.hint or "")
    check(KEY, pin(), older, Accepted(older=True))


def test_a_name_that_moves_is_told_with_the_codename() -> None:
    assert "is forky now" in alias_notice(KEY, pin())


@pytest.mark.parametrize(
    ("suite", "named", "codename"),
    [
        ("forky", "testing", "forky"),
        ("unstable", "unstable", "sid"),
        ("jammy-updates", "jammy-updates", "jammy"),
        ("stable", "stable", ""),
        ("bookworm/updates", "oldstable", "bookworm"),
    ],
)
def test_a_name_that_stays_is_not(suite: str, named: str, codename: str) -> None:
    assert alias_notice(SuiteKey(KEY.repository, suite), pin(codename, suite=named)) == ""
