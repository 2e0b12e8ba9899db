# SPDX-License-Identifier: MIT
"""Connections through a proxy."""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

from aptfreeze.errors import UpstreamError
from aptfreeze.fetch.failures import PassingError, UnreachableError
from aptfreeze.fetch.proxies import Proxy
from aptfreeze.fetch.tunnel import connect_to, open_tunnel
from support.origin import Origin
from support.upstream_proxy import UpstreamProxy


def opened(url: str, host: str = "mirror.example.org") -> socket.socket:
    proxy = Proxy.parse(url, "https_proxy")
    return open_tunnel(proxy, host, 443, connect_timeout_s=30, read_timeout_s=30)


@contextmanager
def answering(answer: bytes) -> Iterator[str]:
    """The URL of a proxy that says this to whatever it is asked, and closes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            client, _ = listener.accept()
            with client:
                client.recv(65536)
                client.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread.join()


def test_a_tunnel_leads_to_the_host(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"bytes")
    with (
        Origin(tmp_path) as origin,
        UpstreamProxy({"mirror.example.org": origin.port}, credentials="me:p@ss") as proxy,
        closing(opened(proxy.url)) as wire,
    ):
        wire.sendall(b"GET /file HTTP/1.1\r\nHost: mirror.example.org\r\nConnection: close\r\n\r\n")
        with wire.makefile("rb") as reader:
            assert reader.read().endswith(b"\r\n\r\nbytes")
    assert proxy.asked == ["CONNECT mirror.example.org:443"]


def test_what_follows_the_proxy_s_head_is_the_host_s() -> None:
    with answering(b"HTTP/1.0 200 OK\r\nVia: x\r\n\r\nhello") as url, closing(opened(url)) as wire:
        assert wire.recv(100) == b"hello"


def test_interim_answers_are_passed_over() -> None:
    with (
        answering(
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nX: y\r\n\r\nHTTP/1.1 200 OK\r\n\r\nhello"
        ) as url,
        closing(opened(url)) as wire,
    ):
        assert wire.recv(100) == b"hello"


def test_a_proxy_that_only_drips_is_as_good_as_silent() -> None:
    """Each byte of its head comes in time, all of it would take half a day."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ended = threading.Event()

        def serve() -> None:
            client, _ = listener.accept()
            with client, suppress(OSError):
                client.sendall(b"HTTP/1.1 200 OK\r\nX: ")
                for _ in range(40):
                    client.sendall(b"x")
                    ended.wait(0.05)
                client.sendall(b"\r\n\r\n")

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        proxy = Proxy.parse(f"http://127.0.0.1:{listener.getsockname()[1]}", "https_proxy")
        with pytest.raises(UnreachableError, match=r"within 0\.3 s"):
            open_tunnel(proxy, "mirror.example.org", 443, connect_timeout_s=2, read_timeout_s=0.3)
        ended.set()
        thread.join()


def test_an_ipv6_address_has_brackets() -> None:
    with UpstreamProxy({}) as proxy, pytest.raises(PassingError):
        opened(proxy.url, "fd00::1")
    assert proxy.asked == ["CONNECT [fd00::1]:443"]


@pytest.mark.parametrize(
    ("answer", "kind", "said"),
    [
        (b"HTTP/1.1 503 Service Unavailable\r\n\r\n", PassingError, r"connect to mirror.example.org:443: 503 Service"),
        (b"HTTP/1.1 403 Forbidden\r\n\r\n", UpstreamError, "443: 403 Forbidden"),
        (b"HTTP/1.1 407 Who\r\n\r\n", UpstreamError, "none are given"),
        (b"SSH-2.0-OpenSSH\r\n\r\n", PassingError, "no HTTP"),
        (b"HTTP/1.1 200 OK\r\n", UnreachableError, "no whole answer"),
        (b"HTTP/1.1 100 Go on\r\n\r\n" * 4000, UnreachableError, "bytes of head"),
        (b"HTTP/1.1 101 Other\r\n\r\n", UpstreamError, "443: 101 Other"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70000, UnreachableError, "bytes of head"),
        (b"", UnreachableError, "no whole answer"),
    ],
)
def test_a_proxy_that_does_not_connect_is_told_as_the_one(answer: bytes, kind: type[UpstreamError], said: str) -> None:
    with answering(answer) as url, pytest.raises(UpstreamError, match=said) as raised:
        opened(url)
    assert type(raised.value) is kind
    assert raised.value.message.startswith(f"the proxy {url} (https_proxy) ")


def test_a_proxy_that_is_away_is_told_as_the_one() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    proxy = Proxy.parse(f"http://me:secret@127.0.0.1:{port}", "http_proxy")
    with pytest.raises(
        UnreachableError, match=r"the proxy http://me:\*\*\*@.* \(http_proxy\) is of no use: cannot connect"
    ):
        connect_to(proxy, connect_timeout_s=2, read_timeout_s=2)
