# SPDX-License-Identifier: MIT
"""What is told; that these are the failures of real handshakes, test_tls.py shows."""

import ssl
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from aptfreeze.fetch.hosttls import HostTls
from aptfreeze.fetch.untrusted import Shown, refused_certificate, refused_handshake
from aptfreeze.fetch.url import Endpoint
from support.certificates import Authority

ENDPOINT = Endpoint("mirror.example.org", 443, "/", True)
SHOWN = Shown(
    "CN=Some CA",
    datetime(2026, 1, 1, tzinfo=UTC),
    datetime(2026, 11, 1, 12, 30, tzinfo=UTC),
    tuple(f"{name}.example.org" for name in "abcdefg"),
)


def certificate_error(code: int) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError()
    error.verify_code, error.verify_message = code, "said OpenSSL"
    return error


@pytest.mark.parametrize(
    ("code", "said", "hint"),
    [
        (9, "is not valid yet (valid from 2026-01-01 to 2026-11-01 12:30 UTC)", "set the clock"),
        (10, "its certificate expired (valid from 2026-01-01 to 2026-11-01 12:30 UTC)", "another mirror"),
        (18, "signed by itself (CN=Some CA); known are the CAs of this machine", '[tls.host."mirror.example.org"] ca'),
        (20, "signed by a CA that is not known (CN=Some CA)", '[tls.host."mirror.example.org"] ca'),
        (62, "not for mirror.example.org but for a.example.org, b.example.org, c.", "in [mirrors]"),
        (62, "e.example.org and 2 more", "in [mirrors]"),
        (23, "is refused (said OpenSSL)", "ca-certificates"),
    ],
)
def test_an_objection_has_a_reason_and_a_hint(code: int, said: str, hint: str) -> None:
    error = refused_certificate(certificate_error(code), ENDPOINT, SHOWN, HostTls())
    assert error.message.startswith("https://mirror.example.org is not trusted: ")
    assert said in error.message
    assert hint in (error.hint or "")


def test_that_apt_does_not_look_is_told_and_changes_nothing() -> None:
    tls = HostTls(unchecked_by='Acquire::https::Verify-Peer "false"')
    error = refused_certificate(certificate_error(18), ENDPOINT, SHOWN, tls)
    assert 'apt is told not to look, by Acquire::https::Verify-Peer "false"; aptfreeze always does' in error.message


@pytest.mark.parametrize("code", [9, 10, 18, 20, 62, 23])
def test_it_is_told_as_well_where_the_certificate_cannot_be_read(code: int) -> None:
    error = refused_certificate(certificate_error(code), ENDPOINT, None, HostTls(Path("/ca.pem"), False))
    assert "its certificate" in error.message
    assert "None" not in error.message


def test_a_certificate_is_read(tmp_path: Path) -> None:
    pem = Authority(tmp_path).issue("a.example.org", "::1").read_text()
    certificate = ssl.PEM_cert_to_DER_cert(pem[pem.index("-----BEGIN CERT") :])
    shown = Shown.parse(certificate)
    assert shown is not None
    assert (shown.issuer, shown.names) == ("CN=Test CA", ("a.example.org", "::1"))
    assert shown.begin < datetime.now(UTC) < shown.end


def test_a_certificate_that_breaks_the_rules_is_none(tmp_path: Path) -> None:
    pem = Authority(tmp_path).issue("a.example.org").read_text()
    der = ssl.PEM_cert_to_DER_cert(pem[pem.index("-----BEGIN CERT") :])
    of_version_9 = der.replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x09", 1)
    assert of_version_9 != der
    assert Shown.parse(of_version_9) is None


def test_a_certificate_with_an_extension_that_breaks_the_rules_is_none() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a")]), datetime.now(UTC)
    begun = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    dated = begun.serial_number(1).not_valid_before(now).not_valid_after(now)
    names = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.17"), b"\x30\x05\xa3\x03\x05\x00\x00")
    der = dated.add_extension(names, critical=False).sign(key, hashes.SHA256()).public_bytes(Encoding.DER)
    assert Shown.parse(der) is None


@pytest.mark.parametrize("der", [b"", b"\x30\x03\x02\x01\x01", bytes(1000)])
def test_what_is_no_certificate_is_none(der: bytes) -> None:
    assert Shown.parse(der) is None


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("UNSUPPORTED_PROTOCOL", "only TLS that is older than 1.2"),
        ("TLSV1_ALERT_PROTOCOL_VERSION", "only TLS that is older than 1.2"),
        ("WRONG_VERSION_NUMBER", "speaks no TLS on port 443"),
        ("TLSV13_ALERT_CERTIFICATE_REQUIRED", "may want a client certificate"),
        ("SSLV3_ALERT_HANDSHAKE_FAILURE", "may want a client certificate"),
        ("TLSV1_ALERT_INTERNAL_ERROR", "do not agree on TLS (TLSV1_ALERT_INTERNAL_ERROR)"),
    ],
)
def test_a_handshake_that_failed_has_a_reason(reason: str, said: str) -> None:
    error = ssl.SSLError()
    error.reason = reason
    assert said in refused_handshake(error, ENDPOINT, HostTls()).message


def test_a_client_certificate_that_is_refused_is_named() -> None:
    error = ssl.SSLError()
    error.reason = "SSLV3_ALERT_CERTIFICATE_EXPIRED"
    told = refused_handshake(error, ENDPOINT, HostTls(client_certificate=Path("/client.pem")))
    assert "does not accept the client certificate /client.pem" in told.message
