# SPDX-License-Identifier: MIT
from aptfreeze.fetch.proxies import Proxy
from aptfreeze.fetch.request import request, target
from aptfreeze.fetch.url import Endpoint

ENDPOINT = Endpoint.parse("http://mirror.example.org:81/a%2bb?x=%20")


def lines(asking: bytes) -> list[str]:
    return asking.decode().split("\r\n")


def test_a_host_gets_the_raw_target_and_no_encoding_is_accepted() -> None:
    first, *fields = lines(request(ENDPOINT, 0, {"X": "y"}))
    assert first == "GET /a%2bb?x=%20 HTTP/1.1"
    assert {"Host: mirror.example.org:81", "Accept-Encoding: identity", "X: y"} <= set(fields)
    assert not [field for field in fields if field.startswith(("Range", "Proxy"))]


def test_a_part_is_asked_by_its_first_and_last_byte() -> None:
    assert "Range: bytes=5-" in lines(request(ENDPOINT, 5, {}))
    assert "Range: bytes=0-0" in lines(request(ENDPOINT, 0, {}, end=1))


def test_a_proxy_is_told_the_host_and_who_asks() -> None:
    proxy = Proxy.parse("http://me:secret@proxy.example.org", "http_proxy")
    first, *fields = lines(request(ENDPOINT, 0, {}, proxy=proxy))
    assert first == f"GET {target(ENDPOINT, proxy)} HTTP/1.1" == "GET http://mirror.example.org:81/a%2bb?x=%20 HTTP/1.1"
    assert "Proxy-Authorization: Basic bWU6c2VjcmV0" in fields
