# SPDX-License-Identifier: MIT
"""Which repository a URL belongs to, and which URLs a file of a repository has .

Rule 1: a repository has one identity (`host/path`); every mirror of it in the configuration is another name of it.
Rule 2: a repository without mirrors is fetched by https once its host was asked by https: who asked so expects it.
Rule 3: what is below is raw: only the front of a location is exchanged, nothing is decoded.
"""

from aptfreeze.settings import MirrorSettings

_MOST_HOSTS = 1000
"""That are remembered as asked by https: more than any build has."""


def _location(url: str) -> str:
    """`http://Host:80/path/` and `https://Host:443/path/` to `host/path`, as identities are written."""
    scheme, _, rest = url.partition("://")
    host, slash, path = rest.rstrip("/").partition("/")
    return host.lower().removesuffix(":443" if scheme.lower() == "https" else ":80") + slash + path


class Mirrors:
    """The `[mirrors]` of one environment. Mutable state: the hosts that clients have asked by https."""

    def __init__(self, settings: MirrorSettings) -> None:
        self._bases = dict(settings.mirrors)
        names = {_location(url): repository for repository, urls in settings.mirrors.items() for url in urls}
        # The longest first: "host/debian-security" is no part of "host/debian", but "host/a/b" is one of "host/a".
        self._names = sorted(names.items(), key=lambda item: -len(item[0]))

        self._https: set[str] = set()

    @property
    def hosts(self) -> frozenset[str]:
        """Of all repositories and mirrors: `mirror.example.org`, `mirror.example.org:8080`."""
        return frozenset(name.partition("/")[0] for name in (*self._bases, *(name for name, _ in self._names)))

    def asked_by_https(self, host: str) -> None:
        """Repositories of that host, with its port if that is not 443, are fetched by https from now on."""
        if len(self._https) < _MOST_HOSTS:
            self._https.add(host)

    def identify(self, location: str) -> str:
        """`mirror1.example.org/debian/dists/x` to `mirror.example.org/debian/dists/x`; others stay as they are."""
        for name, repository in self._names:
            if location == name or location.startswith(name + "/"):
                return repository + location[len(name) :]
        return location

    def urls(self, repository: str, relative_raw: str) -> tuple[str, ...]:
        """The URLs of a file, in the order in which they are to be tried."""
        scheme = "https" if repository.partition("/")[0] in self._https else "http"
        bases = self._bases.get(repository, (f"{scheme}://{repository}",))
        return tuple(f"{base.rstrip('/')}/{relative_raw}" for base in bases)
