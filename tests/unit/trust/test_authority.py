# SPDX-License-Identifier: MIT
"""Certificates, asked by OpenSSL as a client has it: what is trusted, for which host, and when."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID

from aptfreeze.trust.authority import Authority, AuthorityError, LeafKey
from aptfreeze.trust.pem import certificate_in

NOW = datetime.now(UTC)
AUTHORITY = Authority.generate("test")
KEY = LeafKey.generate()


def leaf_of(authority: Authority, host: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate(certificate_in(authority.leaf(host, KEY)) or b"")


def shake_hands(authority: Authority, pem: bytes, host: str, folder: Path) -> None:
    """A client that trusts the authority meets a server that shows the leaf; ssl.SSLError."""
    (folder / "leaf.pem").write_bytes(pem)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "leaf.pem")
    client = ssl.create_default_context(cadata=authority.certificate.decode())
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    meet(client, server, host)


def meet(client: ssl.SSLContext, server: ssl.SSLContext, host: str) -> None:
    """A handshake, to its end; ssl.SSLError of either side."""
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [client.wrap_bio(down, up, server_hostname=host), server.wrap_bio(up, down, server_side=True)]
    for _ in range(4):
        for end in ends:
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue


@pytest.mark.parametrize("host", ["mirror.example.org", "192.0.2.7", "2001:db8::7", "a" * 60 + ".example.org"])
def test_a_leaf_is_accepted_for_its_host_and_no_other(tmp_path: Path, host: str) -> None:
    pem = AUTHORITY.leaf(host, KEY)
    shake_hands(AUTHORITY, pem, host, tmp_path)
    with pytest.raises(ssl.SSLCertVerificationError, match="mismatch"):
        shake_hands(AUTHORITY, pem, "other.example.org", tmp_path)
    with pytest.raises(ssl.SSLCertVerificationError, match="verify failed"):
        shake_hands(Authority.generate("test"), pem, host, tmp_path)


def test_an_authority_for_some_names_is_accepted_for_these_and_those_below_alone(tmp_path: Path) -> None:
    narrow = Authority.generate("test", ["mirror.example.org", "192.0.2.7"])
    for host in ("mirror.example.org", "a.mirror.example.org", "192.0.2.7"):
        shake_hands(narrow, narrow.leaf(host, KEY), host, tmp_path)
    for host in ("bank.example.org", "192.0.2.8", "2001:db8::7"):
        with pytest.raises(ssl.SSLCertVerificationError, match="subtree"):
            shake_hands(narrow, narrow.leaf(host, KEY), host, tmp_path)
    for_addresses = Authority.generate("test", ["192.0.2.7"])
    with pytest.raises(ssl.SSLCertVerificationError, match="subtree"):
        shake_hands(for_addresses, for_addresses.leaf("mirror.example.org", KEY), "mirror.example.org", tmp_path)


def test_both_are_valid_for_a_clock_that_is_weeks_behind_and_a_leaf_for_no_more_than_397_days() -> None:
    root, leaf = x509.load_pem_x509_certificate(AUTHORITY.certificate), leaf_of(AUTHORITY, "mirror.example.org")
    for certificate in (root, leaf):
        assert certificate.not_valid_before_utc < NOW - timedelta(days=29)
    assert NOW + timedelta(days=300) < leaf.not_valid_after_utc <= leaf.not_valid_before_utc + timedelta(days=397)
    assert root.not_valid_after_utc > NOW + timedelta(days=3600)


def test_a_client_that_it_has_signed_is_let_in_nowhere(tmp_path: Path) -> None:
    """What somebody could make with a stolen key."""
    (tmp_path / "client.pem").write_bytes(_client_certificate(AUTHORITY))
    (tmp_path / "leaf.pem").write_bytes(AUTHORITY.leaf("mirror.example.org", KEY))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(tmp_path / "leaf.pem")
    server.verify_mode = ssl.CERT_REQUIRED
    server.load_verify_locations(cadata=AUTHORITY.certificate.decode())
    client = ssl.create_default_context(cadata=AUTHORITY.certificate.decode())
    client.load_cert_chain(tmp_path / "client.pem")
    with pytest.raises(ssl.SSLCertVerificationError, match="purpose"):
        meet(client, server, "mirror.example.org")


def _client_certificate(authority: Authority) -> bytes:
    root, key = x509.load_pem_x509_certificate(authority.certificate), authority._key
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "jane")])
    begin, end = NOW - timedelta(days=1), NOW + timedelta(days=1)
    builder = x509.CertificateBuilder(root.subject, name, key.public_key(), 1, begin, end)
    builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return private + builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)


def test_a_leaf_serves_and_signs_nothing() -> None:
    leaf, root = leaf_of(AUTHORITY, "mirror.example.org"), x509.load_pem_x509_certificate(AUTHORITY.certificate)
    assert not leaf.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert list(leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [
        ExtendedKeyUsageOID.SERVER_AUTH
    ]
    assert root.extensions.get_extension_for_class(x509.BasicConstraints).value.path_length == 0
    identifier = root.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    assert leaf.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier == identifier


def test_it_comes_back_from_what_is_kept() -> None:
    again = Authority.parse(AUTHORITY.pem)
    assert (again.certificate, again.fingerprint) == (AUTHORITY.certificate, AUTHORITY.fingerprint)
    assert certificate_in(AUTHORITY.pem) == AUTHORITY.certificate
    digest = x509.load_pem_x509_certificate(AUTHORITY.certificate).fingerprint(hashes.SHA256())
    assert AUTHORITY.fingerprint == digest.hex().upper()
    assert "PRIVATE" not in repr(AUTHORITY) + repr(KEY)
    assert b"PRIVATE" not in AUTHORITY.certificate


def test_what_cannot_sign_is_refused() -> None:
    key = Authority.generate("other").pem.partition(b"-----BEGIN CERTIFICATE")[0]
    for pem, reason in (
        (b"", "does not hold"),
        (AUTHORITY.certificate, "does not hold"),
        (key, "does not hold"),
        (key + AUTHORITY.certificate, "do not belong together"),
        (_rsa() + AUTHORITY.certificate, "not one for ECDSA"),
    ):
        with pytest.raises(AuthorityError, match=reason):
            Authority.parse(pem)
    assert certificate_in(key) is None


def test_one_that_is_not_valid_today_is_refused_with_its_dates() -> None:
    pem = Authority.generate("old", now=datetime(2016, 1, 31, tzinfo=UTC)).pem
    for today in (datetime(2015, 12, 31, tzinfo=UTC), datetime(2026, 11, 24, tzinfo=UTC)):
        with pytest.raises(AuthorityError, match=f"valid from 2016-01-01 to 2026-01-28, and today is {today:%Y-%m-%d}"):
            Authority.parse(pem, today)
    assert Authority.parse(pem, datetime(2020, 1, 1, tzinfo=UTC)).pem == pem


def _rsa() -> bytes:
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(65537, 2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
