# SPDX-License-Identifier: MIT
"""The one table that says what can be set and how, and the settings that come of it.

Rule: a setting is one row of `ROWS`; reading, `aptfreeze config` and the documented example follow the table.
"""

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from aptfreeze import parsers
from aptfreeze.parsers import Anchor, Parser
from aptfreeze.settings import (
    ArchiveSettings,
    Exemption,
    FetchSettings,
    GcSettings,
    InterceptSettings,
    Lack,
    MirrorSettings,
    Passthrough,
    PolicySettings,
    ProxySettings,
    ResignSettings,
    Settings,
    SnapshotSettings,
    Sourced,
    Sources,
    TlsSettings,
    TrustSettings,
)
from aptfreeze.values import immutable


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


def _exemptions(value: object, anchor: Anchor) -> tuple[Exemption, ...]:
    if not isinstance(value, list):
        raise ValueError("tables that begin with a line [[exception]]")
    return tuple(map(_exemption, value))


def _exemption(table: object) -> Exemption:
    keys = {"package", "version", "lacks", "reason"}
    if not isinstance(table, dict) or not table.keys() <= keys:
        raise ValueError(f"[[exception]] to have keys among {', '.join(sorted(keys))}")
    package, version, reason = table.get("package"), table.get("version"), table.get("reason")
    lacks = table.get("lacks")
    if not isinstance(package, str) or not _PACKAGE.fullmatch(package):
        raise ValueError('[[exception]] to have the name of a package, as package = "my-app"')
    if not (version is None or (isinstance(version, str) and version)):
        raise ValueError(f'the version of {package} as text, as version = "1.0-1", or none')
    if not isinstance(reason, str) or not reason.strip():
        raise ValueError(f"the reason for {package}: why it is shipped all the same")
    if not isinstance(lacks, list) or not lacks or not set(map(str, lacks)) <= set(Lack):
        raise ValueError(f'what {package} lacks, as lacks = ["origin", "source"]')
    return Exemption(package, frozenset(map(Lack, lacks)), reason.strip(), version)


_PACKAGE = re.compile(r"[a-z0-9][a-z0-9+.-]*")

_FETCH = FetchSettings()
_SNAPSHOT = SnapshotSettings()
_TRUST = TrustSettings()
_POLICY = PolicySettings()
_GC = GcSettings()

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
    Row("exception", "packages that lack origin or source on purpose", _exemptions, ()),
    Row("tls.ca", "further CAs that https mirrors may have", parsers.path, TlsSettings().ca),
    Row("tls.host", "CA and client certificate of one https mirror", parsers.server_files, TlsSettings().hosts),
    Row("gc.keep_generations", "latest generations that gc keeps", parsers.whole(1, 10000), _GC.keep_generations),
    Row("gc.keep_environments_days", "until gc forgets one", parsers.whole(0, 100000), _GC.keep_environments_days),
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
        gc=GcSettings(*of("gc.keep_generations", "gc.keep_environments_days")),
        proxy=ProxySettings(proxy_url, MappingProxyType(dict(variables or {}))),
        exemptions=values["exception"].value,
    )
