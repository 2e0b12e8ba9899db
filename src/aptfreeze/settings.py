# SPDX-License-Identifier: MIT
"""The settings as small frozen values, and the one table that says what can be set and how.

Rule 1: a layer takes only its own section (`FetchSettings`, `TrustSettings`, ...), never the whole `Settings`.
Rule 2: a setting is one row of `ROWS`; reading, `aptfreeze config` and the documented example follow the table.
Rule 3: nothing here reads a file, a variable or the clock; `environment.config` does.
"""

from collections.abc import Iterator, Mapping
from dataclasses import field
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any, Generic, TypeVar

from aptfreeze import parsers
from aptfreeze.parsers import Anchor, Parser
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


@immutable
class MirrorSettings:
    mirrors: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    """Repository (`host/path`) to the base URLs (no final slash) it is fetched from, in order; each is also another
    name of that repository. A repository that is not here is fetched from `http://host/path`."""


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
    """In the order of `ROWS`."""
    intercept: InterceptSettings
    resign: ResignSettings = ResignSettings()
    tls: TlsSettings = TlsSettings()
    proxy: ProxySettings = ProxySettings()


# --- the table -------------------------------------------------------------------------------------------------------


@immutable
class Row:
    """One setting: its place in aptfreeze.toml, and its flag and variable where they are of use."""

    key: str
    """Dotted, as in the file: `fetch.retries`."""
    help: str
    parse: Parser
    default: Any
    """None where it depends on the machine (`archive.path`) or means "by itself"."""
    flag: str | None = None
    env: str | None = None
    in_file: bool = True
    """False: only by flag or variable, since it belongs to one run and not to the environment."""


def _sources(value: object, anchor: Anchor) -> Sources:
    return Sources(parsers.one_of(*Sources)(value, anchor))


def _passthrough(value: object, anchor: Anchor) -> Passthrough:
    return Passthrough(parsers.one_of(*Passthrough)(value, anchor))


_FETCH = FetchSettings()
_SNAPSHOT = SnapshotSettings()
_TRUST = TrustSettings()
_POLICY = PolicySettings()

ROWS: tuple[Row, ...] = (
    Row("env", "the environment's folder", parsers.path, None, "--env", "APTFREEZE_ENV", in_file=False),
    Row("locked", "never write the lock file", parsers.switch, False, "--locked", "APTFREEZE_LOCKED", in_file=False),
    Row("offline", "never use the network", parsers.switch, False, "--offline", "APTFREEZE_OFFLINE", in_file=False),
    Row("archive.path", "the archive's folder", parsers.path, None, "--archive", "APTFREEZE_ARCHIVE"),
    Row("trust.keyrings", "keyrings for every repository", parsers.paths, _TRUST.keyrings),
    Row("trust.unsigned", "suites that may be pinned unsigned", parsers.suites, _TRUST.unsigned),
    Row("trust.expired", "suites that may be pinned after Valid-Until", parsers.suites, _TRUST.expired),
    Row("trust.backend", "the OpenPGP backend", parsers.one_of("sequoia", "gpgv"), _TRUST.backend),
    Row("trust.repository", "keyrings of one repository", parsers.repository_keyrings, _TRUST.repository_keyrings),
    Row("tls.intercept", "hosts whose https is frozen for every client", parsers.hosts, ()),
    Row("tls.tunnel", "hosts whose https is frozen for no client", parsers.hosts, ()),
    Row("tls.certificates_for", "the only hosts that certificates are made for", parsers.hosts, ()),
    Row("tls.authority", "the private file of the certificates' authority", parsers.path, None),
    Row("mirrors", "mirrors and other names of a repository", parsers.mirrors, MirrorSettings().mirrors),
    Row("snapshot.service", "who keeps Debian's earlier states", parsers.optional_url, _SNAPSHOT.service),
    Row("snapshot.archives", "where a repository's earlier states are", parsers.archive_urls, _SNAPSHOT.archives),
    Row("snapshot.connections", "most requests to it at once", parsers.whole(1, 64), _SNAPSHOT.connections),
    Row("resign", "serve suites signed by the environment's own key", parsers.switch, False),
    Row("resign_key", "the private key to do so, if not its own", parsers.path, None),
    Row("policy.sources", "what is done about source packages", _sources, _POLICY.sources),
    Row("policy.passthrough", "what is done with other requests than apt's", _passthrough, _POLICY.passthrough),
    Row("policy.allow", "what may be passed through all the same", parsers.places, _POLICY.allow),
    Row("policy.serve", "what serve serves where other machines reach it", parsers.places, _POLICY.serve),
    Row("policy.credentials", "a file of passwords, asked for there", parsers.path, _POLICY.credentials),
    Row("fetch.connections", "most connections to one host", parsers.whole(1, 64), _FETCH.connections),
    Row("fetch.depth", "most requests in flight on a connection", parsers.whole(1, 64), _FETCH.depth),
    Row("fetch.parts", "most parts of a large file at once", parsers.whole(1, 64), _FETCH.parts),
    Row("fetch.connect_timeout_s", "to connect to a mirror", parsers.seconds(0.1, 600), _FETCH.connect_timeout_s),
    Row("fetch.read_timeout_s", "of silence of a mirror", parsers.seconds(0.1, 3600), _FETCH.read_timeout_s),
    Row("fetch.retries", "further attempts after a passing failure", parsers.whole(0, 20), _FETCH.retries),
    Row("fetch.retry_after_limit_s", "longest Retry-After", parsers.seconds(0, 3600), _FETCH.retry_after_limit_s),
    Row("fetch.proxy", "proxy for all that is fetched", parsers.proxy, None),
    Row("fetch.prefetch", "fetch ahead what an earlier build asked for", parsers.switch, _FETCH.prefetch),
    Row("fetch.credentials", "files of users and passwords for mirrors", parsers.paths, _FETCH.credentials),
    Row("tls.ca", "further CAs that https mirrors may have", parsers.path, TlsSettings().ca),
    Row("tls.host", "CA and client certificate of one https mirror", parsers.server_files, TlsSettings().hosts),
)


def from_values(values: Mapping[str, Sourced[Any]], variables: Mapping[str, str] | None = None) -> Settings:
    """The sections from one sourced value for each row; `variables` are for `ProxySettings`."""

    def of(*keys: str) -> Iterator[Any]:
        return (values[key].value for key in keys)

    fetch = {key.removeprefix("fetch."): each.value for key, each in values.items() if key.startswith("fetch.")}
    proxy_url = fetch.pop("proxy")
    return Settings(
        archive=ArchiveSettings(*of("archive.path")),
        trust=TrustSettings(
            *of("trust.keyrings", "trust.unsigned", "trust.expired", "trust.repository", "trust.backend")
        ),
        mirrors=MirrorSettings(*of("mirrors")),
        snapshot=SnapshotSettings(*of("snapshot.service", "snapshot.archives", "snapshot.connections")),
        policy=PolicySettings(
            *of("policy.sources", "policy.passthrough", "policy.allow", "policy.serve", "policy.credentials")
        ),
        fetch=FetchSettings(**fetch),
        locked=values["locked"],
        offline=values["offline"],
        values=MappingProxyType(dict(values)),
        intercept=InterceptSettings(*of("tls.authority", "tls.intercept", "tls.tunnel", "tls.certificates_for")),
        resign=ResignSettings(*of("resign", "resign_key")),
        tls=TlsSettings(*of("tls.ca", "tls.host")),
        proxy=ProxySettings(proxy_url, MappingProxyType(dict(variables or {}))),
    )
