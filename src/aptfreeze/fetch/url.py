# SPDX-License-Identifier: MIT
"""Upstream URLs: split for the wire with the path as it was written, never decoded and encoded again.

A mirror may know `%2b` but not `+` in a file name; so what the client or the index wrote is what is asked (pure).
"""

import re
from typing import Self
from urllib.parse import urljoin

from aptfreeze.errors import UpstreamError
from aptfreeze.values import immutable

_HTTP = re.compile(r"(https?)://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~-]+)(?::([0-9]{1,5}))?(/[^#]*|\?[^#]*)?(?:#.*)?", re.I)
# RFC 9112 3.2: a target has no blanks and no control characters; we add: nothing outside ASCII.
_TARGET = re.compile(r"[!-~]+")
_USER = re.compile(r"^([a-z]+://).*@", re.I | re.S)
_PORTS = {"http": 80, "https": 443}


@immutable
class Endpoint:
    """One URL, as a connection needs it."""

    host: str
    """Lower-case, IPv6 addresses without brackets."""
    port: int
    target: str
    """Raw path and query."""
    is_secure: bool = False
    """Whether the wire is TLS (https)."""

    @classmethod
    def parse(cls, url: str) -> Self:
        """UpstreamError for what is no plain `http://host[:port]/path`, or the same with https."""
        match = _HTTP.fullmatch(url)
        if match is None or not _TARGET.fullmatch(match[4] or "/"):
            raise UpstreamError(f"cannot fetch {_printable(url)}: it is no http:// or https:// URL")
        scheme, host, port, rest = match.groups()
        if int(port or 80) > 65535:
            raise UpstreamError(f"cannot fetch {_printable(url)}: there is no port {port}")
        target = rest or "/"
        return cls(
            host.strip("[]").lower(),
            int(port or _PORTS[scheme.lower()]),
            target if target.startswith("/") else "/" + target,
            scheme.lower() == "https",
        )

    @property
    def authority(self) -> str:
        """For the Host field: without the scheme's own port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.is_secure else 80) else f"{host}:{self.port}"

    @property
    def server(self) -> str:
        """Whom connections lead to, for people and as a key: `mirror.example.org:8080`, `https://mirror.example.org`."""
        return f"https://{self.authority}" if self.is_secure else self.authority


def _printable(url: str) -> str:
    """Without a user and a password, which a redirect may have; no such URL is fetched."""
    return repr(_USER.sub(r"\1***@", url)[:300])


def redirected(url: str, location: str) -> str:
    """Where a redirect leads; RFC 9110 10.2.2: relative to the URL that was asked. UpstreamError if it is no URL."""
    try:
        return urljoin(url, location)
    except ValueError as error:
        raise UpstreamError(f"{url} leads to {_printable(location)}, which is no URL") from error
