# SPDX-License-Identifier: MIT
"""Requests that are only passed through."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from aptfreeze.errors import RefusedError, UpstreamError
from aptfreeze.fetch.addresses import AddressCheck
from aptfreeze.fetch.hosts import Hosts
from aptfreeze.fetch.relay import Relay, forwarded
from aptfreeze.settings import FetchSettings
from support.faults import Chunked, Ending, Headers, Stall, Status, Truncate
from support.origin import Origin
from support.upstream_proxy import UpstreamProxy, hosts_behind

DATA = bytes(range(256)) * 2000


@pytest.fixture
def origin(tmp_path: Path) -> Iterator[Origin]:
    (tmp_path / "file").write_bytes(DATA)
    with Origin(tmp_path) as origin:
        yield origin


@pytest.fixture
def hosts() -> Iterator[Hosts]:
    hosts = Hosts(FetchSettings(read_timeout_s=5), {})
    yield hosts
    hosts.close()


def passed(relay: Relay) -> tuple[bytes, bytes]:
    """Head and body as the client gets them."""
    head = relay.open()
    read_end, write_end = os.pipe()
    copying = threading.Thread(target=relay.copy, args=(write_end,))
    copying.start()
    with open(read_end, "rb") as pipe:  # noqa: PTH123 - a descriptor
        body = pipe.read()
    copying.join()
    return head, body


def test_an_answer_goes_through_as_it_is(hosts: Hosts, origin: Origin) -> None:
    relay = Relay(hosts, f"{origin.url}/file", "GET", [("Accept", "a/b"), ("Host", "evil"), ("X-Own", "1")])
    head, body = passed(relay)
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert f"Content-Length: {len(DATA)}\r\n".encode() in head
    assert b"ETag: " in head
    assert (body, relay.ended_well, relay.closes, relay.received) == (DATA, True, False, len(DATA))
    seen = origin.requests[0].headers
    assert (seen["host"], seen["accept"], seen["x-own"]) == (origin.host, "a/b", "1")


def test_connection_level_fields_end_here(hosts: Hosts, origin: Origin) -> None:
    origin.inject("*", Headers({"Connection": "x-secret", "X-Secret": "1", "Keep-Alive": "5"}))
    fields = [("Connection", "X-Hop"), ("X-Hop", "1"), ("Proxy-Authorization", "me"), ("TE", "gzip")]
    head, _ = passed(Relay(hosts, f"{origin.url}/file", "GET", fields))
    assert b"secret" not in head.lower()
    assert b"keep-alive" not in head.lower()
    assert not {"x-hop", "proxy-authorization", "te"} & set(origin.requests[0].headers)


def test_head_has_no_body(hosts: Hosts, origin: Origin) -> None:
    head, body = passed(Relay(hosts, f"{origin.url}/file", "HEAD", []))
    assert f"Content-Length: {len(DATA)}".encode() in head
    assert body == b""


def test_redirects_and_errors_are_the_clients(hosts: Hosts, origin: Origin) -> None:
    origin.inject("*", Status(302, b"", {"Location": "http://other.example.org/"}))
    head, _ = passed(Relay(hosts, f"{origin.url}/file", "GET", []))
    assert head.startswith(b"HTTP/1.1 302 ")
    assert b"Location: http://other.example.org/" in head


@pytest.mark.parametrize("version", ["1.1", "1.0"])
def test_an_unknown_length_is_framed_for_the_client(hosts: Hosts, origin: Origin, version: str) -> None:
    origin.inject("*", Chunked())
    relay = Relay(hosts, f"{origin.url}/file", "GET", [], version)
    head, body = passed(relay)
    assert (b"Transfer-Encoding: chunked" in head) == (version == "1.1")
    assert relay.closes == (version == "1.0")
    assert body.endswith(b"0\r\n\r\n") == (version == "1.1")
    assert relay.received == len(DATA)


@pytest.mark.parametrize("faults", [(), (Chunked(),)])
@pytest.mark.parametrize("ending", [Ending.CLOSE, Ending.RESET])
def test_a_cut_body_does_not_look_whole(
    hosts: Hosts, origin: Origin, faults: tuple[Chunked, ...], ending: Ending
) -> None:
    origin.inject("*", *faults, Truncate(1000, ending))
    relay = Relay(hosts, f"{origin.url}/file", "GET", [])
    _, body = passed(relay)
    assert not relay.ended_well
    assert not body.endswith(b"0\r\n\r\n")


def test_no_answer_is_an_error_before_anything_is_sent(hosts: Hosts, origin: Origin) -> None:
    origin.stop()
    with pytest.raises(UpstreamError, match="cannot connect"):
        Relay(hosts, f"{origin.url}/file", "GET", []).open()


def test_a_client_that_leaves_ends_it(hosts: Hosts, origin: Origin) -> None:
    relay = Relay(hosts, f"{origin.url}/file", "GET", [])
    relay.open()
    read_end, write_end = os.pipe()
    os.close(read_end)
    relay.copy(write_end)
    assert not relay.ended_well


def test_closing_ends_a_relay_that_hangs(hosts: Hosts, origin: Origin) -> None:
    stall = Stall(1000)
    origin.inject("*", stall)
    relay = Relay(hosts, f"{origin.url}/file", "GET", [])
    relay.open()
    stall.reached.wait(10)
    hosts.close()
    read_end, write_end = os.pipe()
    relay.copy(write_end)
    assert not relay.ended_well
    os.close(read_end)


def test_who_left_before_the_connection_was_made_is_not_asked_for(hosts: Hosts, origin: Origin) -> None:
    relay = Relay(hosts, f"{origin.url}/file", "GET", [])
    relay.abort()
    with pytest.raises(UpstreamError, match="not wanted any more"):
        relay.open()
    assert origin.count() == 0


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_what_passes_through_goes_by_the_proxy_with_our_credentials(tmp_path: Path, method: str) -> None:
    (tmp_path / "file").write_bytes(DATA)
    with Origin(tmp_path) as proxy:
        hosts = hosts_behind(f"http://me:own@{proxy.host}")
        passed(Relay(hosts, "http://www.example.org/file", method, [("Proxy-Authorization", "Basic theirs")]))
        hosts.close()
    (seen,) = proxy.requests
    assert seen.target == "http://www.example.org/file"
    assert seen.headers["host"] == "www.example.org"
    assert seen.headers["proxy-authorization"] == "Basic bWU6b3du"


def test_a_407_of_our_proxy_is_no_answer_for_the_client() -> None:
    with UpstreamProxy({}, credentials="me:right") as proxy:
        hosts = hosts_behind(f"http://127.0.0.1:{proxy.port}")
        with pytest.raises(UpstreamError, match="none are given"):
            Relay(hosts, "http://www.example.org/file", "GET", []).open()
        hosts.close()


def test_what_is_forwarded_begins_with_a_head_that_leaves_the_body_as_it_is(hosts: Hosts, origin: Origin) -> None:
    fields = [("Host", "evil"), ("Transfer-Encoding", "chunked"), ("Keep-Alive", "1"), ("Proxy-Authorization", "x")]
    server, head = forwarded(hosts, f"{origin.url}/file?x=%2b", "POST", fields)
    with server:
        assert server.getpeername()[1] == origin.port
    assert head.decode().splitlines() == [
        "POST /file?x=%2b HTTP/1.1",
        f"Host: {origin.host}",
        "Transfer-Encoding: chunked",
        "Connection: close",
        "",
    ]


def test_what_is_forwarded_is_checked_too(hosts: Hosts, origin: Origin) -> None:
    check = AddressCheck(origin.host, frozenset(), is_public_only=True)
    with pytest.raises(RefusedError, match="a loopback address"):
        forwarded(hosts, f"{origin.url}/file", "POST", [], check)
    assert origin.count() == 0
