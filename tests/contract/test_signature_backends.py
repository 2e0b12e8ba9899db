# SPDX-License-Identifier: MIT
"""Both OpenPGP backends decide alike: every story here runs with either of them, on keys and files of the real gpg."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from aptfreeze.trust import clearsign
from aptfreeze.trust.backends import backend
from aptfreeze.trust.keyring import Keyring
from aptfreeze.trust.openpgp import Verified, Verifier
from aptfreeze.trust.packets import packets
from aptfreeze.trust.refusal import Reason, SignatureRefused
from support.gpg import Gpg, armored, at, gpg_home

RELEASE = b"Origin: Example\nSuite: stable\nCodename: anna\n"


@pytest.fixture(scope="module")
def gpg() -> Iterator[Gpg]:
    with gpg_home() as home:
        yield home


@pytest.fixture(scope="module")
def anna(gpg: Gpg) -> str:
    return gpg.new_key("anna")


@pytest.fixture(scope="module")
def berta(gpg: Gpg) -> str:
    return gpg.new_key("berta")


@pytest.fixture(params=["sequoia", "gpgv"])
def verifier(request: pytest.FixtureRequest) -> Verifier:
    verifier = backend(request.param)
    assert verifier.name == request.param
    return verifier


def keyring(data: bytes, name: str = "test.gpg") -> Keyring:
    return Keyring.parse(name, data)


def verify(verifier: Verifier, data: bytes, *keyrings: Keyring, expired_keys: bool = False) -> Verified:
    return verifier.verify_clearsigned(data, keyrings, now=datetime.now(UTC), expired_keys=expired_keys)


def refusal(verifier: Verifier, data: bytes, *keyrings: Keyring, expired_keys: bool = False) -> SignatureRefused:
    with pytest.raises(SignatureRefused) as caught:
        verify(verifier, data, *keyrings, expired_keys=expired_keys)
    return caught.value


def clearsigned(text: bytes, *signatures: bytes) -> bytes:
    """A clear-signed file with these signature packets."""
    head = b"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n"
    return head + text + armored(b"".join(signatures))


def signature_packets(inrelease: bytes) -> list[bytes]:
    return [bytes(packet) for packet in packets(clearsign.parse(inrelease).signature)]


# --- what is accepted ---


@pytest.mark.parametrize(
    "text",
    [
        RELEASE,
        b"no newline at the end",
        b"two newlines at the end\n\n",
        b"\nfirst line empty\n",
        b"trailing blanks \t \nand at the end  ",
        b"- dash\n-\n-----BEGIN PGP SIGNATURE-----\n- - twice\nFrom somebody\n",
        "Umlaute: äöü\n".encode(),
        b"latin: \xe4\n",
    ],
)
def test_payload_is_what_gpgv_writes(verifier: Verifier, gpg: Gpg, anna: str, text: bytes) -> None:
    inrelease = gpg.clearsign(text, anna)
    verified = verify(verifier, inrelease, keyring(gpg.export(anna)))
    assert verified == Verified(gpg.gpgv_output(inrelease, gpg.export(anna)), (anna,))
    assert verified.payload.endswith(b"\n")


def test_carriage_returns_on_the_way_are_no_part_of_the_payload(verifier: Verifier, gpg: Gpg, anna: str) -> None:
    inrelease = gpg.clearsign(RELEASE, anna).replace(b"\n", b"\r\n")
    assert verify(verifier, inrelease, keyring(gpg.export(anna))).payload == RELEASE


def test_every_known_signer_is_named_in_order(verifier: Verifier, gpg: Gpg, anna: str, berta: str) -> None:
    inrelease = gpg.clearsign(RELEASE, anna, berta)
    ring_anna, ring_berta = keyring(gpg.export(anna)), keyring(gpg.export(berta))
    assert verify(verifier, inrelease, ring_berta, ring_anna).signers == tuple(sorted([anna, berta]))
    assert verify(verifier, inrelease, ring_berta).signers == (berta,)


def test_signature_by_a_subkey_counts_for_its_primary_key(verifier: Verifier, gpg: Gpg) -> None:
    primary = gpg.new_key("subkeys", usage="cert")
    inrelease = gpg.clearsign(RELEASE, gpg.new_subkey(primary, kind="rsa2048"))
    assert verify(verifier, inrelease, keyring(gpg.export(primary))).signers == (primary,)


def test_armored_keyring_with_several_blocks_and_comments(verifier: Verifier, gpg: Gpg, anna: str, berta: str) -> None:
    blocks = b"The keys of Anna\n" + gpg.export(anna, armor=True) + b"and Berta\n" + gpg.export(berta, armor=True)
    inrelease = gpg.clearsign(RELEASE, berta)
    assert verify(verifier, inrelease, keyring(blocks, "vendor.asc")).signers == (berta,)


def test_keyring_with_gpgs_own_trust_packets(verifier: Verifier, gpg: Gpg, anna: str) -> None:
    trust_packet = b"\xb0\x02\x00\x00"
    ring = keyring(gpg.export(anna) + trust_packet)
    assert verify(verifier, gpg.clearsign(RELEASE, anna), ring).signers == (anna,)


def test_good_signature_beside_a_bad_one_is_enough(verifier: Verifier, gpg: Gpg, anna: str, berta: str) -> None:
    [good] = signature_packets(gpg.clearsign(RELEASE, anna))
    [bad] = signature_packets(gpg.clearsign(b"something else\n", berta))
    ring = keyring(gpg.export(anna, berta))
    for signatures in ([good, bad], [bad, good]):
        assert verify(verifier, clearsigned(RELEASE, *signatures), ring).signers == (anna,)


def test_binary_signature_in_a_clearsigned_file(verifier: Verifier, gpg: Gpg, anna: str) -> None:
    """The way of Go's openpgp library, and so of aptly."""
    crlf = RELEASE.removesuffix(b"\n").replace(b"\n", b"\r\n")
    signature = gpg.detach(crlf, anna, options=("--digest-algo", "SHA512"))
    inrelease = clearsigned(RELEASE, signature)
    assert gpg.gpgv_output(inrelease, gpg.export(anna)) == RELEASE
    assert verify(verifier, inrelease, keyring(gpg.export(anna))) == Verified(RELEASE, (anna,))


