# SPDX-License-Identifier: MIT
import pytest

from aptfreeze.errors import UpstreamError
from aptfreeze.fetch.url import Endpoint, redirected


@pytest.mark.parametrize(
    ("url", "host", "port", "target", "authority"),
    [
        ("http://Mirror.example.org", "mirror.example.org", 80, "/", "mirror.example.org"),
        ("HTTP://a:8080/p%2bq%7e?x=%20#f", "a", 8080, "/p%2bq%7e?x=%20", "a:8080"),
        ("http://[::1]:81/x", "::1", 81, "/x", "[::1]:81"),
        ("http://a?x", "a", 80, "/?x", "a"),
        ("http://a:80/./b/../c", "a", 80, "/./b/../c", "a"),
    ],
)
def test_the_path_goes_to_the_wire_as_it_was_written(
    url: str, host: str, port: int, target: str, authority: str
) -> None:
    endpoint = Endpoint.parse(url)
    assert (endpoint.host, endpoint.port, endpoint.target, endpoint.authority) == (host, port, target, authority)


def test_a_secure_url_has_a_port_of_its_own_and_is_another_server() -> None:
    secure, plain = Endpoint.parse("HTTPS://a/x"), Endpoint.parse("http://a:443/x")
    assert (secure.port, secure.authority, secure.server, secure.is_secure) == (443, "a", "https://a", True)
    assert (plain.port, plain.authority, plain.server, plain.is_secure) == (443, "a:443", "a:443", False)
    assert Endpoint.parse("https://a:80/").authority == "a:80"


@pytest.mark.parametrize(
    "url",
    [
        "https:/a/",
        "ftp://a/",
        "http://",
        "http://a b/",
        "http://a/b c",
        "http://a/b\r\nX: y",
        "http://u:p@a/",
        "/a",
        "http://a:65536/",
    ],
)
def test_what_is_no_plain_url_is_refused(url: str) -> None:
    with pytest.raises(UpstreamError, match="cannot fetch"):
        Endpoint.parse(url)


@pytest.mark.parametrize("url", ["http://jane:secret@a/", "https://jane:sec/secret@a/b", "http://jane:secret@a:99999/"])
def test_no_password_of_a_url_is_in_a_message(url: str) -> None:
    with pytest.raises(UpstreamError, match=r"\*\*\*@a") as told:
        Endpoint.parse(url)
    assert "secret" not in str(told.value)
    with pytest.raises(UpstreamError) as told:
        redirected("http://a/b", "http://jane:secret@[")
    assert "secret" not in str(told.value)


def test_a_redirect_is_relative_to_what_was_asked() -> None:
    assert redirected("http://a/b/c", "../d%2b") == "http://a/d%2b"
    assert redirected("http://a/b/c", "http://e/f") == "http://e/f"


def test_a_redirect_to_what_is_no_url_is_the_mirrors_failure() -> None:
    with pytest.raises(UpstreamError, match=r"leads to 'http://\[', which is no URL"):
        redirected("http://a/b/c", "http://[")
