# SPDX-License-Identifier: MIT
"""An authority of our own for TLS certificates: made, written down, read back, and its leaves.

With it a client that insists on https can be served frozen repositories (see `serve.connects`).

Rule 1: it can sign for servers only, and makes no further authorities; where names are given, for these alone. Its
certificate says so (RFC 5280 4.2.1.9, 10, 12): a client that trusts it need not trust it with anything else.
Rule 2: it and its leaves are valid since a month ago: a client's clock may be behind.
Rule 3: the private half leaves only by `pem`, and is not shown by `repr`.
Rule 4: `cryptography` is imported when it is needed: a tenth of a second. To read the certificate alone, as `run` does
for apt, `pem.certificate_in` is enough.
"""

from collections.abc import Sequence
from dataclasses import field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, Self

from aptfreeze.trust.pem import certificate_in
from aptfreeze.trust.validity import validity
from aptfreeze.values import immutable

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

_BEHIND: Final = timedelta(days=30)
_AUTHORITY_FOR: Final = timedelta(days=3650)
_LEAF_FOR: Final = timedelta(days=397)
"""From begin to end; longer ones are refused by some clients (CA/Browser Forum, baseline requirements 6.3.2)."""
_NAME_LIMIT: Final = 64
"""RFC 5280 A.1: ub-common-name."""
_LEAF_NAME: Final = "frozen by aptfreeze"
"""Says nothing: names stand in the extension for them. Clients hold name constraints against what looks like one."""


class AuthorityError(ValueError):
    """The bytes are no authority that can sign here; the message says why."""


@immutable
class LeafKey:
    """The private key of leaves: of one process, never written down."""

    _key: "EllipticCurvePrivateKey" = field(repr=False)

    @classmethod
    def generate(cls) -> Self:
        from cryptography.hazmat.primitives.asymmetric import ec  # start-up time

        return cls(ec.generate_private_key(ec.SECP256R1()))


@immutable
class Authority:
    """A self-signed certificate with its key (ECDSA on P-256)."""

    _certificate: "x509.Certificate"
    _key: "EllipticCurvePrivateKey" = field(repr=False)

    @classmethod
    def generate(cls, name: str, names: Sequence[str] = (), now: datetime | None = None) -> Self:
        """A new one; with `names` it can sign for these hosts, and those below them, only."""
        from cryptography import x509  # start-up time
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import ec

        now = now or datetime.now(UTC)
        key = ec.generate_private_key(ec.SECP256R1())
        subject = _subject(name)
        builder = _begun(subject, subject, key, now - _BEHIND, now + _AUTHORITY_FOR)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        builder = builder.add_extension(_usage(signs_certificates=True), critical=True)
        builder = builder.add_extension(_for_servers(), critical=False)
        if names:
            builder = builder.add_extension(_constraints(names), critical=True)
        return cls(builder.sign(key, hashes.SHA256()), key)

    @classmethod
    def parse(cls, pem: bytes, now: datetime | None = None) -> Self:
        """What `pem` has written. AuthorityError, also for one that is not valid at the moment."""
        from cryptography import x509  # start-up time
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

        try:
            certificate = x509.load_pem_x509_certificate(certificate_in(pem) or b"")
            key = load_pem_private_key(pem, None)
        except (ValueError, TypeError) as error:
            raise AuthorityError("it does not hold a certificate and its private key in PEM form") from error
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise AuthorityError("its key is not one for ECDSA")
        form = Encoding.DER, PublicFormat.SubjectPublicKeyInfo
        if certificate.public_key().public_bytes(*form) != key.public_key().public_bytes(*form):
            raise AuthorityError("its certificate and its key do not belong together")
        (begin, end), now = validity(certificate), now or datetime.now(UTC)
        if not begin <= now <= end:
            raise AuthorityError(f"it is valid from {begin:%Y-%m-%d} to {end:%Y-%m-%d}, and today is {now:%Y-%m-%d}")
        return cls(certificate, key)

    @property
    def pem(self) -> bytes:
        """Both halves: to be kept where nobody else can read it."""
        return _private_pem(self._key) + self.certificate

    @property
    def certificate(self) -> bytes:
        """The public half, as PEM."""
        from cryptography.hazmat.primitives.serialization import Encoding  # start-up time

        return self._certificate.public_bytes(Encoding.PEM)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the certificate, as `openssl x509 -fingerprint -sha256` shows it without its colons."""
        from cryptography.hazmat.primitives import hashes  # start-up time

        return self._certificate.fingerprint(hashes.SHA256()).hex().upper()

    def leaf(self, host: str, leaf_key: LeafKey, now: datetime | None = None) -> bytes:
        """A certificate for a server of that name or address, with the key in front, as PEM. Takes 0.1 ms."""
        from cryptography import x509  # start-up time
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.serialization import Encoding

        begin, key = (now or datetime.now(UTC)) - _BEHIND, leaf_key._key
        builder = _begun(_subject(_LEAF_NAME), self._certificate.subject, key, begin, begin + _LEAF_FOR)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        builder = builder.add_extension(_usage(signs_certificates=False), critical=True)
        builder = builder.add_extension(_for_servers(), critical=False)
        builder = builder.add_extension(x509.SubjectAlternativeName([_name(host)]), critical=False)
        issuer = self._certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
        identifier = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(issuer)
        builder = builder.add_extension(identifier, critical=False)
        return _private_pem(key) + builder.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM)


def _subject(name: str) -> "x509.Name":
    from cryptography import x509  # start-up time

    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name[:_NAME_LIMIT])])


def _begun(
    subject: "x509.Name", issuer: "x509.Name", key: "EllipticCurvePrivateKey", begin: datetime, end: datetime
) -> "x509.CertificateBuilder":
    from cryptography import x509  # start-up time

    public = key.public_key()
    builder = x509.CertificateBuilder(issuer, subject, public, x509.random_serial_number(), begin, end)
    return builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)


def _usage(*, signs_certificates: bool) -> "x509.KeyUsage":
    from cryptography import x509  # start-up time

    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _for_servers() -> "x509.ExtendedKeyUsage":
    """Of an authority, too: what verifies clients, mail or programs then refuses what it has signed."""
    from cryptography import x509  # start-up time
    from cryptography.x509.oid import ExtendedKeyUsageOID

    return x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])


def _name(host: str) -> "x509.GeneralName":
    """As clients look for it: an address is none of the names (RFC 9110 4.3.5)."""
    import ipaddress  # start-up time

    from cryptography import x509

    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _constraints(hosts: Sequence[str]) -> "x509.NameConstraints":
    """A kind of names of which none is permitted would not be constrained at all: RFC 5280 4.2.1.10."""
    import ipaddress  # start-up time

    from cryptography import x509

    permitted: list[x509.GeneralName] = []
    closed = {4: ipaddress.ip_network("0.0.0.0/0"), 6: ipaddress.ip_network("::/0")}
    for host in hosts:
        try:
            address = ipaddress.ip_network(host)
        except ValueError:
            permitted.append(x509.DNSName(host))
        else:
            permitted.append(x509.IPAddress(address))
            closed.pop(address.version, None)
    if not any(isinstance(each, x509.DNSName) for each in permitted):
        permitted.append(x509.DNSName("invalid"))  # RFC 2606 2: nobody's
    return x509.NameConstraints(permitted, [x509.IPAddress(each) for each in closed.values()] or None)


def _private_pem(key: "EllipticCurvePrivateKey") -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat  # start-up time

    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
