# SPDX-License-Identifier: MIT
"""Which way a URL is fetched: straight, or through a proxy of the user's (pure).

Rule 1: the setting `[fetch] proxy` beats all; without it apt's rules hold (apt-transport-http(1)): apt's configuration
for the host, for all hosts, then the variables `http_proxy` and `https_proxy`. What only curl knows comes last:
`all_proxy`.
Rule 2: `no_proxy` beats all of them, and a loopback address is never asked through a proxy.
Rule 3: `HTTP_PROXY` in capitals counts for nothing, as with curl and wget: a CGI program has it from its client's
`Proxy` field. Of the other variables the lower-case name is looked at first.
Rule 4: nothing here prints a password.
"""

import re
from binascii import b2a_base64
from collections.abc import Mapping
from dataclasses import field
from typing import TYPE_CHECKING
from urllib.parse import unquote

from aptfreeze.errors import UpstreamError
from aptfreeze.values import immutable

if TYPE_CHECKING:
    from ipaddress import IPv4Network, IPv6Network

SETTING = "[fetch] proxy"
"""As people are told where a proxy came from."""
_URL = re.compile(
    r"(?:(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://)?(?:(?P<user>[^:]*?)(?::(?P<password>.*))?@)?"
    r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~-]+)(?::(?P<port>[0-9]{1,5}))?/?",
)
_USER_PART = re.compile(r"^((?:[\w+.-]*//|[\w+.-]+://)?+[^:]*):.*@", re.DOTALL)
"""Whatever stands between a colon and the last `@`: rather too much is hidden than too little."""
_NONE = ("", "direct", "false")
"""What apt takes for "no proxy"; "false" is found in many configurations, and names no host."""


@immutable
class Proxy:
    host: str
    """IPv6 addresses without brackets."""
    port: int
    user: str | None
    password: str | None = field(repr=False)
    """Both decoded."""
    origin: str
    """Who named it: a variable, an option of apt, a setting."""

    @classmethod
    def parse(cls, text: str, origin: str) -> "Proxy":
        """`http://[USER[:PASSWORD]@]HOST[:PORT]`, the scheme may be missing. UpstreamError for any other."""
        match = _URL.fullmatch(text.strip())
        scheme = (match["scheme"] or "http").lower() if match else ""
        if match is None or scheme != "http" or int(match["port"] or 80) > 65535:
            raise _unusable(text, origin, scheme)
        user, password = (None if part is None else unquote(part) for part in match.group("user", "password"))
        return cls(match["host"].strip("[]").lower(), int(match["port"] or 80), user, password, origin)

    @property
    def url(self) -> str:
        """As it may be printed."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        user = "" if self.user is None else f"{self.user}{'' if self.password is None else ':***'}@"
        return f"http://{user}{host}:{self.port}"

    @property
    def fields(self) -> tuple[tuple[str, str], ...]:
        """The header fields that a request to it needs (RFC 9110 11.7.2, RFC 7617)."""
        if self.user is None:
            return ()
        token = b2a_base64(f"{self.user}:{self.password or ''}".encode(), newline=False).decode()
        return (("Proxy-Authorization", f"Basic {token}"),)

    def __str__(self) -> str:
        return f"the proxy {self.url} ({self.origin})"

    def refusal(self, reason: str) -> UpstreamError:
        """What its answer 407 means; `reason` is the answer's reason phrase."""
        if self.user is None:
            why = "asks for credentials, and none are given"
        else:
            why = f"refuses the credentials of {self.user!r}"
        return UpstreamError(
            f"{self} {why} (407 {reason}): write them as http://USER:PASSWORD@HOST:PORT where it is named, "
            "@ : / and % in them as %40 %3A %2F %25"
        )


