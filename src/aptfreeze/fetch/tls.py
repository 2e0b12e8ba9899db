# SPDX-License-Identifier: MIT
"""TLS to mirrors: who a server is, is checked before a single byte is asked of it.

Rule 1: TLS 1.2 or later, a certificate that a CA vouches for, and made for the name of the URL. There is no way around
it: no setting turns it off, nothing falls back to plain http.
Rule 2: how a handshake failed is told with what the server showed (see `untrusted`).
"""

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from aptfreeze.errors import UpstreamError, UsageError
from aptfreeze.fetch.failures import UnreachableError
from aptfreeze.fetch.hosttls import HostTls
from aptfreeze.fetch.securewire import SecureWire
from aptfreeze.fetch.untrusted import Shown, refused_certificate, refused_handshake
from aptfreeze.fetch.url import Endpoint
from aptfreeze.settings import TlsSettings

_SYSTEM_CAS = Path("/etc/ssl/certs/ca-certificates.crt")
"""Debian's; for a Python that was built with other places in mind."""


class Security:
    """Makes wires secret and their servers known.

    Mutable state, under the lock: one context for each set of CAs and client certificate.
    """

    def __init__(
        self, settings: TlsSettings, handshake_timeout_s: float, apt: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        """`apt`: the options of this machine's apt by lower-case name, which come after the settings."""
        self._settings = settings
        self._apt = apt
        self._timeout_s = handshake_timeout_s
        self._contexts: dict[HostTls, ssl.SSLContext] = {}
        self._lock = threading.Lock()

    def secured(self, reach: Callable[[], socket.socket], endpoint: Endpoint) -> SecureWire:
        """A wire to the endpoint with TLS on it; `reach` connects one, and is asked once more only to tell a failure.

        UntrustedError if there is no trust, UnreachableError if the handshake does not end, UsageError for files of
        the settings, and what `reach` raises.
        """
        tls = HostTls.of(endpoint, self._settings, self._apt)
        context = self._context(tls)
        plain = reach()
        read_timeout_s = plain.gettimeout()
        try:
            wire = self._shaken(plain, context, endpoint)
        except ssl.SSLCertVerificationError as error:
            raise refused_certificate(error, endpoint, self._shown(reach, endpoint), tls) from error
        except TimeoutError as error:
            raise UnreachableError(
                f"{endpoint.server} did not end the TLS handshake within {self._timeout_s:g} s"
            ) from error
        except (ssl.SSLEOFError, ConnectionError) as error:
            raise UnreachableError(f"{endpoint.server} ended the TLS handshake ({error.strerror or error})") from error
        except ssl.SSLError as error:
            raise refused_handshake(error, endpoint, tls) from error
        return SecureWire(wire, read_timeout_s, lambda error: refused_handshake(error, endpoint, tls))

    def _shaken(self, plain: socket.socket, context: ssl.SSLContext, endpoint: Endpoint) -> ssl.SSLSocket:
        with contextlib.ExitStack() as undo:
            undo.callback(plain.close)
            plain.settimeout(self._timeout_s)  # for the whole handshake, not for each of its reads
            secured = context.wrap_socket(plain, server_hostname=endpoint.host, suppress_ragged_eofs=False)
            undo.pop_all()
        return secured

    def _shown(self, reach: Callable[[], socket.socket], endpoint: Endpoint) -> Shown | None:
        """The certificate that was refused, over a connection that serves nothing else: nothing is asked on it."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        try:
            with self._shaken(reach(), context, endpoint) as wire:
                der = wire.getpeercert(binary_form=True)
        except (OSError, UpstreamError):
            return None
        return Shown.parse(der) if der else None

    def _context(self, tls: HostTls) -> ssl.SSLContext:
        with self._lock:
            if tls not in self._contexts:
                self._contexts[tls] = load_files(tls)
            return self._contexts[tls]


def load_files(settings: HostTls) -> ssl.SSLContext:
    """A context that verifies certificates and names by these files, and shows ours. UsageError for one of no use."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    if settings.uses_system_cas:
        _load_system_cas(context)
    if settings.ca is not None:
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # also a server's own certificate may be named
        try:
            context.load_verify_locations(settings.ca)
        except OSError as error:  # ssl.SSLError is one
            raise UsageError(
                f"the CA file {settings.ca} cannot be used ({_reason(error)})",
                hint=f"{settings.named_by} names a file in PEM form, with -----BEGIN CERTIFICATE-----",
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
            hint="client_certificate and client_key name files in PEM form that belong together",
        ) from error


def _reason(error: OSError) -> str:
    return (error.reason if isinstance(error, ssl.SSLError) else error.strerror) or str(error)
