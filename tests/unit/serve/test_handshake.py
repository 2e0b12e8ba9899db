# SPDX-License-Identifier: MIT
"""The stage between CONNECT and the requests in TLS; more of it is in tests/wire/test_serve_tls.py."""

from aptfreeze.serve.reply import Inline
from support.serving import eventually, get, read_answer, read_exactly, serving
from support.tls import CONNECT, ESTABLISHED, Intercepting, tls_client


def test_it_is_followed_by_the_connection_that_answers() -> None:
    handler = Intercepting()
    handler.inside.give("/hello", Inline(b"hello"))
    with serving(handler) as server, tls_client(server) as client:
        client.sendall(get("/hello"))
        assert read_answer(client) == (200, b"hello")
        assert "Connection 127.0.0.1:" in server.call(lambda: repr(server.server.connections))
    assert not handler.failures


def test_one_that_is_under_way_ends_with_the_server() -> None:
    handler = Intercepting()
    with serving(handler) as server, server.connect() as client:
        client.sendall(CONNECT)
        assert read_exactly(client, len(ESTABLISHED)) == ESTABLISHED
        assert eventually(lambda: "Handshake 127.0.0.1:" in server.call(lambda: repr(server.server.connections)))
        server.stop(10.0)
        assert not server.server.connections
    assert not handler.failures


def test_a_client_that_leaves_is_told_of() -> None:
    handler = Intercepting()
    with serving(handler) as server:
        with server.connect() as client:
            client.sendall(CONNECT)
            assert read_exactly(client, len(ESTABLISHED)) == ESTABLISHED
        assert eventually(lambda: len(handler.failures) == 1)
