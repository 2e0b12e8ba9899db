# SPDX-License-Identifier: MIT
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from aptfreeze.errors import AptfreezeError
from aptfreeze.trust.gpgv import Gpgv, is_good
from aptfreeze.trust.keyring import Keyring, Signer, signers
from aptfreeze.trust.openpgp import Answer
from aptfreeze.trust.packets import Signature, packets, signature
from support.gpg import Gpg, gpg_home

KEY = "A" * 40
OTHER = "B" * 40
VALID = f"[GNUPG:] VALIDSIG {KEY} 2026-11-24 1795508488 0 4 0 22 8 01 {OTHER}\n"


@pytest.fixture(scope="module")
def gpg() -> Iterator[Gpg]:
    with gpg_home() as home:
        yield home


@pytest.fixture(scope="module")
def signed(gpg: Gpg) -> tuple[Signature, Signer]:
    """A signature over b"data"."""
    key = gpg.new_key("anna")
    [packet] = packets(gpg.detach(b"data", key))
    [signer] = signers([Keyring.parse("test.gpg", gpg.export(key))], key[-16:])
    return signature(packet), signer


@pytest.mark.parametrize(
    ("status", "good"),
    [
        ("[GNUPG:] NEWSIG\n[GNUPG:] GOODSIG AAAA anna\n" + VALID, True),
        ("[GNUPG:] NEWSIG\n[GNUPG:] EXPKEYSIG AAAA anna\n" + VALID, True),
        ("[GNUPG:] NEWSIG\n[GNUPG:] REVKEYSIG AAAA anna\n" + VALID, False),
        ("[GNUPG:] NEWSIG\n[GNUPG:] EXPSIG AAAA anna\n" + VALID, False),
        ("[GNUPG:] NEWSIG\n[GNUPG:] BADSIG AAAA anna\n", False),
        ("[GNUPG:] NEWSIG\n[GNUPG:] GOODSIG AAAA anna\n" + VALID + "[GNUPG:] NEWSIG\n[GNUPG:] BADSIG BBBB x\n", False),
        ("[GNUPG:] NEWSIG\n[GNUPG:] ERRSIG AAAA 22 8 01 1795508488 9 -\n[GNUPG:] NO_PUBKEY AAAA\n", False),
        ("[GNUPG:] GOODSIG AAAA anna\n" + VALID.replace(KEY, OTHER), False),
        ("[GNUPG:] GOODSIG AAAA anna\n" + VALID + VALID, False),
        ("[GNUPG:] GOODSIG AAAA anna\n", False),
        ("GOODSIG AAAA anna\n" + VALID.removeprefix("[GNUPG:] "), False),
        ("[GNUPG:] \n[GNUPG:]\n", False),
        ("", False),
    ],
)
def test_status_lines(status: str, good: bool) -> None:
    assert is_good(status, KEY) is good


def test_real_signature(signed: tuple[Signature, Signer]) -> None:
    gpgv = Gpgv.find()
    assert gpgv is not None
    assert gpgv.check(b"data", *signed) == Answer.MATCHES
    assert gpgv.check(b"date", *signed) == Answer.DIFFERS


def test_newer_algorithm_numbers_are_not_gpgvs_business(signed: tuple[Signature, Signer]) -> None:
    one, signer = signed
    ed25519 = replace(signer, public=replace(signer.public, algorithm=27))
    assert Gpgv("/nonexistent").check(b"data", one, ed25519) == Answer.CANNOT_TELL


def test_gpgv_that_does_not_run(signed: tuple[Signature, Signer], tmp_path: Path) -> None:
    with pytest.raises(AptfreezeError, match="nonexistent could not verify"):
        Gpgv("/nonexistent").check(b"data", *signed)
    broken = tmp_path / "gpgv"
    broken.write_text("#!/bin/sh\necho no memory >&2\nexit 2\n")
    broken.chmod(0o755)
    with pytest.raises(AptfreezeError, match=r"\(status 2\): no memory"):
        Gpgv(str(broken)).check(b"data", *signed)


def test_home_of_the_user_is_not_touched(
    signed: tuple[Signature, Signer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GNUPGHOME", str(tmp_path / "gnupg"))
    gpgv = Gpgv.find()
    assert gpgv is not None
    assert gpgv.check(b"data", *signed) == Answer.MATCHES
    assert list(tmp_path.iterdir()) == []


def test_missing_gpgv(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert Gpgv.find() is None
