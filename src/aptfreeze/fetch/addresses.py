# SPDX-License-Identifier: MIT
"""Which addresses may be connected to for a client: judged on the address itself, just before the connection.

Rule 1: what a name resolves to is judged, never the name, and never a second resolution: it may answer otherwise.
Rule 2: an IPv4 address counts as such in whatever IPv6 form it comes.
Rule 3: we never connect to ourselves: whatever asks us to would go round in a circle.
Rule 4: an address of this machine is not public, though it looks so: a firewall keeps others from it, and not us.
"""

import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from aptfreeze.errors import RefusedError
from aptfreeze.values import immutable

Own = frozenset[tuple[str, int]]
"""Addresses and ports that we listen on; an address may be the unspecified one: all of this machine."""

_TRANSLATED = IPv6Network("64:ff9b::/96")  # RFC 6052: the IPv4 address in the last 32 bits
_TRANSLATED_HERE = IPv6Network("64:ff9b:1::/48")  # RFC 8215: by a gateway of the own network
_COMPATIBLE = IPv6Network("::/96")  # RFC 4291 2.5.5.1, deprecated


@immutable
class AddressCheck:
    """Call it with each address before it is connected to."""

    name: str
    """The host that was asked for, as one would list it in `policy.allow`."""
    own: Own
    is_public_only: bool
    """Whether only addresses that everybody can reach are allowed."""
    why: str = "not passed on to for clients of other machines"
    """What is said about others."""

    def __call__(self, address: str, port: int) -> None:
        """RefusedError with the reason if this address is not to be connected to."""
        if is_own(address, port, self.own):
            raise RefusedError(
                f"{self.name} is this proxy itself, at {address} port {port}",
                hint="name the repository's own host in the URL; the proxy's address belongs into http_proxy only",
            )
        kind = inside(address) if self.is_public_only else None
        if kind is not None:
            raise RefusedError(
                f"{self.name} is at {address}, {kind}: {self.why}",
                hint=f'list "{self.name}" in [policy] allow if everybody who uses this proxy may reach it',
            )


def is_loopback(address: str) -> bool:
    """Whether a client with this address is on this machine; False for what is no address."""
    try:
        return plain(address).is_loopback
    except ValueError:
        return False


def kind_of(address: str) -> str | None:
    """What keeps an address from being public, in words; None: it is."""
    ip = plain(address)
    kinds = (
        (ip.is_unspecified, "the unspecified address"),
        (ip.is_loopback, "a loopback address"),
        (ip.is_link_local, "a link-local address"),
        (ip.is_multicast, "a multicast address"),
        (isinstance(ip, IPv6Address) and ip in _TRANSLATED_HERE, "an address of the own network"),
        (isinstance(ip, IPv6Address) and ip.is_site_local, "a private address"),
        (not ip.is_global, "a private or reserved address"),
    )
    return next((kind for is_kind, kind in kinds if is_kind), None)


def inside(address: str) -> str | None:
    """What keeps others from an address, in words; None: everybody can reach it as well as we can."""
    return kind_of(address) or ("an address of this machine" if _is_of_this_machine(plain(address)) else None)


def is_own(address: str, port: int, own: Own) -> bool:
    """Whether a connection to there would come to us."""
    ip = plain(address)
    for listening, listening_port in own:
        if port != listening_port:
            continue
        ours = ip_address(listening)
        if ip == ours or ip.is_unspecified or (ours.is_unspecified and _is_of_this_machine(ip)):
            return True
    return False


def plain(address: str) -> IPv4Address | IPv6Address:
    """The address without its zone, an IPv4 one out of its IPv6 form; ValueError for what is no address."""
    ip = ip_address(address.partition("%")[0])
    if isinstance(ip, IPv4Address) or ip.is_unspecified or ip.is_loopback:
        return ip
    within = ip.ipv4_mapped or ip.sixtofour
    if within is None and (ip in _TRANSLATED or ip in _COMPATIBLE):
        within = IPv4Address(int(ip) & 0xFFFFFFFF)
    return within or ip


def _is_of_this_machine(ip: IPv4Address | IPv6Address) -> bool:
    """Whoever connects to an address of its own machine does so from that address."""
    if ip.is_loopback:
        return True
    family = socket.AF_INET if ip.version == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((str(ip), 9))  # sends nothing
            return ip_address(str(probe.getsockname()[0])) == ip
    except OSError:
        return False
