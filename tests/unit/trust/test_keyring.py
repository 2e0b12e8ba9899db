# SPDX-License-Identifier: MIT
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aptfreeze.trust.keyring import Keyring, KeyringError, signers
from aptfreeze.trust.packets import Packet, Tag, packets
from support.gpg import Gpg, at, gpg_home


@pytest.fixture(scope="module")
def gpg() -> Iterator[Gpg]:
    with gpg_home() as home:
        yield home


@pytest.fixture(scope="module")
def exported(gpg: Gpg) -> bytes:
    """A key with a subkey, both made in 2020 and alive for two and one years."""
    primary = gpg.new_key("anna", at("20200101"), usage="cert", lives="2y")
    gpg.new_subkey(primary, at("20200101"), lives="1y")
    return gpg.export(primary)


def test_certificate_with_subkey(exported: bytes) -> None:
    [certificate] = Keyring.parse("a.gpg", exported).certificates
    [subkey] = certificate.subkeys
    assert certificate.primary.expires == datetime(2021, 12, 31, tzinfo=UTC)
    assert subkey.expires == datetime(2020, 12, 31, tzinfo=UTC)
    assert subkey.bound == certificate.primary.bound == datetime(2020, 1, 1, tzinfo=UTC)
    assert not subkey.revoked
    assert certificate.find(subkey.public.key_id) == subkey
    assert certificate.find("0" * 16) is None


def test_signer_ends_with_the_first_of_key_and_primary_key(exported: bytes) -> None:
    keyring = Keyring.parse("a.gpg", exported)
    [certificate] = keyring.certificates
    [subkey] = certificate.subkeys
    [signer] = signers([keyring, keyring], subkey.public.key_id)
    assert signer.primary == certificate.primary.public.fingerprint
    assert signer.expires == subkey.expires
    assert signer.certificates == certificate.data
    [primary] = signers([keyring], certificate.primary.public.key_id)
    assert primary.expires == certificate.primary.expires


def test_unknown_key_has_no_signer(exported: bytes) -> None:
    assert signers([Keyring.parse("a.gpg", exported)], "0" * 16) == ()
    assert signers([Keyring.parse("a.gpg", exported)], "") == ()


def test_naming_a_revoker_prolongs_nothing(gpg: Gpg) -> None:
    """As Debian's own keys do: a newer signature over the key itself, which says nothing of its end."""
    primary, revoker = gpg.new_key("carl", at("20200101"), lives="2y"), gpg.new_key("dora")
    gpg.edit(primary, "addrevoker", revoker, "y", "save")
    [certificate] = Keyring.parse("c.gpg", gpg.export(primary)).certificates
    assert certificate.primary.expires == datetime(2021, 12, 31, tzinfo=UTC)
    assert certificate.primary.bound is not None
    assert certificate.primary.bound > datetime(2026, 1, 1, tzinfo=UTC)


def test_certification_by_somebody_else_prolongs_nothing(gpg: Gpg) -> None:
    key = gpg.new_key("short", at("20200101"), lives="1y")
    notary = gpg.new_key("notary", at("20200101"), usage="sign,cert")
    gpg.run(at("20200201"), "--yes", "--local-user", notary, "--quick-sign-key", key)
    [certificate] = Keyring.parse("a.gpg", gpg.export(key)).certificates
    assert certificate.primary.bound == datetime(2020, 1, 1, tzinfo=UTC)
    assert certificate.primary.expires == datetime(2020, 12, 31, tzinfo=UTC)


@pytest.mark.parametrize(
    "data", [b"", b"\n", b"no keyring", b"\x99\x01\x0dcut off", b"\x00\x00\x00\x20\x01\x01\x00\x02KBXf"]
)
def test_no_keyring(data: bytes) -> None:
    with pytest.raises(KeyringError):
        Keyring.parse("x", data)


def test_keybox_is_named() -> None:
    with pytest.raises(KeyringError, match="gpg --export"):
        Keyring.parse("pubring.kbx", b"\x00\x00\x00\x20\x01\x01\x00\x02KBXf" + bytes(20))


def test_certificate_that_cannot_be_read_is_left_out(exported: bytes) -> None:
    [certificate] = Keyring.parse("a.gpg", exported).certificates
    orphaned_subkey, newer_version, cut_off = b"\xce\x01\x04", b"\xc6\x02\x06\x00", b"\xc6\x01\x04"
    for unreadable in (orphaned_subkey, newer_version, cut_off):
        assert Keyring.parse("a.gpg", unreadable + exported).certificates == (certificate,)
        with pytest.raises(KeyringError, match="no public key"):
            Keyring.parse("a.gpg", unreadable)


def test_subkey_of_a_newer_version_does_not_hide_the_others(exported: bytes) -> None:
    """And its binding says nothing of the subkey before it."""
    [certificate] = Keyring.parse("a.gpg", exported).certificates
    [*_, binding] = packets(exported)
    newer = Packet(Tag.PUBLIC_SUBKEY, b"\x06")
    revocation = Packet(Tag.SIGNATURE, binding.body[:1] + b"\x28" + binding.body[2:])
    [longer] = Keyring.parse("a.gpg", exported + bytes(newer) + bytes(revocation)).certificates
    assert longer.subkeys == certificate.subkeys


@settings(deadline=None)
@given(st.data())
def test_damaged_keyring_is_a_keyring_error_or_is_read(exported: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(exported) - 1))
    length = data.draw(st.integers(0, 4))
    changed = exported[:at] + data.draw(st.binary(max_size=4)) + exported[at + length :]
    try:
        Keyring.parse("x", changed)
    except KeyringError:
        return
