# SPDX-License-Identifier: MIT
"""Parsers of settings: what TOML, a variable or a flag gave, to the typed value.

Rule 1: a parser returns the value, or raises ValueError with the words that come after "expected".
Rule 2: nothing here reads a file, a variable or the clock; what a relative path is relative to, the `Anchor` says.
"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from aptfreeze.values import immutable


@immutable
class Anchor:
    """What a relative path or `~` of one origin is relative to: the file's folder, or the current one."""

    folder: Path
    home: Path


Parser = Callable[[Any, Anchor], Any]

_REPOSITORY = re.compile(r"[^\sA-Z/?#@]+(/[^\s/?#]+)*")
_PLACE = re.compile(r"(?:(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?(?:/[^\s?#]*)?")
_PROXY = re.compile(r"http://([^\s/]+@)?[^\s/?#@]+/?")
_HOST = re.compile(r"[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*|[0-9a-f:]*:[0-9a-f:.]*", re.I)
_URL = re.compile(r"https?://[^\s/?#@]+(/[^\s?#]*)?")
_WITH_USER = re.compile(r"[^/]*//[^/?#]*@")
_SERVER = re.compile(r"([a-z0-9._-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?")
_SWITCH = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}


def path(value: object, anchor: Anchor) -> Path:
    """A path, `~/` the home folder, a relative one below the anchor."""
    if not isinstance(value, str) or not value or "\0" in value:
        raise ValueError("a path in quotes")
    if value == "~" or value.startswith("~/"):
        return anchor.home / value[2:]
    return anchor.folder / value


def paths(value: object, anchor: Anchor) -> tuple[Path, ...]:
    """A list of paths."""
    if not isinstance(value, list):
        raise ValueError('a list of paths, as ["vendor.asc"]')
    return tuple(path(item, anchor) for item in value)


