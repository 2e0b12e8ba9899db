# SPDX-License-Identifier: MIT
"""From an endpoint to a connected wire: whom to reach, and TLS on top of that where the URL says https.

Rule: the two are apart. `_reached` knows nothing of TLS, so that what it reaches may as well be a tunnel.
"""

import socket
from typing import TYPE_CHECKING

from aptfreeze.fetch.connection import Wire, connect
from aptfreeze.fetch.url import Endpoint
from aptfreeze.settings import FetchSettings, TlsSettings

if TYPE_CHECKING:
    from aptfreeze.fetch.addresses import AddressCheck
    from aptfreeze.fetch.tls import Security


class Wires:
    """Mutable state: what TLS needs, made with the first https URL."""

    def __init__(self, settings: FetchSettings, tls: TlsSettings | None = None) -> None:
        self._settings = settings
        self._tls = tls or TlsSettings()
        self._security: Security | None = None

    def open(self, endpoint: Endpoint, check: "AddressCheck | None" = None) -> Wire:
        """A wire to the endpoint's server, with the read timeout set; blocks.

        `check` is called with each address before it is connected to. UnreachableError, and what `Security.secured`
        raises.
        """
        plain = self._reached(endpoint, check)
        return self._secure.secured(plain, endpoint) if endpoint.is_secure else plain

    def _reached(self, endpoint: Endpoint, check: "AddressCheck | None") -> socket.socket:
        """The seam where an upstream proxy comes in: bytes that go in here arrive at the endpoint's port."""
        return connect(
            endpoint.host,
            endpoint.port,
            connect_timeout_s=self._settings.connect_timeout_s,
            read_timeout_s=self._settings.read_timeout_s,
            check=check,
        )

    @property
    def _secure(self) -> "Security":
        if self._security is None:
            from aptfreeze.fetch.tls import Security  # start-up time: most mirrors are plain http

            self._security = Security(self._tls, self._settings.connect_timeout_s)
        return self._security
