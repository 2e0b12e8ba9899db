# SPDX-License-Identifier: MIT
"""The settings as small frozen values, and the one table that says what can be set and how.

Rule 1: a layer takes only its own section (`FetchSettings`, `TrustSettings`, ...), never the whole `Settings`.
Rule 2: a setting is one row of `ROWS`; reading, `aptfreeze config` and the documented example follow the table.
Rule 3: nothing here reads a file, a variable or the clock; `environment.config` does.
Rule 4: a parser takes what TOML, a variable or a flag gave and returns the typed value, or raises ValueError with
the words that come after "expected".
"""

import re
from collections.abc import Callable, Mapping
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
class MirrorSettings:
    mirrors: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    """Repository (`host/path`) to the base URLs (no final slash) it is fetched from, in order; each is also another
    name of that repository. A repository that is not here is fetched from `http://host/path`."""


@immutable
class PolicySettings:
    sources: Sources = Sources.ARCHIVE


@immutable
class Settings:
    """All sections, and by row key every value with its origin (for `aptfreeze config`)."""

    archive: ArchiveSettings
    trust: TrustSettings
    mirrors: MirrorSettings
    policy: PolicySettings
    fetch: FetchSettings
    locked: Sourced[bool]
    """Never write the lock file."""
    offline: Sourced[bool]
    """Never use the network."""
    values: Mapping[str, Sourced[Any]]
    """In the order of `ROWS`."""


# --- parsers ---------------------------------------------------------------------------------------------------------


@immutable
class Anchor:
    """What a relative path or `~` of one origin is relative to: the file's folder, or the current one."""

    folder: Path
    home: Path


Parser = Callable[[Any, Anchor], Any]

_REPOSITORY = re.compile(r"[^\sA-Z/?#@]+(/[^\s/?#]+)*")
_URL = re.compile(r"http://[^\s/?#@]+(/[^\s?#]*)?")
_SWITCH = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}


def _path(value: object, anchor: Anchor) -> Path:
    if not isinstance(value, str) or not value or "\0" in value:
        raise ValueError("a path in quotes")
    if value == "~" or value.startswith("~/"):
        return anchor.home / value[2:]
    return anchor.folder / value


def _paths(value: object, anchor: Anchor) -> tuple[Path, ...]:
    if not isinstance(value, list):
        raise ValueError('a list of paths, as ["vendor.asc"]')
    return tuple(_path(item, anchor) for item in value)


