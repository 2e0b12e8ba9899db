# SPDX-License-Identifier: MIT
"""What is seen on the way to the mirrors."""

from pathlib import Path

import pytest

from aptfreeze.fetch.aptread import Option
from aptfreeze.fetch.proxies import Rules
from aptfreeze.launch import lookway
from aptfreeze.launch.aptentries import Entry
from aptfreeze.launch.finding import Finding, Level
from aptfreeze.launch.lookway import look_at_options, look_at_sources, look_at_variables
from aptfreeze.settings import TrustSettings
from aptfreeze.trust.aptsources import SignedBy
from support.signing import SigningKey

DIRECT = Rules(None, {}, {})


def variables(*, is_locked: bool = True, **environ: str) -> list[Finding]:
    return list(look_at_variables(environ, is_locked=is_locked))


def test_proxies_are_notes_without_their_passwords() -> None:
    found = variables(http_proxy="http://me:secret@proxy.example.org", no_proxy="10.0.0.0/8")
    assert [each.level for each in found] == [Level.NOTE, Level.NOTE]
    assert not [each for each in found if "secret" in repr(each)]


def test_a_proxy_in_capitals_alone_is_a_warning() -> None:
    assert [each.level for each in variables(HTTP_PROXY="http://me:secret@p")] == [Level.WARNING]
    assert "secret" not in repr(variables(HTTP_PROXY="http://me:secret@p"))
    assert [each.level for each in variables(HTTP_PROXY="http://p", http_proxy="http://p")] == [Level.NOTE]


def test_ci_wants_a_lock() -> None:
    (found,) = variables(CI="true", is_locked=False)
    assert (found.level, "--locked" in found.fix) == (Level.WARNING, True)
    assert variables(CI="true") == variables(is_locked=False) == []


def test_apt_s_proxies_are_told_with_what_run_does_and_a_detector_is_a_warning() -> None:
    options = [
        Option("Acquire::http::Proxy::mirror.example.org", "DIRECT"),
        Option("Acquire::http::Proxy-Auto-Detect", "/usr/bin/auto"),
        Option("Acquire::Check-Valid-Until", "true"),
        Option("Acquire::Check-Date", "false"),
        Option("Acquire::http::Timeout", "10"),
    ]
    assert [each.level for each in look_at_options(options)] == [Level.NOTE, Level.WARNING, Level.NOTE]


def sources(
    *entries: Entry, rules: Rules = DIRECT, resigns: bool = False, keyring: Path | None = None
) -> list[Finding]:
    trust = TrustSettings(keyrings=() if keyring is None else (keyring,))
    return list(look_at_sources(entries, rules, trust, resigns=resigns))


MIRROR = Entry("http://mirror.example.org/debian", "bookworm")


def test_a_mirror_that_can_be_verified_is_ok_and_told_once(signing_key: SigningKey) -> None:
    other = Entry(MIRROR.url, "bookworm-updates")
    found = sources(MIRROR, other, keyring=signing_key.keyring)
    assert found == [
        Finding(Level.OK, "http://mirror.example.org/debian is fetched directly"),
        Finding(Level.OK, "signatures of mirror.example.org/debian are looked for in 1 keyring"),
    ]


def test_the_way_is_told_with_who_named_the_proxy(signing_key: SigningKey) -> None:
    rules = Rules(None, {"http_proxy": "http://me:secret@proxy.example.org:3128"}, {})
    told = sources(MIRROR, rules=rules, keyring=signing_key.keyring)[0].what
    assert told.endswith("is fetched by the proxy http://me:***@proxy.example.org:3128 (http_proxy)")


@pytest.mark.parametrize("url", ["socks5://proxy:1080", "https://proxy"])
def test_a_proxy_that_cannot_be_used_is_a_problem(signing_key: SigningKey, url: str) -> None:
    found = sources(MIRROR, rules=Rules(None, {"all_proxy": url}, {}), keyring=signing_key.keyring)
    assert [each.level for each in found] == [Level.PROBLEM, Level.OK]


def test_a_keyring_that_cannot_be_read_is_a_problem(tmp_path: Path) -> None:
    found = sources(MIRROR, keyring=tmp_path / "none.gpg")
    assert [each.level for each in found] == [Level.OK, Level.PROBLEM]
    assert "[trust] keyrings" in found[1].fix


def test_methods_that_go_past_every_proxy_are_a_warning() -> None:
    (found,) = sources(Entry("file:/srv/debs", "./"))
    assert found.level is Level.WARNING
    assert found.what == "file:/srv/debs ./ of apt's sources is read by file:, past every proxy"


def test_a_key_of_a_source_is_told_where_suites_are_signed_anew(
    signing_key: SigningKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = SignedBy(frozenset({"mirror.example.org/debian"}), ("/k.gpg",))
    other = SignedBy(frozenset({"other.example.org/debian"}), ("/other.gpg",))
    monkeypatch.setattr(lookway, "signed_by_entries", lambda root: [named, other])
    found = sources(MIRROR, resigns=True, keyring=signing_key.keyring)
    assert [each.what for each in found if each.level is Level.WARNING] == [
        "a source of mirror.example.org/debian names /k.gpg by signed-by"
    ]
    assert Level.WARNING not in [each.level for each in sources(MIRROR, keyring=signing_key.keyring)]
