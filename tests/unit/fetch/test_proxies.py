# SPDX-License-Identifier: MIT
"""Which proxy a URL is fetched through."""

from base64 import b64decode
from collections.abc import Mapping

import pytest

from aptfreeze.errors import UpstreamError
from aptfreeze.fetch.proxies import Proxy, Rules, is_listed, is_loopback, without_password
from aptfreeze.settings import ProxySettings

ONE, TWO = "http://one.example.org:3128", "http://two.example.org:3128"


def chosen(
    *,
    host: str = "mirror.example.org",
    scheme: str = "http",
    setting: str | None = None,
    options: Mapping[str, str] | None = None,
    **variables: str,
) -> str | None:
    named = {name.lower(): value for name, value in (options or {}).items()}
    proxy = Rules(setting, variables, named).proxy_for(scheme, host, 80)
    return None if proxy is None else proxy.url


def test_without_a_word_of_the_user_there_is_none() -> None:
    assert chosen() is None


@pytest.mark.parametrize(
    ("scheme", "variables", "url"),
    [
        ("http", {"http_proxy": ONE}, ONE),
        ("http", {"https_proxy": ONE}, None),
        ("http", {"HTTP_PROXY": ONE}, None),
        ("http", {"all_proxy": ONE, "http_proxy": TWO}, TWO),
        ("http", {"ALL_PROXY": ONE}, ONE),
        ("http", {"all_proxy": ONE, "http_proxy": ""}, None),
        ("https", {"https_proxy": ONE}, ONE),
        ("https", {"HTTPS_PROXY": ONE}, ONE),
        ("https", {"https_proxy": ONE, "HTTPS_PROXY": TWO}, ONE),
        ("https", {"http_proxy": ONE}, None),
    ],
)
def test_variables_count_as_with_curl(scheme: str, variables: dict[str, str], url: str | None) -> None:
    proxy = Rules(None, variables, {}).proxy_for(scheme, "mirror.example.org", 80)
    assert (None if proxy is None else proxy.url) == url


@pytest.mark.parametrize(
    ("scheme", "options", "url"),
    [
        ("http", {"Acquire::http::Proxy": TWO}, TWO),
        ("http", {"Acquire::http::Proxy": "DIRECT"}, None),
        ("http", {"Acquire::http::Proxy": "false"}, None),
        ("http", {"Acquire::http::Proxy": ""}, ONE),
        ("http", {"Acquire::http::Proxy": TWO, "Acquire::http::Proxy::mirror.example.org": "DIRECT"}, None),
        ("http", {"Acquire::http::Proxy::MIRROR.example.org": TWO}, TWO),
        ("http", {"Acquire::http::Proxy::other.example.org": TWO}, ONE),
        ("http", {"Acquire::https::Proxy": TWO}, ONE),
        ("https", {"Acquire::https::Proxy": TWO, "Acquire::http::Proxy": ONE}, TWO),
        ("https", {"Acquire::http::Proxy": TWO}, TWO),
    ],
)
def test_what_apt_is_configured_with_comes_before_the_variables(
    scheme: str, options: dict[str, str], url: str | None
) -> None:
    assert chosen(scheme=scheme, options=options, http_proxy=ONE, https_proxy=ONE) == url


def test_the_setting_comes_before_all() -> None:
    assert chosen(setting=TWO, options={"Acquire::http::Proxy": ONE}, http_proxy=ONE) == TWO
    assert chosen(setting="", options={"Acquire::http::Proxy": ONE}, http_proxy=ONE) is None


def test_no_proxy_beats_every_other_word() -> None:
    options = {"Acquire::http::Proxy::mirror.example.org": ONE}
    assert chosen(options=options, http_proxy=ONE, no_proxy=".example.org") is None
    assert chosen(setting=ONE, NO_PROXY="*") is None
    assert chosen(http_proxy=ONE, no_proxy="mirror.example.com", NO_PROXY="*") == ONE


@pytest.mark.parametrize("host", ["localhost", "mirror.localhost", "127.0.0.1", "127.8.8.8", "::1"])
def test_loopback_addresses_are_never_asked_through_a_proxy(host: str) -> None:
    assert is_loopback(host)
    assert chosen(host=host, http_proxy=ONE) is None
    assert not is_loopback("localhost.example.org")


