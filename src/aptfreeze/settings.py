# SPDX-License-Identifier: MIT
"""The settings as small frozen values; `rows` says how each is set.

Rule 1: a layer takes only its own section (`FetchSettings`, `TrustSettings`, ...), never the whole `Settings`.
Rule 2: nothing here reads a file, a variable or the clock; `environment.config` does.
"""

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any, Generic, TypeVar

from aptfreeze.values import immutable

T_co = TypeVar("T_co", covariant=True)


@immutable
class Sourced(Generic[T_co]):
    """A value that knows where it came from: `default`, `aptfreeze.toml`, a variable's or a flag's name."""

    value: T_co
    origin: str = "default"


class Sources(StrEnum):
    """What is done about the source packages' indexes of the components in use."""

    ARCHIVE = "archive"
    """Fetched with lowest priority; not to be had is a warning."""
    REQUIRE = "require"
    """As `archive`, but not to be had is a failure."""
    OFF = "off"


class Passthrough(StrEnum):
    """What is done with requests that are no apt requests."""

    ALLOW = "allow"
    """Passed through, counted, and named at the end."""
    WARN = "warn"
    """As `allow`, and said at once of each host that the list does not have."""
    DENY = "deny"
    """Refused unless the list has it; the run does not count then."""


@immutable
class ArchiveSettings:
    path: Path
    """The archive's folder, absolute."""


@immutable
class FetchSettings:
    """How mirrors are talked to."""

    connections: int = 8
    """At most so many connections to one host."""
    depth: int = 4
    """At most so many requests in flight on one connection (HTTP/1.1 pipelining); 1 turns pipelining off."""
    parts: int = 4
    """At most so many parts of one large file under way at once (see `fetch.split`); 1: never in parts."""
    connect_timeout_s: float = 10.0
    read_timeout_s: float = 60.0
    """A mirror that sends nothing for so long has failed; so has one that sends next to nothing (see `connection`)."""
    retries: int = 3
    """Further attempts after a passing failure (429, 5xx, timeout, cut connection) of one supplier."""
    retry_after_limit_s: float = 60.0
    """A Retry-After that is longer counts as a failure at once."""
    prefetch: bool = True
    """Whether files are fetched before they are asked for, if an earlier build asked for them."""
    credentials: tuple[Path, ...] | None = None
    """Files of user names and passwords (apt_auth.conf(5)), in order; None: those of this machine's apt."""


@immutable
class TlsSettings:
    """How https mirrors prove who they are, and how we do."""

    ca: Path | None = None
    """PEM file of CAs that count beside this machine's."""
    hosts: Mapping[str, Mapping[str, Path]] = field(default_factory=lambda: MappingProxyType({}))
    """By `host` or `host:port`, the latter first: `ca`, which counts alone then, `client_certificate`, `client_key`."""


@immutable
class ProxySettings:
    """What names the user's own proxies, which we fetch through (see `fetch.proxies`)."""

    url: str | None = field(default=None, repr=False)
    """For all that is fetched, may hold a password; empty: none; None: apt's configuration and variables decide."""
    variables: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), repr=False)
    """The environment variables of this process; empty: apt's configuration is not read either."""


@immutable
class TrustSettings:
    """Whose signatures count, and the exceptions that somebody chose on purpose."""

    keyrings: tuple[Path, ...] = ()
    """For every repository; empty: those that apt itself would use."""
    unsigned: frozenset[str] = frozenset()
    """Suites (`host/path suite`) that may be pinned without a good signature."""
    expired: frozenset[str] = frozenset()
    """Suites (`host/path suite`) that may be pinned after their Valid-Until."""
    repository_keyrings: Mapping[str, tuple[Path, ...]] = field(default_factory=lambda: MappingProxyType({}))
    """By repository (`host/path`); instead of `keyrings`."""
    backend: str | None = None
    """`sequoia` or `gpgv`; None: the first that works."""


@immutable
class ResignSettings:
    """Whether suites are served with the environment's own signature, and whose."""

    enabled: bool = False
    key_file: Path | None = None
    """A private key that is made elsewhere, only read; None: the environment's own."""


@immutable
class InterceptSettings:
    """Which https clients are served frozen repositories, and by whose certificates. Hosts: lower case, no port; each
    stands for those below it, too."""

    authority: Path
    """The authority for certificates, absolute: key and certificate in one file."""
    intercept: tuple[str, ...] = ()
    """Hosts that are served frozen to every client, not only to apt."""
    tunnel: tuple[str, ...] = ()
    """Hosts that are never intercepted, also not for apt."""
    certificates_for: tuple[str, ...] = ()
    """The only hosts that the authority may sign for; empty: all."""


def is_listed(host: str, listed: tuple[str, ...]) -> bool:
    """Whether the host, or one that it is below, is in such a list."""
    return any(host == each or host.endswith(f".{each}") for each in listed)


@immutable
class MirrorSettings:
    mirrors: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    """Repository (`host/path`) to the base URLs (no final slash) it is fetched from, in order; each is also another
    name of that repository. A repository that is not here is fetched from its own host and path."""


@immutable
class SnapshotSettings:
    """Who keeps the earlier states of repositories (see `fetch.snapshots`)."""

    service: str = "http://snapshot.debian.org"
    """Base URL, no final slash, of the service for repositories of Debian; empty: none."""
    archives: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Repository (`host/path`) to the URL, no final slash, below which its states lie, each under its time; empty:
    nobody keeps them."""
    connections: int = 1
    """At most so many requests at once to each of their hosts."""


@immutable
class GcSettings:
    """What `gc` takes for needed."""

    keep_generations: int = 5
    """So many of the latest generations of each environment, the current one included."""
    keep_environments_days: int = 30
    """An environment whose folder was not seen for so long needs nothing any more."""


@immutable
class PolicySettings:
    sources: Sources = Sources.ARCHIVE
    passthrough: Passthrough = Passthrough.ALLOW
    allow: tuple[str, ...] = ()
    """What may be passed through whatever `passthrough` says, private addresses included: `host`, `host:port`,
    `*.example.org`, `host/path`."""
    serve: tuple[str, ...] = ()
    """What clients get, and nothing else, where other machines reach `serve`; written as in `allow`."""
    credentials: Path | None = None
    """A file with lines `user:password`; where other machines reach `serve`, every client must have one."""


class Lack(StrEnum):
    """What a shipped package may be without, if somebody says why."""

    ORIGIN = "origin"
    """It is in no pinned suite: it was built here, or came some other way."""
    SOURCE = "source"
    """Its source package is not to be had."""


@immutable
class Exemption:
    """`[[exception]]`: a package that is shipped although something of it is missing, on purpose."""

    package: str
    """Name of the binary package, or of the source package: that of all which are built from it."""
    lacks: frozenset[Lack]
    reason: str
    """For those who ask later; never empty."""
    version: str | None = None
    """Of that package; None: any."""


@immutable
class Settings:
    """All sections, and by row key every value with its origin (for `aptfreeze config`)."""

    archive: ArchiveSettings
    trust: TrustSettings
    mirrors: MirrorSettings
    snapshot: SnapshotSettings
    policy: PolicySettings
    fetch: FetchSettings
    locked: Sourced[bool]
    """Never write the lock file."""
    offline: Sourced[bool]
    """Never use the network."""
    values: Mapping[str, Sourced[Any]]
    """In the order of `rows.ROWS`."""
    intercept: InterceptSettings
    resign: ResignSettings = ResignSettings()
    tls: TlsSettings = TlsSettings()
    proxy: ProxySettings = ProxySettings()
    gc: GcSettings = GcSettings()
    exemptions: tuple[Exemption, ...] = ()
