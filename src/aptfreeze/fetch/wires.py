# SPDX-License-Identifier: MIT
"""From an endpoint to a connected wire: whom to reach, and TLS on top of that where the URL says https.

Rule 1: the two are apart. `_reached` knows nothing of what TLS does, so that what it reaches may as well be a tunnel.
Rule 2: by a proxy, http goes as requests to the proxy itself, https through a tunnel; what it says in there is secret.
Rule 3: a name that a proxy resolves is judged as far as it can be resolved here, too.
"""

import contextlib
import socket
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from aptfreeze.fetch.connection import Wire
from aptfreeze.fetch.dialing import connect
from aptfreeze.fetch.proxies import Proxy
from aptfreeze.fetch.routes import Routes
from aptfreeze.fetch.url import Endpoint
from aptfreeze.settings import FetchSettings, ProxySettings, TlsSettings

if TYPE_CHECKING:
    from aptfreeze.fetch.addresses import AddressCheck
    from aptfreeze.fetch.credentials import Credentials
    from aptfreeze.fetch.tls import Security


class Wires:
    """Mutable state: what TLS needs, made with the first https URL."""

    def __init__(self, settings: FetchSettings, tls: TlsSettings | None = None, routes: Routes | None = None) -> None:
        """Without `routes`, everything is reached directly."""
        self._settings = settings
        self.routes = routes or Routes(ProxySettings())
        self._tls = tls or TlsSettings()
        self._security: Security | None = None

    def open(self, endpoint: Endpoint, check: "AddressCheck | None" = None) -> Wire:
        """A wire to the endpoint's server, with the read timeout set; blocks.

        `check` is called with each address before it is connected to. UnreachableError, and what `Security.secured`
        raises.
        """
        if endpoint.is_secure:
            return self._secure.secured(lambda: self._reached(endpoint, check), endpoint)
        return self._reached(endpoint, check)

    def tunnel(self, endpoint: Endpoint, check: "AddressCheck") -> socket.socket:
        """A plain wire to the endpoint's port, through a proxy if one is named for https."""
        return self._reached(endpoint, check)

    def _reached(self, endpoint: Endpoint, check: "AddressCheck | None") -> socket.socket:
        """Bytes that go in here arrive at the endpoint's port, or at the proxy that is asked for it."""
        limits = {
            "connect_timeout_s": self._settings.connect_timeout_s,
            "read_timeout_s": self._settings.read_timeout_s,
        }
        proxy = self._way(endpoint)
        if proxy is None:
            return connect(endpoint.host, endpoint.port, **limits, check=check)
        from aptfreeze.fetch.tunnel import connect_to, open_tunnel  # start-up time: most machines have no proxy

        if check is not None:
            _judge(endpoint, check)
        if endpoint.is_secure:
            return open_tunnel(proxy, endpoint.host, endpoint.port, **limits)
        return connect_to(proxy, **limits)

    def proxy_for(self, endpoint: Endpoint) -> Proxy | None:
        """The proxy that requests for this endpoint are put to; None where they go to the server itself.

        UpstreamError if one is named that is of no use to us.
        """
        return None if endpoint.is_secure else self._way(endpoint)

    @cached_property
    def credentials(self) -> "Credentials":
        """Users and passwords, read when something is fetched first."""
        from aptfreeze.fetch.credentials import Credentials  # start-up time: a session may fetch nothing

        return Credentials(self._settings.credentials, lambda: self.routes.options)

    def _way(self, endpoint: Endpoint) -> Proxy | None:
        """A proxy that is named without a user is told that of its `http://` entry, as apt does (apt_auth.conf(5))."""
        proxy = self.routes.proxy_for(endpoint)
        if proxy is None or proxy.user is not None:
            return proxy
        entry = self.credentials.entry(Endpoint(proxy.host, proxy.port, "/"))
        return proxy if entry is None else replace(proxy, user=_text(entry.user), password=_text(entry.password))

    @property
    def _secure(self) -> "Security":
        if self._security is None:
            from aptfreeze.fetch.tls import Security  # start-up time: most mirrors are plain http

            apt = {option.name.lower(): option.value for option in self.routes.options}
            self._security = Security(self._tls, self._settings.connect_timeout_s, apt)
        return self._security


def _judge(endpoint: Endpoint, check: "AddressCheck") -> None:
    with contextlib.suppress(socket.gaierror, UnicodeError):  # only the proxy knows that name
        for *_, address in socket.getaddrinfo(endpoint.host, endpoint.port, type=socket.SOCK_STREAM):
            check(str(address[0]), endpoint.port)


def _text(said: str) -> str:
    """Credentials files are bytes that are read as Latin-1; proxies are told UTF-8."""
    return said.encode("latin-1").decode(errors="replace")