@pytest.mark.parametrize("kind", ["rsa2048", "nistp256", "nistp521", "brainpoolP256r1"])
def test_kinds_of_keys(verifier: Verifier, gpg: Gpg, kind: str) -> None:
    key = gpg.new_key(f"kind-{kind}", kind=kind)
    assert verify(verifier, gpg.clearsign(RELEASE, key), keyring(gpg.export(key))).signers == (key,)


def test_key_that_certified_itself_with_sha1_still_signs(verifier: Verifier, gpg: Gpg) -> None:
    """The keyring file is trusted as a whole. Sequoia alone refuses such a key, so gpgv is asked."""
    key = gpg.new_key("sha1-certified", "--cert-digest-algo=SHA1", kind="rsa2048")
    assert verify(verifier, gpg.clearsign(RELEASE, key), keyring(gpg.export(key))).signers == (key,)


# --- what is refused ---


def test_changed_text(verifier: Verifier, gpg: Gpg, anna: str) -> None:
    inrelease = gpg.clearsign(RELEASE, anna).replace(b"stable", b"stabla")
    refused = refusal(verifier, inrelease, keyring(gpg.export(anna)))
    assert refused.reason == Reason.BAD
    assert anna[-16:] in refused.message


def test_signature_of_another_text(verifier: Verifier, gpg: Gpg, anna: str) -> None:
    inrelease = clearsigned(RELEASE, *signature_packets(gpg.clearsign(RELEASE + b"more\n", anna)))
    assert refusal(verifier, inrelease, keyring(gpg.export(anna))).reason == Reason.BAD


def test_unknown_key_is_named_with_the_keyrings(verifier: Verifier, gpg: Gpg, anna: str, berta: str) -> None:
    refused = refusal(verifier, gpg.clearsign(RELEASE, anna), keyring(gpg.export(berta), "/etc/b.gpg"))
    assert refused.reason == Reason.UNKNOWN_KEY
    assert refused.message == f"signed by {anna[-16:]}, which is in none of the keyrings (/etc/b.gpg)"
    assert refused.hint is not None
    assert "[trust] keyrings" in refused.hint


def test_bad_signature_tells_more_than_an_unknown_key(verifier: Verifier, gpg: Gpg, anna: str, berta: str) -> None:
    inrelease = gpg.clearsign(RELEASE, anna, berta).replace(b"stable", b"stabla")
    refused = refusal(verifier, inrelease, keyring(gpg.export(berta)))
    assert refused.reason == Reason.BAD
    assert anna[-16:] in refused.message
    assert berta[-16:] in refused.message


def test_issuer_that_lies(verifier: Verifier, gpg: Gpg, anna: str, berta: str) -> None:
    """Berta's signature that says it is Anna's; the fingerprint in it is covered, the key id is not looked at then."""
    [packet] = signature_packets(gpg.clearsign(RELEASE, berta))
    forged = packet.replace(bytes.fromhex(berta), bytes.fromhex(anna)).replace(
        bytes.fromhex(berta[-16:]), bytes.fromhex(anna[-16:])
    )
    refused = refusal(verifier, clearsigned(RELEASE, forged), keyring(gpg.export(anna, berta)))
    assert refused.reason == Reason.BAD


