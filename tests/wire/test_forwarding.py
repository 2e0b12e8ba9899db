# SPDX-License-Identifier: MIT
"""Requests with a body through the real proxy: the server gets them as they were sent, and nothing else gets in."""

import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from support.aptfreeze import Aptfreeze, Serving
from support.origin import Origin
from support.serving import PATIENCE_S, read_all, read_exactly

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"


@pytest.fixture
def far() -> Iterator[socket.socket]:
    """Where a server listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PATIENCE_S)
        yield listener


@pytest.fixture
def frozen(aptfreeze: Aptfreeze) -> Iterator[Serving]:
    with aptfreeze.serve() as serving:
        yield serving


def place(listener: socket.socket) -> str:
    return f"127.0.0.1:{listener.getsockname()[1]}"


def connected(serving: Serving) -> socket.socket:
    url = urlsplit(serving.proxy)
    assert url.hostname
    assert url.port
    return socket.create_connection((url.hostname, url.port), PATIENCE_S)


def post(listener: socket.socket, body: bytes, *fields: str, method: str = "POST") -> bytes:
    lines = [f"{method} http://{place(listener)}/git-upload-pack?x=%2b HTTP/1.1", "Host: evil.example.org", *fields]
    return "\r\n".join([*lines, "", ""]).encode() + body


def accepted(listener: socket.socket) -> socket.socket:
    server, _ = listener.accept()
    server.settimeout(PATIENCE_S)
    return server


def head_of(server: socket.socket) -> bytes:
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += read_exactly(server, 1)
    return head


@pytest.mark.parametrize(
    ("field", "body"),
    [
        ("Content-Length: 7", b"\0binary"),
        ("Transfer-Encoding: chunked", b"3\r\nabc\r\n0\r\n\r\n"),
        ("Content-Length: 0", b""),
    ],
)
@pytest.mark.parametrize("is_first", [True, False])
def test_the_body_arrives_as_it_was_framed(
    frozen: Serving, far: socket.socket, origin: Origin, field: str, body: bytes, *, is_first: bool
) -> None:
    with connected(frozen) as client:
        if not is_first:
            client.sendall(f"HEAD {origin.url}/absent HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            assert head_of(client).startswith(b"HTTP/1.1 404 ")
        client.sendall(post(far, body[:2], field, "Proxy-Connection: keep-alive", "Connection: X-Own", "X-Own: 1"))
        with accepted(far) as server:
            head = head_of(server)
            client.sendall(body[2:])
            assert read_exactly(server, len(body)) == body
            server.sendall(ANSWER)
        assert read_all(client) == ANSWER
    assert head.startswith(b"POST /git-upload-pack?x=%2b HTTP/1.1\r\nHost: " + place(far).encode() + b"\r\n")
    assert field.encode() in head
    assert b"\r\nConnection: close\r\n" in head
    assert b"X-Own" not in head
    assert b"Proxy-Connection" not in head


def test_nothing_behind_it_becomes_a_request_of_ours(frozen: Serving, far: socket.socket, origin: Origin) -> None:
    hidden = f"GET {origin.url}/hidden HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    with connected(frozen) as client:
        client.sendall(post(far, hidden, "Content-Length: 0"))
        with accepted(far) as server:
            head_of(server)
            assert read_exactly(server, len(hidden)) == hidden
            server.sendall(ANSWER)
        assert read_all(client) == ANSWER
    assert origin.count("/hidden") == 0


def test_an_answer_that_is_cut_does_not_look_whole(frozen: Serving, far: socket.socket) -> None:
    with connected(frozen) as client:
        client.sendall(post(far, b"", "Content-Length: 0"))
        with accepted(far) as server:
            head_of(server)
            server.sendall(ANSWER[:-1])
            server.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        with pytest.raises(ConnectionResetError):
            read_all(client)


def test_a_server_that_is_away_is_502(frozen: Serving, far: socket.socket) -> None:
    far.close()
    with connected(frozen) as client, socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # nobody listens there
        client.sendall(post(unused, b"abc", "Content-Length: 3"))
        assert head_of(client).startswith(b"HTTP/1.1 502 ")


def test_it_is_denied_like_every_other_request(aptfreeze: Aptfreeze, far: socket.socket) -> None:
    aptfreeze.configure(f'[policy]\npassthrough = "deny"\nallow = ["{place(far)}/git-upload-pack"]')
    with aptfreeze.serve() as serving, connected(serving) as client:
        client.sendall(post(far, b"abc", "Content-Length: 3"))
        assert head_of(client).startswith(f"HTTP/1.1 403 {place(far)} is not passed through".encode())
