# SPDX-License-Identifier: MIT
"""Hosts as people list them, and which servers an environment's own files name.

Rule: who is named there may be at any address, since the environment's author chose it. Everybody else is judged by
the address (see `addresses`).
"""

import re
from collections.abc import Iterable
from typing import Self

from aptfreeze.fetch.url import Endpoint
from aptfreeze.settings import Settings
from aptfreeze.values import immutable

_PLACE = re.compile(r"(?P<host>\[[^\]]*\]|[^:/]+)(?::(?P<port>[0-9]+))?(?P<path>/.*)?")
_USUAL_PORTS = (80, 443)


@immutable
class Place:
    """An entry of a list: a host, all hosts below a domain, or a part of one host."""

    host: str
    """Lower case; with `*.` in front: all hosts below the rest."""
    port: int | None
    """None: the usual ones, 80 and 443."""
    path: str
    """Without a final slash; empty: all of it."""

    @classmethod
    def parse(cls, text: str) -> "Place":
        """`host`, `host:port`, `*.example.org`, `host/path`, as the settings' parser lets through."""
        match = _PLACE.fullmatch(text)
        assert match is not None
        port = None if match["port"] is None else int(match["port"])
        return cls(match["host"].strip("[]"), port, (match["path"] or "").rstrip("/"))

    def holds(self, host: str, port: int, path: str | None) -> bool:
        """Whether that is in this place; `path` is None where it cannot be seen, and then only a whole host holds."""
        below = self.host.removeprefix("*")
        is_host = host.endswith(below) if below != self.host else host == self.host
        is_port = port in _USUAL_PORTS if self.port is None else port == self.port
        is_path = not self.path or (path is not None and f"{path}/".startswith(f"{self.path}/"))
        return is_host and is_port and is_path


def places(texts: Iterable[str]) -> tuple[Place, ...]:
    return tuple(Place.parse(text) for text in texts)


def shown(host: str, port: int) -> str:
    """`www.example.org`, `www.example.org:8080`, `[::1]:8080`: as one would list it."""
    bracketed = f"[{host}]" if ":" in host else host
    return bracketed if port in _USUAL_PORTS else f"{bracketed}:{port}"


@immutable
class Named:
    """The servers that settings name, and further ones."""

    urls: frozenset[tuple[str, int]]
    """Host and port of each url."""
    places: tuple[Place, ...]
    """Of [policy], whatever is below them."""

    @classmethod
    def by(cls, settings: Settings, further: Iterable[str] = ()) -> Self:
        """`[mirrors]`, `[snapshot]`, `[policy] allow` and `serve`, and further urls."""
        urls = [url for each in settings.mirrors.mirrors.values() for url in each]
        urls += filter(None, [settings.snapshot.service, *settings.snapshot.archives.values()])
        endpoints = map(Endpoint.parse, [*urls, *further])
        listed = places([*settings.policy.allow, *settings.policy.serve])
        whole = tuple(Place(place.host, place.port, "") for place in listed)
        return cls(frozenset((endpoint.host, endpoint.port) for endpoint in endpoints), whole)

    def holds(self, endpoint: Endpoint) -> bool:
        host, port = endpoint.host, endpoint.port
        return (host, port) in self.urls or any(place.holds(host, port, None) for place in self.places)
