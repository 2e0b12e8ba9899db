# SPDX-License-Identifier: MIT
"""A key as it is written down and read back; whether others accept what it signs is in tests/contract."""

from datetime import UTC, datetime

import pytest

from aptfreeze.trust import clearsign
from aptfreeze.trust.armor import armored, dearmored
from aptfreeze.trust.packets import Packet, Tag, packets, signature
from aptfreeze.trust.signing import EPOCH, SigningKey, SigningKeyError
from support.gpg import gpg_home

SEED = bytes(range(32))
"""It begins with a zero, which OpenPGP leaves away."""
AT = datetime(2026, 7, 11, 10, 16, 37, tzinfo=UTC)
KEY = SigningKey.generate("test", SEED)


def test_it_comes_back_from_what_is_kept() -> None:
    again = SigningKey.parse(KEY.private)
    assert again == KEY
    assert again.detached(b"text", AT) == KEY.detached(b"text", AT)
    assert SigningKey.parse(dearmored(KEY.private, "PRIVATE KEY BLOCK")) == KEY


def test_two_new_ones_differ() -> None:
    assert SigningKey.generate("test").public.fingerprint != SigningKey.generate("test").public.fingerprint


def test_the_private_half_is_in_neither_the_certificate_nor_what_is_shown() -> None:
    secret = SEED[1:]
    assert secret in dearmored(KEY.private, "PRIVATE KEY BLOCK")
    assert secret not in KEY.certificate
    assert secret not in dearmored(KEY.armored, "PUBLIC KEY BLOCK")
    assert repr(secret)[2:-1] not in repr(KEY)


def test_text_key_and_time_alone_make_the_bytes() -> None:
    assert KEY.clearsigned(b"text\n", AT) == KEY.clearsigned(b"text\n", AT)
    assert KEY.detached(b"text", AT) == KEY.detached(b"text", AT)
    assert KEY.detached(b"text", AT) != KEY.detached(b"text", EPOCH)
    assert KEY.detached(b"text", AT) != SigningKey.generate("test", SEED[::-1]).detached(b"text", AT)


def test_a_signature_is_as_old_as_wished_but_not_older_than_its_key() -> None:
    assert time_of(KEY.detached(b"text", AT)) == AT
    assert time_of(KEY.detached(b"text", datetime(1999, 3, 9, tzinfo=UTC))) == EPOCH


def time_of(detached: bytes) -> datetime | None:
    (packet,) = packets(dearmored(detached, "SIGNATURE"))
    return signature(packet).created


def test_what_it_clearsigns_is_read_with_its_dashes_and_without_blanks_at_line_ends() -> None:
    read = clearsign.parse(KEY.clearsigned(b"Suite: stable \t\n-----\n- x\n\nend", AT))
    assert read.payload == b"Suite: stable\n-----\n- x\n\nend\n"


# --- keys that others made ---


def test_one_that_gpg_made_with_subkeys() -> None:
    with gpg_home() as gpg:
        fingerprint = gpg.new_key("anna")
        gpg.new_subkey(fingerprint)
        key = SigningKey.parse(gpg.run("--armor", "--export-secret-keys", fingerprint))
        assert key.public.fingerprint == fingerprint
        assert [packet.tag for packet in packets(key.certificate)] == [Tag.PUBLIC_KEY, Tag.USER_ID, Tag.SIGNATURE]


def test_one_with_another_algorithm_is_refused() -> None:
    with gpg_home() as gpg:
        exported = gpg.run("--export-secret-keys", gpg.new_key("berta", kind="rsa2048"))
    with pytest.raises(SigningKeyError, match="does not begin with an Ed25519 key"):
        SigningKey.parse(exported)


# --- what is no key ---


def changed(at: int, octet: int, *, drop: int = 0) -> bytes:
    """The private key's packets with one octet of the first one changed, or some at its end gone."""
    first, *rest = packets(dearmored(KEY.private, "PRIVATE KEY BLOCK"))
    body = bytearray(first.body[: len(first.body) - drop])
    body[at] = octet
    return b"".join(map(bytes, (Packet(first.tag, bytes(body)), *rest)))


def without_certification(*, keep: int = 0) -> bytes:
    """The private key with a part of its self-signature, or nothing of it."""
    first, name, certified = packets(dearmored(KEY.private, "PRIVATE KEY BLOCK"))
    rest = [Packet(certified.tag, certified.body[:keep])] if keep else []
    return b"".join(map(bytes, (first, name, *rest)))


def with_public_half_of_another() -> bytes:
    first, *_ = packets(dearmored(KEY.private, "PRIVATE KEY BLOCK"))
    other, *_ = packets(SigningKey.generate("test", SEED[::-1]).certificate)
    return bytes(Packet(first.tag, other.body + first.body[len(other.body) :]))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "it is no OpenPGP private key"),
        (b"\x80", "it is no OpenPGP private key"),
        (b"-----BEGIN OPENSSH PRIVATE KEY-----\n", "it is no OpenPGP private key"),
        (KEY.armored, "it is no OpenPGP private key"),
        (KEY.certificate, "does not begin with an Ed25519 key"),
        (changed(0, 6), "does not begin with an Ed25519 key"),
        (changed(5, 19), "does not begin with an Ed25519 key"),
        (changed(51, 254), "protected by a passphrase"),
        (changed(60, 99), "private half is damaged"),
        (changed(0, 4, drop=1), "private half is damaged"),
        (changed(0, 4, drop=30), "private half is damaged"),
        (changed(52, 255), "private half is damaged"),
        (changed(20, 0), "do not belong together"),
        (with_public_half_of_another(), "do not belong together"),
        (without_certification(), "no name that it has signed itself"),
        (without_certification(keep=20), "its certificate cannot be read"),
        (armored(b"\xc5\x01\x04", "PRIVATE KEY BLOCK"), "does not begin with an Ed25519 key"),
    ],
)
def test_what_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(SigningKeyError, match=reason):
        SigningKey.parse(data)