def _switch(value: object, anchor: Anchor) -> bool:
    """A boolean of TOML or of a flag, or a variable's text."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in _SWITCH:
        return _SWITCH[value.lower()]
    raise ValueError("true or false (in a variable also 1 or 0)")


def _whole(low: int, high: int) -> Parser:
    def parse(value: object, anchor: Anchor) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return value

    return parse


def _seconds(low: float, high: float) -> Parser:
    def parse(value: object, anchor: Anchor) -> float:
        if not isinstance(value, (int, float)) or isinstance(value, bool) or not low <= value <= high:
            raise ValueError(f"seconds from {low:g} to {high:g}")
        return float(value)

    return parse


def _one_of(*words: str) -> Parser:
    def parse(value: object, anchor: Anchor) -> str:
        if not isinstance(value, str) or value not in words:
            raise ValueError("one of " + ", ".join(f'"{word}"' for word in words))
        return value

    return parse


def _sources(value: object, anchor: Anchor) -> Sources:
    return Sources(_one_of(*Sources)(value, anchor))


def _suites(value: object, anchor: Anchor) -> frozenset[str]:
    def is_suite(item: object) -> bool:
        repository, blank, suite = item.partition(" ") if isinstance(item, str) else ("", "", "")
        return bool(blank and _REPOSITORY.fullmatch(repository) and re.fullmatch(r"\S+", suite))

    if not isinstance(value, list) or not all(is_suite(item) for item in value):
        raise ValueError('a list of suites without scheme, as ["mirror.example.org/debian bookworm"]')
    return frozenset(value)


def _by_repository(value: object) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ValueError("a table with a repository (host/path) as each key")
    for name in value:
        if not _REPOSITORY.fullmatch(name):
            raise ValueError(f"a repository as host/path without scheme and final slash, not {name!r}")
    return value


def _repository_keyrings(value: object, anchor: Anchor) -> Mapping[str, tuple[Path, ...]]:
    tables = _by_repository(value)
    for name, table in tables.items():
        if not isinstance(table, dict) or table.keys() != {"keyrings"}:
            raise ValueError(f'[trust.repository."{name}"] to have the key "keyrings" and no other')
    return MappingProxyType({name: _paths(table["keyrings"], anchor) for name, table in tables.items()})


def _mirrors(value: object, anchor: Anchor) -> Mapping[str, tuple[str, ...]]:
    mirrors: dict[str, tuple[str, ...]] = {}
    for name, urls in _by_repository(value).items():
        if not isinstance(urls, list) or not urls or not all(isinstance(u, str) and _URL.fullmatch(u) for u in urls):
            raise ValueError(f'"{name}" to have a list of http:// URLs, as ["http://mirror1.example.org/debian"]')
        mirrors[name] = tuple(url.rstrip("/") for url in urls)
    urls = [url for each in mirrors.values() for url in each]
    if twice := sorted({url for url in urls if urls.count(url) > 1}):
        raise ValueError(f"each URL once, not {twice[0]!r} twice: it names one repository")
    return MappingProxyType(mirrors)


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


_FETCH = FetchSettings()
_TRUST = TrustSettings()

ROWS: tuple[Row, ...] = (
    Row("env", "the environment's folder", _path, None, "--env", "APTFREEZE_ENV", in_file=False),
    Row("locked", "never write the lock file", _switch, False, "--locked", "APTFREEZE_LOCKED", in_file=False),
    Row("offline", "never use the network", _switch, False, "--offline", "APTFREEZE_OFFLINE", in_file=False),
    Row("archive.path", "the archive's folder", _path, None, "--archive", "APTFREEZE_ARCHIVE"),
    Row("trust.keyrings", "keyrings for every repository", _paths, _TRUST.keyrings),
    Row("trust.unsigned", "suites that may be pinned unsigned", _suites, _TRUST.unsigned),
    Row("trust.expired", "suites that may be pinned after Valid-Until", _suites, _TRUST.expired),
    Row("trust.backend", "the OpenPGP backend", _one_of("sequoia", "gpgv"), _TRUST.backend),
    Row("trust.repository", "keyrings of one repository", _repository_keyrings, _TRUST.repository_keyrings),
    Row("mirrors", "mirrors and other names of a repository", _mirrors, MirrorSettings().mirrors),
    Row("policy.sources", "what is done about source packages", _sources, PolicySettings().sources),
    Row("fetch.connections", "most connections to one host", _whole(1, 64), _FETCH.connections),
    Row("fetch.depth", "most requests in flight on a connection", _whole(1, 64), _FETCH.depth),
    Row("fetch.parts", "most parts of a large file at once", _whole(1, 64), _FETCH.parts),
    Row("fetch.connect_timeout_s", "to connect to a mirror", _seconds(0.1, 600), _FETCH.connect_timeout_s),
    Row("fetch.read_timeout_s", "of silence of a mirror", _seconds(0.1, 3600), _FETCH.read_timeout_s),
    Row("fetch.retries", "further attempts after a passing failure", _whole(0, 20), _FETCH.retries),
    Row("fetch.retry_after_limit_s", "longest Retry-After to wait", _seconds(0, 3600), _FETCH.retry_after_limit_s),
    Row("fetch.prefetch", "fetch ahead what an earlier build asked for", _switch, _FETCH.prefetch),
)


def from_values(values: Mapping[str, Sourced[Any]]) -> Settings:
    """The sections from one sourced value for each row."""
    fetch = {key.removeprefix("fetch."): each.value for key, each in values.items() if key.startswith("fetch.")}
    return Settings(
        archive=ArchiveSettings(values["archive.path"].value),
        trust=TrustSettings(
            keyrings=values["trust.keyrings"].value,
            unsigned=values["trust.unsigned"].value,
            expired=values["trust.expired"].value,
            repository_keyrings=values["trust.repository"].value,
            backend=values["trust.backend"].value,
        ),
        mirrors=MirrorSettings(values["mirrors"].value),
        policy=PolicySettings(values["policy.sources"].value),
        fetch=FetchSettings(**fetch),
        locked=values["locked"],
        offline=values["offline"],
        values=MappingProxyType(dict(values)),
    )
