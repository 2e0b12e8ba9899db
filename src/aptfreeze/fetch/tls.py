# SPDX-License-Identifier: MIT
"""TLS to mirrors: who a server is, is checked before a single byte is asked of it.

Rule 1: TLS 1.2 or later, a certificate that a CA vouches for, and made for the name of the URL. There is no way around
it: no setting turns it off, nothing falls back to plain http.
Rule 2: how a handshake failed is told with what the server showed, and with the setting that decides about it.
"""

import contextlib
import socket
import ssl
import threading
from pathlib import Path

from aptfreeze.errors import UsageError
from aptfreeze.fetch.failures import UnreachableError, UntrustedError
from aptfreeze.fetch.securewire import SecureWire
from aptfreeze.fetch.url import Endpoint
from aptfreeze.settings import HostTls, TlsSettings

_SYSTEM_CAS = Path("/etc/ssl/certs/ca-certificates.crt")
"""Debian's; for a Python that was built with other places in mind."""


class Security:
    """Makes wires secret and their servers known.

    Mutable state, under the lock: one context for each set of CAs and client certificate.
    """

    def __init__(self, settings: TlsSettings, handshake_timeout_s: float) -> None:
        self._settings = settings
        self._timeout_s = handshake_timeout_s
        self._contexts: dict[HostTls, ssl.SSLContext] = {}
        self._lock = threading.Lock()

    def secured(self, plain: socket.socket, endpoint: Endpoint) -> SecureWire:
        """The same wire with TLS on it; closes `plain` if that fails.

        UntrustedError if the server is not who it should be or speaks no TLS that is good enough, UnreachableError if
        it does not come to an end, UsageError for files of the settings.
        """
        read_timeout_s = plain.gettimeout()
        try:
            context = self._context(endpoint)
            plain.settimeout(self._timeout_s)  # for the whole handshake, not for each of its reads
            wire = context.wrap_socket(plain, server_hostname=endpoint.host, suppress_ragged_eofs=False)
        except BaseException as error:
            plain.close()
            if isinstance(error, OSError):
                raise self._failure(error, endpoint) from error
            raise
        return SecureWire(wire, read_timeout_s)

    def _failure(self, error: OSError, endpoint: Endpoint) -> UnreachableError | UntrustedError:
        if isinstance(error, TimeoutError):
            return UnreachableError(f"{endpoint.server} did not end the TLS handshake within {self._timeout_s:g} s")
        if isinstance(error, ssl.SSLCertVerificationError):
            return UntrustedError(f"{endpoint.server} is not trusted: {error.verify_message}")
        if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError):
            return UntrustedError(f"{endpoint.server} speaks no TLS that is accepted ({error.reason or error})")
        return UnreachableError(f"{endpoint.server} ended the TLS handshake ({error.strerror or error})")

    def _context(self, endpoint: Endpoint) -> ssl.SSLContext:
        chosen = self._settings.of(endpoint.host, endpoint.port)
        with self._lock:
            if chosen not in self._contexts:
                self._contexts[chosen] = _context(chosen)
            return self._contexts[chosen]


def _context(settings: HostTls) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # verifies certificates and names
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    if settings.uses_system_cas:
        _load_system_cas(context)
    if settings.ca is not None:
        try:
            context.load_verify_locations(settings.ca)
        except OSError as error:  # ssl.SSLError is one
            raise UsageError(
                f"the CA file {settings.ca} cannot be used ({_reason(error)})",
                hint="[tls] ca names a file with certificates in PEM form (-----BEGIN CERTIFICATE-----)",
            ) from error
    if settings.client_certificate is not None:
        _load_client(context, settings.client_certificate, settings.client_key)
    return context


def _load_system_cas(context: ssl.SSLContext) -> None:
    context.load_default_certs()
    if ssl.get_default_verify_paths().cafile is None:
        with contextlib.suppress(OSError):  # then nothing is trusted, which the first handshake tells
            context.load_verify_locations(_SYSTEM_CAS)


def _load_client(context: ssl.SSLContext, certificate: Path, key: Path | None) -> None:
    def refuse() -> str:  # OpenSSL would ask for the password on the terminal
        raise UsageError(
            f"the key of the client certificate {certificate} is encrypted",
            hint='store it without a password and with mode 600: "openssl pkey -in KEY -out KEY.plain"',
        )

    try:
        context.load_cert_chain(certificate, key, refuse)
    except OSError as error:
        raise UsageError(
            f"the client certificate {certificate} with the key {key or certificate} cannot be used ({_reason(error)})",
            hint="[tls] client_certificate and client_key name files in PEM form that belong together",
        ) from error


def _reason(error: OSError) -> str:
    return (error.reason if isinstance(error, ssl.SSLError) else error.strerror) or str(error)