def test_no_signature_at_all(verifier: Verifier, gpg: Gpg, anna: str) -> None:
    refused = refusal(verifier, RELEASE, keyring(gpg.export(anna)))
    assert refused.reason == Reason.NOT_SIGNED
    assert refused.hint is not None
    assert "[trust] unsigned" in refused.hint


def test_text_around_the_signed_block(verifier: Verifier, gpg: Gpg, anna: str) -> None:
    inrelease = gpg.clearsign(RELEASE, anna)
    for data in (b"Suite: evil\n" + inrelease, inrelease + b"Suite: evil\n", inrelease + inrelease):
        refused = refusal(verifier, data, keyring(gpg.export(anna)))
        assert refused.reason == Reason.BAD
        assert "nobody signed" in refused.message


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9, 0.99])
def test_truncated_file(verifier: Verifier, gpg: Gpg, anna: str, share: float) -> None:
    inrelease = gpg.clearsign(RELEASE * 20, anna)
    cut = inrelease[: int(len(inrelease) * share)]
    assert refusal(verifier, cut, keyring(gpg.export(anna))).reason == Reason.BAD


def test_no_keyring(verifier: Verifier, gpg: Gpg, anna: str) -> None:
    assert refusal(verifier, gpg.clearsign(RELEASE, anna)).reason == Reason.NO_KEYRING


def test_weak_hash(verifier: Verifier, gpg: Gpg, anna: str) -> None:
    refused = refusal(
        verifier, gpg.clearsign(RELEASE, anna, options=("--digest-algo", "SHA1")), keyring(gpg.export(anna))
    )
    assert refused.reason == Reason.WEAK
    assert "SHA1" in refused.message


@pytest.mark.parametrize("kind", ["rsa1024", "dsa2048"])
def test_weak_key(verifier: Verifier, gpg: Gpg, kind: str) -> None:
    key = gpg.new_key(f"weak-{kind}", kind=kind)
    signed = gpg.clearsign(RELEASE, key, options=("--digest-algo", "SHA256"))
    assert refusal(verifier, signed, keyring(gpg.export(key))).reason == Reason.WEAK


def test_signature_that_expired(verifier: Verifier, gpg: Gpg) -> None:
    key = gpg.new_key("short-signature", at("20200101"))
    signed = gpg.clearsign(RELEASE, key, options=(at("20200201"), "--default-sig-expire", "1d"))
    assert refusal(verifier, signed, keyring(gpg.export(key))).reason == Reason.EXPIRED_SIGNATURE


def test_signature_from_the_future(verifier: Verifier, gpg: Gpg, anna: str) -> None:
    signed = gpg.clearsign(RELEASE, anna, options=(at("20990101"),))
    assert refusal(verifier, signed, keyring(gpg.export(anna))).reason == Reason.FUTURE


# --- expired and revoked keys ---


@dataclass(frozen=True, slots=True)
class OldArchive:
    """A key that lived from 2015 to 2016, and was prolonged at the end of 2015, which not everybody heard of."""

    key: str
    keyring: Keyring
    prolonged: Keyring
    signed_in_2015: bytes
    signed_in_2017: bytes


@pytest.fixture(scope="module")
def old_archive(gpg: Gpg) -> OldArchive:
    key = gpg.new_key("old", at("20150101"), lives="1y")
    ring = keyring(gpg.export(key))
    signed = gpg.clearsign(RELEASE, key, options=(at("20150601"),))
    gpg.run(at("20151201"), "--quick-set-expire", key, "0")
    signed_later = gpg.clearsign(RELEASE, key, options=(at("20170601"),))
    return OldArchive(key, ring, keyring(gpg.export(key)), signed, signed_later)


def test_expired_key_needs_the_explicit_setting(verifier: Verifier, old_archive: OldArchive) -> None:
    refused = refusal(verifier, old_archive.signed_in_2015, old_archive.keyring)
    assert refused.reason == Reason.EXPIRED_KEY
    assert refused.hint is not None
    assert "[trust] expired" in refused.hint
    verified = verify(verifier, old_archive.signed_in_2015, old_archive.keyring, expired_keys=True)
    assert verified.signers == (old_archive.key,)


def test_key_that_was_dead_when_it_signed_never_counts(verifier: Verifier, old_archive: OldArchive) -> None:
    refused = refusal(verifier, old_archive.signed_in_2017, old_archive.keyring, expired_keys=True)
    assert refused.reason == Reason.EXPIRED_KEY
    assert "before it signed" in refused.message


def test_prolonged_key_counts_and_its_old_copy_does_no_harm(verifier: Verifier, old_archive: OldArchive) -> None:
    """Also for what it signed before it was prolonged: sequoia finds no self-signature of that time then."""
    old, prolonged = old_archive.keyring, old_archive.prolonged
    for rings in ([old, prolonged], [prolonged, old], [prolonged]):
        for signed in (old_archive.signed_in_2015, old_archive.signed_in_2017):
            assert verify(verifier, signed, *rings).signers == (old_archive.key,)


