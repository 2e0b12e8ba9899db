# SPDX-License-Identifier: MIT
"""The limits of the policy, to the second; its stories are in the contract tests."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from aptfreeze.trust.keyring import Signer
from aptfreeze.trust.packets import Kind, Packet, PublicKey, Signature
from aptfreeze.trust.policy import object_to_signature, object_to_signer
from aptfreeze.trust.refusal import Reason

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
KEY = PublicKey("A" * 40, NOW - 400 * DAY, algorithm=22)
SIGNER = Signer(KEY, KEY.fingerprint, False, None, KEY.created, frozenset({10}), KEY, b"")
SIGNATURE = Signature(Packet(2, b"\x04"), 4, Kind.TEXT, 22, 10, created=NOW - DAY)


def reason(one: Signature) -> Reason | None:
    objection = object_to_signature(one, NOW)
    return objection.reason if objection else None


def reason_of_signer(signer: Signer, *, expired_keys: bool = False) -> Reason | None:
    objection = object_to_signer(SIGNATURE, signer, NOW, expired_keys=expired_keys)
    return objection.reason if objection else None


def test_usual_signature_and_signer_pass() -> None:
    assert reason(SIGNATURE) is None
    assert reason_of_signer(SIGNER) is None


@pytest.mark.parametrize("algorithm", [1, 2, 3, 0, 13, 99])
def test_weak_and_unknown_hashes(algorithm: int) -> None:
    assert reason(replace(SIGNATURE, hash_algorithm=algorithm)) == Reason.WEAK


@pytest.mark.parametrize("algorithm", [8, 9, 10, 11, 12, 14])
def test_strong_hashes(algorithm: int) -> None:
    assert reason(replace(SIGNATURE, hash_algorithm=algorithm)) is None


@pytest.mark.parametrize("kind", [0x02, 0x10, 0x13, 0x18, 0x20, 0x40, -1])
def test_signature_of_something_else_than_a_file(kind: int) -> None:
    assert reason(replace(SIGNATURE, kind=kind)) == Reason.UNSUPPORTED


def test_signature_without_a_time_or_of_another_version() -> None:
    assert reason(replace(SIGNATURE, created=None)) == Reason.UNSUPPORTED
    assert reason(replace(SIGNATURE, version=6)) == Reason.UNSUPPORTED


def test_future_begins_after_ten_seconds() -> None:
    assert reason(replace(SIGNATURE, created=NOW + 10 * SECOND)) is None
    assert reason(replace(SIGNATURE, created=NOW + 11 * SECOND)) == Reason.FUTURE


def test_signature_expires_at_its_end() -> None:
    assert reason(replace(SIGNATURE, expires=NOW + SECOND)) is None
    assert reason(replace(SIGNATURE, expires=NOW)) == Reason.EXPIRED_SIGNATURE


def test_key_expires_at_its_end() -> None:
    assert reason_of_signer(replace(SIGNER, expires=NOW + SECOND)) is None
    expired_now = replace(SIGNER, expires=NOW)
    assert reason_of_signer(expired_now) == Reason.EXPIRED_KEY
    assert reason_of_signer(expired_now, expired_keys=True) is None
    expired_when_it_signed = replace(SIGNER, expires=NOW - DAY)
    assert reason_of_signer(expired_when_it_signed, expired_keys=True) == Reason.EXPIRED_KEY


def test_revoked_key_is_refused_whatever_is_allowed() -> None:
    assert reason_of_signer(replace(SIGNER, revoked=True), expired_keys=True) == Reason.REVOKED_KEY


@pytest.mark.parametrize(
    ("algorithm", "bits", "expected"),
    [(1, 2048, None), (1, 2047, Reason.WEAK), (3, 4096, None), (17, 3072, Reason.WEAK), (19, 0, None), (27, 0, None)],
)
def test_strength_of_the_key_and_of_its_primary_key(algorithm: int, bits: int, expected: Reason | None) -> None:
    key = replace(KEY, algorithm=algorithm, bits=bits)
    assert reason_of_signer(replace(SIGNER, public=key)) == expected
    assert reason_of_signer(replace(SIGNER, primary_public=key)) == expected
