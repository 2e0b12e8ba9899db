# SPDX-License-Identifier: MIT
"""What one https server has to show, and what it is shown (pure)."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Self

from aptfreeze.fetch.url import Endpoint
from aptfreeze.settings import TlsSettings
from aptfreeze.values import immutable

_NOTHING: Mapping[str, str] = MappingProxyType({})
_FALSE = ("no", "false", "without", "off", "disable", "0")
"""As apt reads a truth value."""


@immutable
class HostTls:
    """The files that count for it; two servers with equal ones share a context of OpenSSL."""

    ca: Path | None = None
    """PEM file of CAs that count."""
    uses_system_cas: bool = True
    """Whether this machine's CAs count, too."""
    client_certificate: Path | None = None
    client_key: Path | None = None
    """None: it is in the file of the certificate."""

    named_by: str = "ca in [tls] or [tls.host]"
    """Who named the CAs, for messages."""
    unchecked_by: str = ""
    """The option by which apt is told not to check the server, for messages: we always do."""

    @classmethod
    def of(cls, endpoint: Endpoint, settings: TlsSettings, apt: Mapping[str, str] = _NOTHING) -> Self:
        """A table for `host:port` goes before one for `host`; what apt is told (by lower-case name) comes last."""
        host = f"[{endpoint.host}]" if ":" in endpoint.host else endpoint.host
        files = settings.hosts.get(f"{host}:{endpoint.port}") or settings.hosts.get(host) or {}
        own, named = files.get("ca"), {}
        option, apts = _option(apt, host, "CAInfo") if own is None and settings.ca is None else ("", "")
        if apts:
            own, named = Path(apts), {"named_by": f"{option} of apt"}
        certificate, key = files.get("client_certificate"), files.get("client_key")
        if certificate is None:  # of apt's, only one that is for this host: see docs/adr/0019
            certificate, key = (_file(_of_host(apt, host, name)[1]) for name in ("SslCert", "SslKey"))
        return cls(own or settings.ca, own is None, certificate, key, unchecked_by=_unchecked(apt, host), **named)


def _of_host(apt: Mapping[str, str], host: str, name: str) -> tuple[str, str]:
    """An option that is for this host alone, and its value; both are empty if there is none."""
    options = (f"Acquire::https::{host}::{name}", f"Acquire::https::{name}::{host}")
    return next(((option, value) for option in options if (value := apt.get(option.lower()))), ("", ""))


def _option(apt: Mapping[str, str], host: str, name: str) -> tuple[str, str]:
    """The same; else the one for all hosts."""
    general = f"Acquire::https::{name}"
    found = _of_host(apt, host, name)
    return found if found[1] else (general, apt.get(general.lower(), ""))


def _file(value: str) -> Path | None:
    return Path(value) if value else None


def _unchecked(apt: Mapping[str, str], host: str) -> str:
    found = (_option(apt, host, name) for name in ("Verify-Peer", "Verify-Host"))
    return next((f'{option} "{value}"' for option, value in found if value.lower() in _FALSE), "")
