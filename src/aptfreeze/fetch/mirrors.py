# SPDX-License-Identifier: MIT
"""Which repository a URL belongs to, and which URLs a file of a repository has (pure).

Rule 1: a repository has one identity (`host/path`); every mirror of it in the configuration is another name of it.
Rule 2: what is below is raw: only the front of a location is exchanged, nothing is decoded.
"""

from aptfreeze.settings import MirrorSettings


def _location(url: str) -> str:
    """`http://Host:80/path/` and `https://Host:443/path/` to `host/path`, as identities are written."""
    scheme, _, rest = url.partition("://")
    host, slash, path = rest.rstrip("/").partition("/")
    return host.lower().removesuffix(":443" if scheme.lower() == "https" else ":80") + slash + path


class Mirrors:
    """The `[mirrors]` of one environment; never changes."""

    def __init__(self, settings: MirrorSettings) -> None:
        self._bases = dict(settings.mirrors)
        names = {_location(url): repository for repository, urls in settings.mirrors.items() for url in urls}
        # The longest first: "host/debian-security" is no part of "host/debian", but "host/a/b" is one of "host/a".
        self._names = sorted(names.items(), key=lambda item: -len(item[0]))

    def identify(self, location: str) -> str:
        """`mirror1.example.org/debian/dists/x` to `mirror.example.org/debian/dists/x`; others stay as they are."""
        for name, repository in self._names:
            if location == name or location.startswith(name + "/"):
                return repository + location[len(name) :]
        return location

    def urls(self, repository: str, relative_raw: str) -> tuple[str, ...]:
        """The URLs of a file, in the order in which they are to be tried."""
        bases = self._bases.get(repository, (f"http://{repository}",))
        return tuple(f"{base.rstrip('/')}/{relative_raw}" for base in bases)
