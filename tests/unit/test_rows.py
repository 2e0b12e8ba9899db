# SPDX-License-Identifier: MIT
"""The table of settings: every row has a default that its own parser takes, and a parser that refuses the rest."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aptfreeze.parsers import Anchor
from aptfreeze.rows import ROWS, Row, from_values
from aptfreeze.settings import (
    Exemption,
    FetchSettings,
    InterceptSettings,
    Lack,
    Passthrough,
    SnapshotSettings,
    Sourced,
    Sources,
)

ANCHOR = Anchor(Path("/product"), Path("/home/jane"))
BY_KEY = {row.key: row for row in ROWS}


def parse(key: str, value: object) -> Any:
    return BY_KEY[key].parse(value, ANCHOR)


@pytest.mark.parametrize(
    ("key", "value", "parsed"),
    [
        ("archive.path", "/srv/archive", Path("/srv/archive")),
        ("archive.path", "cache", Path("/product/cache")),
        ("archive.path", "~/cache", Path("/home/jane/cache")),
        ("archive.path", "~", Path("/home/jane")),
        ("archive.path", "~tilde", Path("/product/~tilde")),
        ("trust.keyrings", ["a.asc", "/b.gpg"], (Path("/product/a.asc"), Path("/b.gpg"))),
        ("trust.unsigned", ["a.example.org/x ./"], frozenset({"a.example.org/x ./"})),
        ("trust.expired", [], frozenset()),
        (
            "exception",
            [
                {"package": "my-app", "lacks": ["source", "origin"], "reason": " ours "},
                {"package": "libx2.0+y", "version": "1:2-3", "lacks": ["source"], "reason": "lost"},
            ],
            (
                Exemption("my-app", frozenset({Lack.ORIGIN, Lack.SOURCE}), "ours"),
                Exemption("libx2.0+y", frozenset({Lack.SOURCE}), "lost", "1:2-3"),
            ),
        ),
        (
            "tls.intercept",
            ["Mirror.example.org", "2001:db8::7", "192.0.2.7"],
            ("192.0.2.7", "2001:db8::7", "mirror.example.org"),
        ),
        ("trust.backend", "gpgv", "gpgv"),
        ("trust.repository", {"a.example.org/x": {"keyrings": ["k"]}}, {"a.example.org/x": (Path("/product/k"),)}),
        ("mirrors", {"a.example.org/x": ["http://b.example.org/x/"]}, {"a.example.org/x": ("http://b.example.org/x",)}),
        (
            "mirrors",
            {"a.example.org:8080": ["http://b.example.org"]},
            {"a.example.org:8080": ("http://b.example.org",)},
        ),
        (
            "mirrors",
            {"a.example.org/x": ["https://b.example.org/x/", "http://b.example.org/x"]},
            {"a.example.org/x": ("https://b.example.org/x", "http://b.example.org/x")},
        ),
        ("fetch.credentials", ["~/.netrc"], (Path("/home/jane/.netrc"),)),
        ("tls.ca", "ca.pem", Path("/product/ca.pem")),
        ("tls.host", {"[::1]:8443": {"ca": "a.pem"}}, {"[::1]:8443": {"ca": Path("/product/a.pem")}}),
        ("snapshot.service", "https://snapshot.example.org/", "https://snapshot.example.org"),
        ("snapshot.service", "", ""),
        (
            "snapshot.archives",
            {"a.example.org/x": "http://b.example.org/x/"},
            {"a.example.org/x": "http://b.example.org/x"},
        ),
        ("snapshot.archives", {"a.example.org/x": ""}, {"a.example.org/x": ""}),
        ("policy.sources", "require", Sources.REQUIRE),
        ("policy.passthrough", "deny", Passthrough.DENY),
        ("policy.allow", ["a.example.org:8080/x", "*.b.example.org"], ("a.example.org:8080/x", "*.b.example.org")),
        ("policy.allow", ["[::1]:8080"], ("[::1]:8080",)),
        ("fetch.connections", 8, 8),
        ("fetch.read_timeout_s", 5, 5.0),
        ("offline", False, False),
        ("locked", True, True),
        ("locked", "1", True),
        ("offline", "No", False),
    ],
)
def test_good_values(key: str, value: object, parsed: object) -> None:
    assert parse(key, value) == parsed


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("archive.path", "", "a path"),
        ("archive.path", 3, "a path"),
        ("archive.path", "a\0b", "a path"),
        ("trust.keyrings", "a.asc", "a list of paths"),
        ("trust.keyrings", [3], "a path"),
        ("tls.tunnel", "a.example.org", "a list of hosts"),
        ("tls.tunnel", ["a.example.org:443"], "a list of hosts"),
        ("tls.tunnel", ["https://a.example.org"], "a list of hosts"),
        ("trust.unsigned", ["a.example.org/x"], "a list of suites"),
        ("trust.unsigned", ["http://a.example.org/x stable"], "a list of suites"),
        ("trust.unsigned", ["a.example.org/x stable main"], "a list of suites"),
        ("trust.expired", "a.example.org/x stable", "a list of suites"),
        ("trust.expired", [3], "a list of suites"),
        ("trust.backend", "pgp", 'one of "sequoia", "gpgv"'),
        ("policy.passthrough", "none", 'one of "allow", "warn", "deny"'),
        ("policy.allow", "a.example.org", "a list of hosts"),
        ("policy.allow", ["http://a.example.org"], "a list of hosts"),
        ("policy.allow", ["*"], "a list of hosts"),
        ("policy.allow", ["a.*.example.org"], "a list of hosts"),
        ("policy.allow", ["A.example.org"], "a list of hosts"),
        ("policy.allow", ["a.example.org:http"], "a list of hosts"),
        ("policy.allow", ["user@a.example.org"], "a list of hosts"),
        ("trust.repository", [], "a table"),
        ("trust.repository", {"http://a.example.org/x": {}}, "without scheme"),
        ("trust.repository", {"a.example.org/x/": {}}, "final slash"),
        ("trust.repository", {"a.example.org/x": {"keyring": ["k"]}}, 'the key "keyrings" and no other'),
        ("trust.repository", {"a.example.org/x": ["k"]}, 'the key "keyrings" and no other'),
        ("mirrors", {"a.example.org/x": "http://b.example.org/x"}, "a list of https:// or http:// URLs"),
        ("mirrors", {"a.example.org/x": []}, "a list of https:// or http:// URLs"),
        ("mirrors", {"a.example.org/x": ["ftp://b.example.org/x"]}, "a list of https:// or http:// URLs"),
        ("mirrors", {"a.example.org/x": ["http://b.example.org/?x"]}, "a list of https:// or http:// URLs"),
        ("mirrors", {"A.example.org/x": ["http://b.example.org/x"]}, "a repository as host/path"),
        ("mirrors", {"a.example.org/x": ["http://c.example.org"], "b.example.org": ["http://c.example.org/"]}, "twice"),
        (
            "mirrors",
            {"a.example.org": ["https://c.example.org"], "b.example.org": ["http://c.example.org/"]},
            "twice",
        ),
        ("mirrors", {"a.example.org/x": ["https://jane:secret@b.example.org/x"]}, "URL without user and password"),
        ("snapshot.service", "https://jane@b.example.org/x", "URL without user and password"),
        ("tls.host", ["a.example.org"], "a table with a host"),
        ("tls.host", {"https://a.example.org": {"ca": "a.pem"}}, "a host in lower case"),
        ("tls.host", {"a.example.org/x": {"ca": "a.pem"}}, "a host in lower case"),
        ("tls.host", {"a.example.org": {}}, "to have keys among ca, client_certificate, client_key"),
        ("tls.host", {"a.example.org": {"cafile": "a.pem"}}, "to have keys among"),
        ("tls.host", {"a.example.org": {"client_key": "a.pem"}}, "to have client_certificate"),
        ("tls.host", {"a.example.org": {"ca": ["a.pem"]}}, "a path"),
        ("fetch.credentials", "auth.conf", "a list of paths"),
        ("snapshot.service", "ftp://snapshot.example.org", 'an https:// or http:// URL, or "" for none'),
        ("snapshot.service", False, 'an https:// or http:// URL, or "" for none'),
        ("snapshot.archives", {"http://a.example.org/x": ""}, "a repository as host/path"),
        ("snapshot.archives", {"a.example.org/x": ["http://b.example.org/x"]}, "to have a URL"),
        ("snapshot.archives", {"a.example.org/x": "b.example.org"}, "to have a URL"),
        ("policy.sources", "no", 'one of "archive", "require", "off"'),
        ("fetch.connections", 0, "a whole number from 1 to 64"),
        ("fetch.connections", 1.5, "a whole number"),
        ("fetch.depth", True, "a whole number"),
        ("fetch.connect_timeout_s", 0, "seconds from 0.1"),
        ("fetch.read_timeout_s", float("nan"), "seconds"),
        ("fetch.read_timeout_s", True, "seconds"),
        ("exception", {"package": "x"}, r"\[\[exception\]\]"),
        ("exception", ["x"], "keys among lacks, package, reason, version"),
        ("exception", [{"package": "x", "why": "y"}], "keys among lacks, package, reason, version"),
        ("exception", [{"package": "X", "lacks": ["origin"], "reason": "y"}], "name of a package"),
        ("exception", [{"package": "x", "lacks": ["origin"], "reason": " "}], "reason for x"),
        ("exception", [{"package": "x", "lacks": ["origin"], "reason": "y", "version": 1}], "version of x as text"),
        ("exception", [{"package": "x", "lacks": [], "reason": "y"}], "what x lacks"),
        ("exception", [{"package": "x", "lacks": ["binary"], "reason": "y"}], "what x lacks"),
        ("offline", "maybe", "true or false"),
        ("locked", 1, "true or false"),
    ],
)
def test_bad_values_are_told_by_what_was_expected(key: str, value: object, expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        parse(key, value)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.key)
@settings(deadline=None, max_examples=25)
@given(
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
        max_leaves=5,
    )
)
def test_a_parser_takes_a_value_or_refuses_it(row: Row, value: object) -> None:
    with suppress(ValueError):
        row.parse(value, ANCHOR)


def test_keys_flags_and_variables_are_unique() -> None:
    for names in ([row.key for row in ROWS], [row.flag for row in ROWS], [row.env for row in ROWS]):
        given_names = [name for name in names if name]
        assert len(set(given_names)) == len(given_names)


def test_a_setting_outside_the_file_has_a_flag_and_a_variable() -> None:
    assert all(row.flag and row.env for row in ROWS if not row.in_file)


def test_values_reach_their_sections() -> None:
    values: dict[str, Sourced[Any]] = {row.key: Sourced(row.default) for row in ROWS}
    values |= {
        "archive.path": Sourced(Path("/a")),
        "fetch.retries": Sourced(7),
        "trust.unsigned": Sourced(frozenset({"u"})),
        "trust.expired": Sourced(frozenset({"e"})),
        "mirrors": Sourced({"m": ("u",)}),
        "snapshot.service": Sourced(""),
        "snapshot.archives": Sourced({"s": "u"}),
        "snapshot.connections": Sourced(2),
        "policy.sources": Sourced(Sources.OFF),
        "tls.authority": Sourced(Path("/ca")),
        "tls.intercept": Sourced(("i",)),
        "tls.tunnel": Sourced(("t",)),
        "tls.certificates_for": Sourced(("c",)),
        "locked": Sourced(True, "--locked"),
    }
    got = from_values(values)

    assert got.archive.path == Path("/a")
    assert got.fetch == FetchSettings(retries=7)
    assert (got.trust.unsigned, got.trust.expired) == (frozenset({"u"}), frozenset({"e"}))
    assert got.mirrors.mirrors == {"m": ("u",)}
    assert got.snapshot == SnapshotSettings("", {"s": "u"}, 2)
    assert got.policy.sources is Sources.OFF
    assert got.intercept == InterceptSettings(Path("/ca"), ("i",), ("t",), ("c",))
    assert (got.locked, got.offline) == (Sourced(True, "--locked"), Sourced(False))
