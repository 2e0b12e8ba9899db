# SPDX-License-Identifier: MIT
"""What `Verifier` does around its backends; real verification is in the contract tests."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from aptfreeze.trust.keyring import Keyring, Signer
from aptfreeze.trust.openpgp import MAX_SIGNATURES, Answer, Verifier
from aptfreeze.trust.packets import Signature
from aptfreeze.trust.refusal import Reason, SignatureRefused
from support.gpg import Gpg, armored, gpg_home


def now() -> datetime:
    """Not a constant: signatures are made while the tests run, perhaps long after the module was read."""
    return datetime.now(UTC)


@pytest.fixture(scope="module")
def gpg() -> Iterator[Gpg]:
    with gpg_home() as home:
        yield home


class Fixed:
    """A backend that always says the same, and counts how often it was asked."""

    def __init__(self, name: str, answer: Answer) -> None:
        self.name = name
        self.asked = 0
        self._answer = answer

    def check(self, data: bytes, signature: Signature, signer: Signer) -> Answer:
        self.asked += 1
        return self._answer


def test_second_backend_is_asked_only_what_the_first_cannot_tell(gpg: Gpg) -> None:
    key = gpg.new_key("anna")
    rings = [Keyring.parse("a.gpg", gpg.export(key))]
    detached = gpg.detach(b"data", key)
    unsure, yes, no = Fixed("u", Answer.CANNOT_TELL), Fixed("y", Answer.MATCHES), Fixed("n", Answer.DIFFERS)
    assert Verifier([unsure, yes]).verify_detached(b"data", detached, rings, now=now()).signers == (key,)
    with pytest.raises(SignatureRefused) as caught:
        Verifier([no, yes]).verify_detached(b"data", detached, rings, now=now())
    assert caught.value.reason == Reason.BAD
    with pytest.raises(SignatureRefused, match="a key that u cannot judge") as caught:
        Verifier([unsure]).verify_detached(b"data", detached, rings, now=now())
    assert caught.value.reason == Reason.UNSUPPORTED
    assert (unsure.asked, yes.asked, no.asked) == (2, 1, 1)


def test_number_of_signatures_is_bounded(gpg: Gpg) -> None:
    key = gpg.new_key("busy")
    yes = Fixed("y", Answer.MATCHES)
    many = gpg.detach(b"data", key) * (MAX_SIGNATURES + 1)
    with pytest.raises(SignatureRefused, match="65 signatures"):
        Verifier([yes]).verify_detached(b"data", many, [Keyring.parse("a.gpg", gpg.export(key))], now=now())
    assert yes.asked == 0


def test_many_keyrings_are_not_all_named(gpg: Gpg) -> None:
    key, other = gpg.new_key("one"), gpg.new_key("other")
    rings = [Keyring.parse(f"{number}.gpg", gpg.export(other)) for number in range(6)]
    with pytest.raises(SignatureRefused, match=r"\(0\.gpg, 1\.gpg, 2\.gpg, 3\.gpg and 2 more\)"):
        Verifier([Fixed("y", Answer.MATCHES)]).verify_detached(b"data", gpg.detach(b"data", key), rings, now=now())


def test_unknown_version_of_a_signature(gpg: Gpg) -> None:
    rings = [Keyring.parse("a.gpg", gpg.export(gpg.new_key("someone")))]
    with pytest.raises(SignatureRefused, match="a key not named, with a signature of version 6") as caught:
        Verifier([Fixed("y", Answer.MATCHES)]).verify_detached(b"data", armored(b"\xc2\x02\x06\x00"), rings, now=now())
    assert caught.value.reason == Reason.UNSUPPORTED