def switch(value: object, anchor: Anchor) -> bool:
    """A boolean of TOML or of a flag, or a variable's text."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in _SWITCH:
        return _SWITCH[value.lower()]
    raise ValueError("true or false (in a variable also 1 or 0)")


def whole(low: int, high: int) -> Parser:
    """A whole number in these bounds."""

    def parse(value: object, anchor: Anchor) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return value

    return parse


def seconds(low: float, high: float) -> Parser:
    """Seconds in these bounds."""

    def parse(value: object, anchor: Anchor) -> float:
        if not isinstance(value, (int, float)) or isinstance(value, bool) or not low <= value <= high:
            raise ValueError(f"seconds from {low:g} to {high:g}")
        return float(value)

    return parse


def one_of(*words: str) -> Parser:
    """One of these words."""

    def parse(value: object, anchor: Anchor) -> str:
        if not isinstance(value, str) or value not in words:
            raise ValueError("one of " + ", ".join(f'"{word}"' for word in words))
        return value

    return parse


def suites(value: object, anchor: Anchor) -> frozenset[str]:
    """A list of suites as `host/path suite`."""

    def is_suite(item: object) -> bool:
        repository, blank, suite = item.partition(" ") if isinstance(item, str) else ("", "", "")
        return bool(blank and _REPOSITORY.fullmatch(repository) and re.fullmatch(r"\S+", suite))

    if not isinstance(value, list) or not all(is_suite(item) for item in value):
        raise ValueError('a list of suites without scheme, as ["mirror.example.org/debian bookworm"]')
    return frozenset(value)


def hosts(value: object, anchor: Anchor) -> tuple[str, ...]:
    """A list of host names or addresses, in lower case, sorted."""
    if not isinstance(value, list) or not all(isinstance(item, str) and _HOST.fullmatch(item) for item in value):
        raise ValueError('a list of hosts without scheme and port, as ["mirror.example.org"]')
    return tuple(sorted({item.lower() for item in value}))


def _by_repository(value: object) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ValueError("a table with a repository (host/path) as each key")
    for name in value:
        if not _REPOSITORY.fullmatch(name):
            raise ValueError(f"a repository as host/path without scheme and final slash, not {name!r}")
    return value


def repository_keyrings(value: object, anchor: Anchor) -> Mapping[str, tuple[Path, ...]]:
    """`[trust.repository."host/path"]` tables."""
    tables = _by_repository(value)
    for name, table in tables.items():
        if not isinstance(table, dict) or table.keys() != {"keyrings"}:
            raise ValueError(f'[trust.repository."{name}"] to have the key "keyrings" and no other')
    return MappingProxyType({name: paths(table["keyrings"], anchor) for name, table in tables.items()})


def _is_url(value: object) -> bool:
    """ValueError for one with a password: the file is in git, and what it holds ends in messages."""
    if isinstance(value, str) and _WITH_USER.match(value):
        raise ValueError(
            "a URL without user and password: /etc/apt/auth.conf, or a file that [fetch] credentials names, is their "
            'place ("machine HOST login USER password PASSWORD")'
        )
    return isinstance(value, str) and _URL.fullmatch(value) is not None


def mirrors(value: object, anchor: Anchor) -> Mapping[str, tuple[str, ...]]:
    """Repositories with a list of base URLs each, without final slashes."""
    found: dict[str, tuple[str, ...]] = {}
    for name, urls in _by_repository(value).items():
        if not isinstance(urls, list) or not urls or not all(_is_url(url) for url in urls):
            raise ValueError(
                f'"{name}" to have a list of https:// or http:// URLs, as ["https://mirror.example.org/x"]'
            )
        found[name] = tuple(url.rstrip("/") for url in urls)
    urls = [url for each in found.values() for url in each]
    places = [place for each in found.values() for place in {url.partition("//")[2] for url in each}]
    if twice := sorted({url for url in urls if urls.count(url) > 1 or places.count(url.partition("//")[2]) > 1}):
        raise ValueError(f"each URL once, not {twice[0]!r} twice: it names one repository")
    return MappingProxyType(found)


def optional_url(value: object, anchor: Anchor) -> str:
    """A base URL without its final slash, or nothing."""
    if not isinstance(value, str) or not (value == "" or _is_url(value)):
        raise ValueError('an https:// or http:// URL, or "" for none')
    return value.rstrip("/")


def proxy(value: object, anchor: Anchor) -> str:
    """The URL of a proxy, or nothing."""
    if not isinstance(value, str) or not (value == "" or _PROXY.fullmatch(value)):
        raise ValueError('http://[USER:PASSWORD@]HOST:PORT, or "" for none')
    return value


def archive_urls(value: object, anchor: Anchor) -> Mapping[str, str]:
    """Repositories with one base URL each, without its final slash, or with nothing."""
    urls = _by_repository(value)
    for name, url in urls.items():
        if not isinstance(url, str) or not (url == "" or _is_url(url)):
            raise ValueError(f'"{name}" to have a URL, as "https://snapshot.example.org/archive/debian", or ""')
    return MappingProxyType({name: url.rstrip("/") for name, url in urls.items()})


def places(value: object, anchor: Anchor) -> tuple[str, ...]:
    """A list of hosts, domains (`*.example.org`), hosts with port, and hosts with a path."""
    if not isinstance(value, list) or not all(isinstance(item, str) and _PLACE.fullmatch(item) for item in value):
        raise ValueError('a list of hosts without scheme, as ["www.example.org", "*.example.org", "host:8080/path"]')
    return tuple(value)


def server_files(value: object, anchor: Anchor) -> Mapping[str, Mapping[str, Path]]:
    """`[tls.host."host"]` tables: by `host` or `host:port` the files of its TLS."""
    known = {"ca", "client_certificate", "client_key"}
    if not isinstance(value, dict):
        raise ValueError("a table with a host or host:port as each key")
    for name, table in value.items():
        if not _SERVER.fullmatch(name):
            raise ValueError(f"a host in lower case, or host:port, not {name!r}")
        if not isinstance(table, dict) or not table or not table.keys() <= known:
            raise ValueError(f'[tls.host."{name}"] to have keys among {", ".join(sorted(known))}')
        if "client_key" in table and "client_certificate" not in table:
            raise ValueError(f'[tls.host."{name}"] to have client_certificate, as it has client_key')
    return MappingProxyType(
        {
            name: MappingProxyType({key: path(file, anchor) for key, file in table.items()})
            for name, table in value.items()
        }
    )