@pytest.mark.parametrize(
    ("no_proxy", "host", "listed"),
    [
        ("", "mirror.example.org", False),
        ("*", "mirror.example.org", True),
        ("mirror.example.org", "mirror.example.org", True),
        ("MIRROR.example.org.", "mirror.example.org", True),
        ("example.org", "mirror.example.org", True),
        (".example.org", "mirror.example.org", True),
        ("*.example.org", "mirror.example.org", True),
        (".example.org", "example.org", True),
        ("example.org", "myexample.org", False),
        ("a.example.org,mirror.example.org", "mirror.example.org", True),
        ("a.example.org mirror.example.org", "mirror.example.org", True),
        (",, ,.", "mirror.example.org", False),
        ("mirror.example.org:80", "mirror.example.org", True),
        ("mirror.example.org:8080", "mirror.example.org", False),
        ("10.1.2.3", "10.1.2.3", True),
        ("10.0.0.0/8", "10.1.2.3", True),
        ("10.1.2.9/8", "10.1.2.3", True),
        ("10.0.0.0/8", "11.1.2.3", False),
        ("10.0.0.0/8:81", "10.1.2.3", False),
        ("2.3", "10.1.2.3", False),
        ("fd00::/8", "fd00::1", True),
        ("[fd00::1]:80", "fd00::1", True),
        ("[fd00::1]:81", "fd00::1", False),
        ("fd00::/8", "10.1.2.3", False),
        ("10.0.0.0/8", "mirror.example.org", False),
        ("10.0.0.0/99", "10.1.2.3", False),
    ],
)
def test_no_proxy_lists_names_addresses_and_networks(no_proxy: str, host: str, listed: bool) -> None:
    assert is_listed(no_proxy, host, 80) is listed


@pytest.mark.parametrize(
    ("text", "parts", "printed"),
    [
        ("http://proxy.example.org:3128/", ("proxy.example.org", 3128, None, None), "http://proxy.example.org:3128"),
        ("Proxy.example.org", ("proxy.example.org", 80, None, None), "http://proxy.example.org:80"),
        ("http://[fd00::1]:8080", ("fd00::1", 8080, None, None), "http://[fd00::1]:8080"),
        ("http://me@proxy", ("proxy", 80, "me", None), "http://me@proxy:80"),
        ("http://me:p%40s%3A@proxy", ("proxy", 80, "me", "p@s:"), "http://me:***@proxy:80"),
        ("http://me:p@ss/w@proxy:1", ("proxy", 1, "me", "p@ss/w"), "http://me:***@proxy:1"),
    ],
)
def test_a_proxy_is_read_and_told_without_its_password(
    text: str, parts: tuple[str, int, str | None, str | None], printed: str
) -> None:
    proxy = Proxy.parse(text, "http_proxy")
    assert (proxy.host, proxy.port, proxy.user, proxy.password) == parts
    assert proxy.url == printed
    assert str(proxy) == f"the proxy {printed} (http_proxy)"


def test_credentials_are_sent_decoded() -> None:
    ((name, value),) = Proxy.parse("http://me:p%40ss@proxy", "").fields
    assert name == "Proxy-Authorization"
    assert b64decode(value.removeprefix("Basic ")) == b"me:p@ss"
    assert Proxy.parse("http://proxy", "").fields == ()


@pytest.mark.parametrize(
    "text",
    ["socks5://me:secret@proxy:1080", "https://proxy.example.org", "http://proxy:99999", "http://a b", "ftp://x"],
)
def test_what_cannot_be_used_is_refused_with_who_named_it_and_without_the_password(text: str) -> None:
    with pytest.raises(UpstreamError) as raised:
        chosen(all_proxy=text)
    assert "all_proxy names" in raised.value.message
    assert "secret" not in raised.value.message


def test_the_kind_of_a_proxy_that_cannot_be_used_is_named() -> None:
    with pytest.raises(UpstreamError, match="a proxy by socks5h:// cannot be used"):
        chosen(http_proxy="socks5h://proxy")


def test_a_407_says_whether_credentials_are_missing_or_wrong() -> None:
    missing, wrong = (Proxy.parse(f"http://{user}proxy", "http_proxy") for user in ("", "me:secret@"))
    assert "none are given" in missing.refusal("No").message
    said = wrong.refusal("No").message
    assert "refuses the credentials of 'me'" in said
    assert "secret" not in said
    assert "(http_proxy)" in said


@pytest.mark.parametrize(
    ("url", "printed"),
    [
        ("http://me:secret@proxy.example.org:3128/", "http://me:***@proxy.example.org:3128/"),
        ("http://me@proxy.example.org/", "http://me@proxy.example.org/"),
        ("http://proxy.example.org:3128", "http://proxy.example.org:3128"),
        ("http://me:p@ss/word@proxy.example.org", "http://me:***@proxy.example.org"),
        ("me:secret@proxy.example.org:3128", "me:***@proxy.example.org:3128"),
        ("https://me@corp:secret@proxy.example.org", "https://me@corp:***@proxy.example.org"),
        ("socks5h:///me:secret@proxy.example.org", "socks5h:///me:***@proxy.example.org"),
        ("//me:secret@proxy.example.org", "//me:***@proxy.example.org"),
        ("http://me:sec\nret@proxy.example.org", "http://me:***@proxy.example.org"),
        ("DIRECT", "DIRECT"),
        ("", ""),
    ],
)
def test_a_password_is_never_printed(url: str, printed: str) -> None:
    assert without_password(url) == printed


def test_no_password_is_shown_where_values_are_printed() -> None:
    url = "http://me:secret@proxy"
    rules = Rules(url, {"http_proxy": url}, {"acquire::http::proxy": url})
    assert "secret" not in f"{rules!r} {Proxy.parse(url, 'x')!r} {ProxySettings(url, {'http_proxy': url})!r}"
