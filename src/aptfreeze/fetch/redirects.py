# SPDX-License-Identifier: MIT
"""Where a redirect may lead.

Rule 1: a server that everybody can reach leads to such servers only, and to those that the settings name. Else whoever
has a mirror, or the way to it, makes us ask what is behind our own walls: a router, a cloud's metadata service.
Rule 2: a server behind them may lead anywhere: a company's mirrors do. Once outside, a chain of redirects stays there.
Rule 3: none leads from https to http, as with apt.
Rule 4: what counts is the address that was connected to. Where a proxy connects, it is what the name resolves to here;
who cannot be told is outside.
"""

import socket
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from aptfreeze.errors import UpstreamError
from aptfreeze.fetch.routes import Routes
from aptfreeze.fetch.url import Endpoint, redirected

if TYPE_CHECKING:
    from aptfreeze.fetch.addresses import AddressCheck
    from aptfreeze.fetch.places import Named

_WHY = "a server that everybody can reach leads there by a redirect, which is not followed"


class Redirects:
    """Holds no state of its own. `named` is asked with the first redirect that leads out; without it, nobody is."""

    def __init__(self, routes: Routes, named: "Callable[[], Named] | None" = None) -> None:
        self._routes = routes
        self._named = named

    def is_outside(self, endpoint: Endpoint, address: str) -> bool:
        """Whether everybody can reach that server; `address`: whom we are connected to, empty if unknown."""
        from aptfreeze.fetch.addresses import inside  # start-up time: ipaddress

        addresses = [address] if self._routes.proxy_for(endpoint) is None else _resolved(endpoint)
        return all(inside(each) is None for each in addresses if each)

    def check(self, endpoint: Endpoint) -> "AddressCheck | None":
        """What is checked of a server that somebody outside leads to; None: it may be anywhere."""
        from aptfreeze.fetch.addresses import AddressCheck  # start-up time
        from aptfreeze.fetch.places import shown

        if self._named is not None and self._named().holds(endpoint):
            return None
        return AddressCheck(shown(endpoint.host, endpoint.port), frozenset(), is_public_only=True, why=_WHY)


def followed(url: str, location: str) -> str:
    """Where a redirect leads; UpstreamError for what is no URL, and from https to http."""
    found = redirected(url, location)
    if Endpoint.parse(url).is_secure and not Endpoint.parse(found).is_secure:
        raise UpstreamError(
            f"{Endpoint.parse(url).server} leads from https to {found:.300}, which is not followed",
            hint="if http will do for that repository, list an http:// url of it in [mirrors]",
        )
    return found


def _resolved(endpoint: Endpoint) -> Iterable[str]:
    try:
        found = socket.getaddrinfo(endpoint.host, endpoint.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):  # only the proxy knows that name
        return []
    return [str(address[0]) for *_, address in found]
