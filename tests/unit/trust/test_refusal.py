# SPDX-License-Identifier: MIT
from aptfreeze.errors import RefusedError
from aptfreeze.trust.refusal import HINTS, Reason, SignatureRefused


def test_every_reason_has_a_hint() -> None:
    assert set(HINTS) == set(Reason)


def test_caller_adds_the_subject() -> None:
    refused = SignatureRefused("signed by A, which is revoked", Reason.REVOKED_KEY)
    named = refused.about("InRelease of mirror.example.org/debian bookworm")
    assert named.message == "InRelease of mirror.example.org/debian bookworm: signed by A, which is revoked"
    assert (named.reason, named.hint) == (refused.reason, refused.hint)
    assert isinstance(named, RefusedError)