@immutable
class Rules:
    """All that names proxies, as it was when this process began."""

    setting: str | None = field(repr=False)
    """May hold a password. None: the variables and apt's configuration decide; empty: no proxy."""
    variables: Mapping[str, str] = field(repr=False)
    options: Mapping[str, str] = field(repr=False)
    """Of apt, by lower-case name."""

    def proxy_for(self, scheme: str, host: str, port: int) -> Proxy | None:
        """The proxy for a URL of this scheme (`http`, `https`), if any. UpstreamError if it is of no use to us."""
        origin, text = self._named(scheme, host)
        if text.lower() in _NONE or is_loopback(host):
            return None
        if is_listed(self.variables.get("no_proxy") or self.variables.get("NO_PROXY") or "", host, port):
            return None
        return Proxy.parse(text, origin)

    def _named(self, scheme: str, host: str) -> tuple[str, str]:
        if self.setting is not None:
            return SETTING, self.setting
        # apt's method for https falls back to the options of the one for http.
        methods = ("https", "http") if scheme == "https" else ("http",)
        for place in (f"::{host}", ""):
            for method in methods:
                name = f"Acquire::{method}::Proxy{place}"
                if value := self.options.get(name.lower()):
                    return f"{name} of apt", value
        names = ("https_proxy", "HTTPS_PROXY") if scheme == "https" else ("http_proxy",)
        found = (name for name in (*names, "all_proxy", "ALL_PROXY") if name in self.variables)
        name = next(found, "")
        return name, self.variables.get(name, "")


def is_loopback(host: str) -> bool:
    """Whether a host's name, or its address, can only be this machine."""
    if host == "localhost" or host.endswith(".localhost"):  # RFC 6761 6.3
        return True
    network = _network(host)
    return network is not None and network.is_loopback


def is_listed(no_proxy: str, host: str, port: int) -> bool:
    """Whether a value of `no_proxy` excludes this host: by `*`, by its name or one above it, by address or network.

    >>> is_listed("localhost, .example.org, 10.0.0.0/8", "mirror.example.org", 80)
    True
    >>> is_listed("example.org:8080", "example.org", 80)
    False
    """
    return any(_is_meant(entry, host, port) for entry in re.split(r"[\s,]+", no_proxy.lower()) if entry)


def _is_meant(entry: str, host: str, port: int) -> bool:
    if entry == "*":
        return True
    name, only_port = _split(entry)
    if only_port not in (None, port):
        return False
    address = _network(host)
    if address is not None:
        network = _network(name)
        # A network of the other IP version has no common type, and nothing of it.
        return network is not None and address.network_address in network
    name = name.removeprefix("*").strip(".")
    return bool(name) and f".{host.rstrip('.')}".endswith(f".{name}")


def _split(entry: str) -> tuple[str, int | None]:
    """`example.org:8080`, `[::1]:8080`, `::1`, `10.0.0.0/8`."""
    match = re.fullmatch(r"(\[[^]]*\]|[^:]*)(?::([0-9]{1,5}))?", entry)
    if match is None:
        return entry, None
    return match[1].strip("[]"), int(match[2]) if match[2] else None


def _network(text: str) -> "IPv4Network | IPv6Network | None":
    """An address, as a network of its own, or a network; None: it is a name."""
    from ipaddress import ip_network  # start-up time: most machines have no proxy

    try:
        return ip_network(text, strict=False)
    except ValueError:
        return None


def without_password(url: str) -> str:
    """The text of a proxy URL as it may be printed, also where it is none.

    >>> without_password("http://me:secret@proxy.example.org:3128/")
    'http://me:***@proxy.example.org:3128/'
    """
    return _USER_PART.sub(r"\1:***@", url)


def _unusable(text: str, origin: str, scheme: str) -> UpstreamError:
    kind = f"a proxy by {scheme}://" if scheme not in ("", "http") else "it"
    return UpstreamError(
        f"{origin} names {without_password(text)!r:.200}, and {kind} cannot be used: only http://[USER:PASSWORD@]HOST:PORT"
        f' can; {SETTING} = "" or a URL in aptfreeze.toml comes before it'
    )
