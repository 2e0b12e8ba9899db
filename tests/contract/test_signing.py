# SPDX-License-Identifier: MIT
"""Both OpenPGP backends, and gpg itself, accept what a key of our own signs, at any time."""

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from aptfreeze.trust.backends import backend
from aptfreeze.trust.keyring import Keyring
from aptfreeze.trust.openpgp import Verifier
from aptfreeze.trust.refusal import Reason, SignatureRefused
from aptfreeze.trust.signing import SigningKey
from support import clock
from support.gpg import gpg_home

AT = datetime(2015, 6, 2, tzinfo=UTC)
RELEASE = b"Suite: stable\n-dash: x\nCodename: anna\n"
KEY = SigningKey.generate("test", bytes(range(32)))
SHORT = (363, 192)
"""Texts of whose signatures the first or the second number begins with a zero octet: OpenPGP leaves that away."""


@pytest.fixture(params=["sequoia", "gpgv"])
def verifier(request: pytest.FixtureRequest) -> Verifier:
    verifier = backend(request.param)
    assert verifier.name == request.param
    return verifier


@pytest.fixture(params=["armored", "binary"])
def keyring(request: pytest.FixtureRequest) -> Keyring:
    return Keyring.parse("test", KEY.armored if request.param == "armored" else KEY.certificate)


@pytest.mark.parametrize("later", [timedelta(0), timedelta(days=3650)], ids=["at once", "ten years later"])
def test_both_kinds_of_signature(verifier: Verifier, keyring: Keyring, later: timedelta) -> None:
    now = AT + later
    signed = verifier.verify_clearsigned(KEY.clearsigned(RELEASE, AT), [keyring], now=now)
    assert (signed.payload, signed.signers) == (RELEASE, (KEY.public.fingerprint,))
    detached = verifier.verify_detached(RELEASE, KEY.detached(RELEASE, AT), [keyring], now=now)
    assert detached.signers == (KEY.public.fingerprint,)


@pytest.mark.parametrize("number", SHORT)
def test_numbers_that_begin_with_zeros(verifier: Verifier, keyring: Keyring, number: int) -> None:
    text = str(number).encode()
    assert verifier.verify_detached(text, KEY.detached(text, AT), [keyring], now=AT).payload == text


def test_another_text_is_refused(verifier: Verifier, keyring: Keyring) -> None:
    with pytest.raises(SignatureRefused) as caught:
        verifier.verify_detached(RELEASE + b"x", KEY.detached(RELEASE, AT), [keyring], now=AT)
    assert caught.value.reason is Reason.BAD


def test_a_key_that_gpg_made_signs_too(verifier: Verifier) -> None:
    with gpg_home() as gpg:
        key = SigningKey.parse(gpg.run("--export-secret-keys", gpg.new_key("anna")))
    now = datetime.now(UTC)
    keyring = Keyring.parse("test", key.certificate)
    assert verifier.verify_clearsigned(key.clearsigned(RELEASE, now), [keyring], now=now).payload == RELEASE


def test_gpg_imports_both_halves() -> None:
    with gpg_home() as gpg:
        gpg.run("--import", stdin=KEY.private)
        assert KEY.public.fingerprint in gpg.run("--list-secret-keys", "--with-colons").decode()
        assert gpg.gpgv_output(gpg.clearsign(RELEASE, KEY.public.fingerprint), KEY.certificate) == RELEASE


@pytest.mark.skipif(not clock.can_move(), reason="libfaketime is not installed")
@pytest.mark.parametrize("days", [-2 * clock.YEAR, 10 * clock.YEAR], ids=["two years behind", "ten years ahead"])
def test_gpgv_with_another_clock(tmp_path: Path, days: int) -> None:
    (tmp_path / "keyring.gpg").write_bytes(KEY.certificate)
    (tmp_path / "InRelease").write_bytes(KEY.clearsigned(RELEASE, AT))
    command = ["gpgv", "--homedir", str(tmp_path), "--keyring", str(tmp_path / "keyring.gpg"), "InRelease"]
    done = subprocess.run(clock.days_ahead(days, command), cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
