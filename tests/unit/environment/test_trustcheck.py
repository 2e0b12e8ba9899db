# SPDX-License-Identifier: MIT
"""What the signature of a pin is worth later: with keys that expire, go and are revoked, and clocks of any year."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from aptfreeze.archive.objects import Objects
from aptfreeze.environment.pinning import Judges
from aptfreeze.environment.trustcheck import SignerKey, TrustCheck, Verdict, check
from aptfreeze.freeze.digest import Digest
from aptfreeze.freeze.generation import BarePackages, InRelease, Pin, ReleasePair, SuiteKey
from aptfreeze.settings import TrustSettings
from aptfreeze.trust.backends import backend
from aptfreeze.trust.keyring import Keyring
from support.archive import rot
from support.gpg import Gpg, at, gpg_home

KEY = SuiteKey("mirror.example.org/debian", "bookworm")
RELEASE = b"Suite: stable\nCodename: bookworm\n"
PINNED = datetime(2015, 7, 1, tzinfo=UTC)
LATER = datetime(2026, 11, 24, tzinfo=UTC)


@pytest.fixture(scope="module")
def gpg() -> Iterator[Gpg]:
    with gpg_home() as home:
        yield home


@pytest.fixture(scope="module")
def mortal(gpg: Gpg) -> str:
    """A key that lived from 2015-06-01 for a year."""
    return gpg.new_key("mortal", at("20150601"), lives="1y")


@pytest.fixture(scope="module")
def immortal(gpg: Gpg) -> str:
    return gpg.new_key("immortal", at("20150601"))


@pytest.fixture
def objects(tmp_path: Path) -> Objects:
    return Objects(tmp_path / "archive")


def signed(gpg: Gpg, *keys: str) -> bytes:
    return gpg.clearsign(RELEASE, *keys, options=(at("20150701"),))


def judged(objects: Objects, pin: Pin, *keyrings: bytes, now: datetime = LATER) -> TrustCheck:
    rings = [Keyring.parse(f"{number}.gpg", data) for number, data in enumerate(keyrings)]
    return check(objects, Judges(TrustSettings(), backend, lambda repository: rings, lambda: now), KEY, pin)


def pinned(objects: Objects, data: bytes, *signers: str) -> Pin:
    return Pin(InRelease(objects.put(data)), PINNED, signers=signers)


def test_a_signature_whose_key_lives_is_good_now(gpg: Gpg, objects: Objects, immortal: str) -> None:
    found = judged(objects, pinned(objects, signed(gpg, immortal), immortal), gpg.export(immortal))

    assert found == TrustCheck(Verdict.GOOD, f"good, signed by {immortal}", (SignerKey(immortal, True),))
    assert found.was_good


def test_a_key_that_will_expire_says_when(gpg: Gpg, objects: Objects, mortal: str) -> None:
    found = judged(objects, pinned(objects, signed(gpg, mortal), mortal), gpg.export(mortal), now=PINNED)

    assert (found.verdict, found.since) == (Verdict.GOOD, None)
    assert found.keys == (SignerKey(mortal, True, datetime(2016, 5, 31, tzinfo=UTC)),)


def test_after_its_key_has_expired_it_was_good_at_pinning(gpg: Gpg, objects: Objects, mortal: str) -> None:
    found = judged(objects, pinned(objects, signed(gpg, mortal), mortal), gpg.export(mortal))

    assert (found.verdict, found.since, found.was_good) == (Verdict.EXPIRED, datetime(2016, 5, 31, tzinfo=UTC), True)
    assert found.text == f"was good at pinning, signed by {mortal}; key expired since 2016-05-31"


def test_one_of_two_keys_that_lives_is_enough(gpg: Gpg, objects: Objects, mortal: str, immortal: str) -> None:
    pin = pinned(objects, signed(gpg, mortal, immortal), mortal, immortal)

    both = judged(objects, pin, gpg.export(mortal), gpg.export(immortal))
    expired = judged(objects, pin, gpg.export(mortal))

    assert (both.verdict, both.text) == (Verdict.GOOD, f"good, signed by {immortal}")
    assert (expired.verdict, [key.is_known for key in expired.keys]) == (Verdict.EXPIRED, [True, False])


def test_a_key_that_the_lock_does_not_name_proves_nothing(
    gpg: Gpg, objects: Objects, mortal: str, immortal: str
) -> None:
    pin = pinned(objects, signed(gpg, mortal, immortal), mortal)

    found = judged(objects, pin, gpg.export(immortal))

    assert (found.verdict, found.was_good) == (Verdict.UNKNOWN, False)
    assert found.text == f"no keyring has a key of the signers that the lock names ({mortal})"
    assert judged(objects, pin, gpg.export(mortal), gpg.export(immortal)).verdict is Verdict.EXPIRED


def test_a_signer_of_the_lock_that_has_not_signed_it_proves_nothing(
    gpg: Gpg, objects: Objects, mortal: str, immortal: str
) -> None:
    pin = pinned(objects, signed(gpg, mortal), immortal)

    found = judged(objects, pin, gpg.export(mortal), gpg.export(immortal))

    assert found.verdict is Verdict.UNKNOWN
    assert found.text.startswith("no signer that the lock names has signed it: ")


def test_without_any_keyring_the_signer_is_unknown(gpg: Gpg, objects: Objects, immortal: str) -> None:
    assert judged(objects, pinned(objects, signed(gpg, immortal), immortal)).verdict is Verdict.UNKNOWN


def test_a_revoked_key_is_told(gpg: Gpg, objects: Objects) -> None:
    key = gpg.new_key("revoked", at("20150601"))
    pin = pinned(objects, signed(gpg, key), key)
    gpg.revoke(key)

    found = judged(objects, pin, gpg.export(key))

    assert (found.verdict, found.was_good) == (Verdict.REVOKED, False)
    assert "revoked" in found.text


def test_other_bytes_than_were_signed_are_bad(gpg: Gpg, objects: Objects, immortal: str, mortal: str) -> None:
    for key in (immortal, mortal):
        data = signed(gpg, key).replace(b"Suite: stable", b"Suite: forged")

        assert judged(objects, pinned(objects, data, key), gpg.export(key)).verdict is Verdict.BAD


def test_a_file_that_is_not_signed_at_all_is_bad(gpg: Gpg, objects: Objects, immortal: str) -> None:
    assert judged(objects, pinned(objects, RELEASE, immortal), gpg.export(immortal)).verdict is Verdict.BAD


def test_other_bytes_than_were_pinned_are_bad(gpg: Gpg, objects: Objects, immortal: str) -> None:
    pin = pinned(objects, signed(gpg, immortal), immortal)
    assert isinstance(pin.root, InRelease)
    rot(objects.layout.root, pin.root.inrelease.hex, 60)

    found = judged(Objects(objects.layout.root), pin, gpg.export(immortal))

    assert (found.verdict, found.text) == (Verdict.BAD, "the stored file was damaged, and is in quarantine")


def test_a_file_that_is_not_there_cannot_be_judged(gpg: Gpg, objects: Objects, immortal: str) -> None:
    pin = Pin(InRelease(Digest.of(b"elsewhere")), PINNED, signers=(immortal,))

    assert judged(objects, pin, gpg.export(immortal)).verdict is Verdict.MISSING


def test_a_release_with_its_signature_beside_it(gpg: Gpg, objects: Objects, mortal: str) -> None:
    detached = gpg.detach(RELEASE, mortal, options=(at("20150701"),))
    pin = Pin(ReleasePair(objects.put(RELEASE), objects.put(detached)), PINNED, signers=(mortal,))

    assert judged(objects, pin, gpg.export(mortal)).since == datetime(2016, 5, 31, tzinfo=UTC)
    assert judged(objects, pin, gpg.export(mortal), now=PINNED).verdict is Verdict.GOOD


def test_a_clock_that_is_behind_judges_at_the_time_of_the_signature(gpg: Gpg, objects: Objects, mortal: str) -> None:
    pin = pinned(objects, signed(gpg, mortal), mortal)

    assert judged(objects, pin, gpg.export(mortal), now=datetime(2013, 1, 1, tzinfo=UTC)).verdict is Verdict.GOOD


@pytest.mark.parametrize(
    "root",
    [InRelease(Digest.of(RELEASE)), ReleasePair(Digest.of(RELEASE), None), BarePackages(Digest.of(b""), "Packages")],
)
def test_what_was_pinned_unsigned_stays_so(objects: Objects, root: InRelease | ReleasePair | BarePackages) -> None:
    objects.put(RELEASE)

    found = judged(objects, Pin(root, PINNED))

    assert (found.verdict, found.was_good, found.keys) == (Verdict.UNSIGNED, False, ())
