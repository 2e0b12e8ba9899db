# SPDX-License-Identifier: MIT
"""How it is told that TLS found no trust: what the server showed, and which setting decides about it."""

import ssl
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from aptfreeze.errors import UpstreamError
from aptfreeze.fetch.connection import Head
from aptfreeze.fetch.failures import UntrustedError
from aptfreeze.fetch.hosttls import HostTls
from aptfreeze.fetch.url import Endpoint
from aptfreeze.trust.validity import validity
from aptfreeze.values import immutable

if TYPE_CHECKING:
    from cryptography import x509

# X509_V_ERR_... of OpenSSL's x509_vfy.h
_NOT_YET_VALID = 9
_EXPIRED = 10
_SELF_SIGNED = 18
_UNKNOWN_ISSUER = (19, 20, 21)
_WRONG_NAME = (62, 64)
_TOO_OLD = ("UNSUPPORTED_PROTOCOL", "WRONG_SSL_VERSION", "PROTOCOL_VERSION")
_NO_TLS = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER_FAILURE")
_WANTS_CLIENT = ("CERTIFICATE", "HANDSHAKE_FAILURE", "UNKNOWN_CA", "ACCESS_DENIED")
_MOST_NAMES = 5


@immutable
class Shown:
    """What the certificate of a server says of itself."""

    issuer: str
    begin: datetime
    end: datetime
    names: tuple[str, ...]

    @classmethod
    def parse(cls, der: bytes) -> "Shown | None":
        """None where it cannot be read."""
        from cryptography import x509  # start-up time

        try:
            certificate = x509.load_der_x509_certificate(der)
            return cls(certificate.issuer.rfc4514_string(), *validity(certificate), _names(certificate))
        except (ValueError, x509.InvalidVersion, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
            return None


def _names(certificate: "x509.Certificate") -> tuple[str, ...]:
    from cryptography import x509

    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    addresses = map(str, found.get_values_for_type(x509.IPAddress))
    return (*found.get_values_for_type(x509.DNSName), *addresses)


def refused_certificate(
    error: ssl.SSLCertVerificationError, endpoint: Endpoint, shown: Shown | None, tls: HostTls
) -> UntrustedError:
    """The server's certificate does not count."""
    why, hint = _objection(error, endpoint, shown, tls)
    apt = f" (apt is told not to look, by {tls.unchecked_by}; aptfreeze always does)" if tls.unchecked_by else ""
    return UntrustedError(f"{endpoint.server} is not trusted: {why}{apt}", hint=hint)


def _objection(
    error: ssl.SSLCertVerificationError, endpoint: Endpoint, shown: Shown | None, tls: HostTls
) -> tuple[str, str]:
    code = error.verify_code
    if code in (_EXPIRED, _NOT_YET_VALID):
        said = "expired" if code == _EXPIRED else "is not valid yet"
        dates = f" (valid from {shown.begin:%Y-%m-%d} to {shown.end:%Y-%m-%d %H:%M} UTC)" if shown else ""
        now = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
        return (
            f"its certificate {said}{dates}; this machine's clock says {now}",
            "set the clock if that is wrong; else ask who runs the server, or name another mirror in [mirrors]",
        )
    if code in _WRONG_NAME:
        names = f" but for {_listed(shown.names)}" if shown and shown.names else ""
        return (
            f"its certificate is not for {endpoint.host}{names}",
            "name the mirror in [mirrors] as its certificate does",
        )
    if code == _SELF_SIGNED or code in _UNKNOWN_ISSUER:
        by = "by itself" if code == _SELF_SIGNED else "by a CA that is not known"
        issuer = f" ({shown.issuer})" if shown else ""
        return f"its certificate is signed {by}{issuer}; known are {_known(tls)}", _name_ca(endpoint)
    return f"its certificate is refused ({error.verify_message})", _name_ca(endpoint)


def _known(tls: HostTls) -> str:
    known = [str(tls.ca)] if tls.ca else []
    return " and ".join([*known, *(["the CAs of this machine"] if tls.uses_system_cas else [])])


def _name_ca(endpoint: Endpoint) -> str:
    return (
        "if you trust it, name the file with its CA in aptfreeze.toml: "
        f'[tls.host."{endpoint.authority}"] ca = "FILE"; the CAs of a machine are in the package ca-certificates'
    )


def _listed(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return ", ".join(f"{name:.100}" for name in names[:_MOST_NAMES]) + more


def refused_handshake(error: ssl.SSLError, endpoint: Endpoint, tls: HostTls) -> UntrustedError:
    """The two ends do not agree, or the server does not accept who we are."""
    reason = error.reason or str(error)
    if any(word in reason for word in _TOO_OLD):
        return UntrustedError(
            f"{endpoint.server} speaks only TLS that is older than 1.2 ({reason})",
            hint="that is not safe any more; name another mirror in [mirrors]",
        )
    if any(word in reason for word in _NO_TLS):
        return UntrustedError(
            f"{endpoint.server} speaks no TLS on port {endpoint.port} ({reason})",
            hint="name it with http:// and its port, if that is what it speaks",
        )
    if "ALERT" in reason and any(word in reason for word in _WANTS_CLIENT):
        return _refused_client(reason, endpoint, tls)
    return UntrustedError(f"{endpoint.server} and this machine do not agree on TLS ({reason})")


def refused_request(endpoint: Endpoint, head: Head) -> UpstreamError:
    """A 400 by https: some servers end the handshake well, and say only then that the client certificate is no good."""
    return UpstreamError(
        f"{head.status} {head.reason}: {endpoint.server} answers so if it misses a client certificate, among others",
        hint=f'name one in aptfreeze.toml: [tls.host."{endpoint.authority}"] client_certificate = "FILE"',
    )


def _refused_client(reason: str, endpoint: Endpoint, tls: HostTls) -> UntrustedError:
    table = f'[tls.host."{endpoint.authority}"]'
    if tls.client_certificate is None:
        return UntrustedError(
            f"{endpoint.server} refuses us ({reason}): it may want a client certificate, and none is configured",
            hint=f'name one in aptfreeze.toml: {table} client_certificate = "FILE", client_key = "FILE"',
        )
    return UntrustedError(
        f"{endpoint.server} does not accept the client certificate {tls.client_certificate} ({reason})",
        hint=f"see whether it has expired, and whether {table} names the right one",
    )