def test_expired_subkey_of_a_living_key(verifier: Verifier, gpg: Gpg) -> None:
    primary = gpg.new_key("old-subkey", at("20150101"), usage="cert")
    subkey = gpg.new_subkey(primary, at("20150102"), lives="1y")
    signed = gpg.clearsign(RELEASE, subkey, options=(at("20150601"),))
    ring = keyring(gpg.export(primary))
    assert refusal(verifier, signed, ring).reason == Reason.EXPIRED_KEY
    assert verify(verifier, signed, ring, expired_keys=True).signers == (primary,)


def test_living_subkey_of_an_expired_key(verifier: Verifier, gpg: Gpg) -> None:
    primary = gpg.new_key("old-primary", at("20150101"), usage="cert", lives="1y")
    subkey = gpg.new_subkey(primary, at("20150102"))
    signed = gpg.clearsign(RELEASE, subkey, options=(at("20150601"),))
    assert refusal(verifier, signed, keyring(gpg.export(primary))).reason == Reason.EXPIRED_KEY


def test_revoked_key_in_any_keyring(verifier: Verifier, gpg: Gpg) -> None:
    key = gpg.new_key("revoked")
    signed, before = gpg.clearsign(RELEASE, key), gpg.export(key)
    assert verify(verifier, signed, keyring(before)).signers == (key,)
    gpg.revoke(key)
    after = gpg.export(key)
    for rings in ([after], [before, after], [after, before]):
        assert refusal(verifier, signed, *map(keyring, rings), expired_keys=True).reason == Reason.REVOKED_KEY


def test_revoked_subkey(verifier: Verifier, gpg: Gpg) -> None:
    """Even if it was only replaced ("no longer used") after it had signed: sequoia would let that pass, gpgv not."""
    primary = gpg.new_key("revoked-subkey", usage="cert")
    signed = gpg.clearsign(RELEASE, gpg.new_subkey(primary))
    assert verify(verifier, signed, keyring(gpg.export(primary))).signers == (primary,)
    gpg.edit(primary, "key 1", "revkey", "y", "3", "", "y", "save")
    assert refusal(verifier, signed, keyring(gpg.export(primary))).reason == Reason.REVOKED_KEY


# --- Release with Release.gpg ---


@pytest.mark.parametrize("armor", [False, True])
def test_detached_signature(verifier: Verifier, gpg: Gpg, anna: str, berta: str, armor: bool) -> None:
    signature = gpg.detach(RELEASE, anna, berta)
    signature = armored(signature) if armor else signature
    rings = [keyring(gpg.export(anna)), keyring(gpg.export(berta))]
    now = datetime.now(UTC)
    assert verifier.verify_detached(RELEASE, signature, rings, now=now).signers == tuple(sorted([anna, berta]))
    for changed in (RELEASE + b"\n", RELEASE[:-1], RELEASE.replace(b"\n", b"\r\n"), b"x" + RELEASE):
        with pytest.raises(SignatureRefused) as caught:
            verifier.verify_detached(changed, signature, rings, now=now)
        assert caught.value.reason == Reason.BAD


def test_detached_text_signature_may_not_hide_line_ends(verifier: Verifier, gpg: Gpg, anna: str) -> None:
    signature = gpg.detach(RELEASE, anna, options=("--textmode",))
    rings = [keyring(gpg.export(anna))]
    now = datetime.now(UTC)
    assert verifier.verify_detached(RELEASE, signature, rings, now=now) == Verified(RELEASE, (anna,))
    with pytest.raises(SignatureRefused, match="carriage returns"):
        verifier.verify_detached(RELEASE.replace(b"\n", b"\r\n"), signature, rings, now=now)


@pytest.mark.parametrize("signature", [b"", b"<html>404</html>", b"\x99\x00", armored(b""), armored(b"\xcb\x01b")])
def test_detached_signature_that_is_none(verifier: Verifier, gpg: Gpg, anna: str, signature: bytes) -> None:
    with pytest.raises(SignatureRefused) as caught:
        verifier.verify_detached(RELEASE, signature, [keyring(gpg.export(anna))], now=datetime.now(UTC))
    assert caught.value.reason in (Reason.NOT_SIGNED, Reason.BAD)


def test_clearsigned_file_is_no_detached_signature_of_its_payload(verifier: Verifier, gpg: Gpg, anna: str) -> None:
    """Its signature leaves the last newline out, so InRelease's cannot stand as Release.gpg."""
    inrelease = gpg.clearsign(RELEASE, anna)
    with pytest.raises(SignatureRefused):
        verifier.verify_detached(RELEASE, inrelease, [keyring(gpg.export(anna))], now=datetime.now(UTC))
