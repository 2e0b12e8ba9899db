# SPDX-License-Identifier: MIT
"""Which repository a URL belongs to, and which URLs a file of a repository has.

Rule 1: a repository has one identity (`host/path`); every mirror of it in the configuration is another name of it.
Rule 2: a repository without mirrors is fetched from its own host, by the scheme that `schemes` has for that.
Rule 3: what is below is raw: only the front of a location is exchanged, nothing is decoded.
"""

from aptfreeze.fetch.schemes import Schemes
from aptfreeze.settings import MirrorSettings


def _location(url: str) -> str:
    """`http://Host:80/path/` and `https://Host:443/path/` to `host/path`, as identities are written."""
    scheme, _, rest = url.partition("://")
    host, slash, path = rest.rstrip("/").partition("/")
    return host.lower().removesuffix(":443" if scheme.lower() == "https" else ":80") + slash + path


class Mirrors:
    """The `[mirrors]` of one environment, and the schemes of all other hosts."""

    def __init__(self, settings: MirrorSettings, schemes: Schemes | None = None) -> None:
        self._bases = dict(settings.mirrors)
        names = {_location(url): repository for repository, urls in settings.mirrors.items() for url in urls}
        # The longest first: "host/debian-security" is no part of "host/debian", but "host/a/b" is one of "host/a".
        self._names = sorted(names.items(), key=lambda item: -len(item[0]))
        self.schemes = schemes or Schemes()

    @property
    def hosts(self) -> frozenset[str]:
        """Of all repositories and mirrors: `mirror.example.org`, `mirror.example.org:8080`."""
        return frozenset(name.partition("/")[0] for name in (*self._bases, *(name for name, _ in self._names)))

    def identify(self, location: str) -> str:
        """`mirror1.example.org/debian/dists/x` to `mirror.example.org/debian/dists/x`; others stay as they are."""
        for name, repository in self._names:
            if location == name or location.startswith(name + "/"):
                return repository + location[len(name) :]
        return location

    def urls(self, repository: str, relative_raw: str) -> tuple[str, ...]:
        """The URLs of a file, in the order in which they are to be tried."""
        bases = self._bases.get(repository) or (self.single_url(repository),)
        return tuple(f"{base.rstrip('/')}/{relative_raw}" for base in bases)

    def single_url(self, url: str) -> str:
        """The URL of a file outside every repository; `url` is without scheme, its path raw."""
        return f"{self.schemes.of(url.partition('/')[0])}://{url}"
