# SPDX-License-Identifier: MIT
"""What one https server has to show, and what it is shown (pure)."""

from pathlib import Path
from typing import Self

from aptfreeze.fetch.url import Endpoint
from aptfreeze.settings import TlsSettings
from aptfreeze.values import immutable


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

    @classmethod
    def of(cls, endpoint: Endpoint, settings: TlsSettings) -> Self:
        """A table for `host:port` goes before one for `host`."""
        host = f"[{endpoint.host}]" if ":" in endpoint.host else endpoint.host
        files = settings.hosts.get(f"{host}:{endpoint.port}") or settings.hosts.get(host) or {}
        own = files.get("ca")
        return cls(own or settings.ca, own is None, files.get("client_certificate"), files.get("client_key"))
