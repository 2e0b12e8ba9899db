# SPDX-License-Identifier: MIT
"""Listening: addresses, ports, and what a person is told when they cannot be had."""

import asyncio
import socket

import pytest

from aptfreeze.errors import UsageError
from aptfreeze.serve.reply import Inline, Reply
from aptfreeze.serve.server import Server
from support.serving import Scripted, answer, get, read_all, serving


def test_port_0_takes_a_free_one_and_shows_it() -> None:
    server = Server()
    assert repr(server) == "<Server on nothing: 0 connections, not accepting>"
    port = server.listen("127.0.0.1", 0)
    assert port > 0
    assert repr(server) == f"<Server on 127.0.0.1:{port}: 0 connections, not accepting>"
    server.close()
    assert repr(server) == "<Server on nothing: 0 connections, not accepting>"


def test_a_name_with_several_addresses_has_one_port_on_all() -> None:
    server = Server()
    port = server.listen("localhost", 0)
    with socket.create_connection(("localhost", port)):
        pass
    server.close()


@pytest.mark.parametrize("host", ["", "localhost"])
def test_a_port_in_use_is_named_with_a_hint(host: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(UsageError, match=rf"{port}: Address already in use") as caught:
            Server().listen(host, port)
    assert "port 0" in str(caught.value)


def test_a_name_without_address_is_named() -> None:
    with pytest.raises(UsageError, match=r"nowhere\.invalid"):
        Server().listen("nowhere.invalid", 0)


def test_an_address_of_another_machine_is_named() -> None:
    with pytest.raises(UsageError, match=r"192\.0\.2\.1:0: Cannot assign"):
        Server().listen("192.0.2.1", 0)  # RFC 5737: of no machine


def test_who_connects_before_serve_is_answered() -> None:
    handler = Scripted()
    handler.give("/x", Inline(b"x"))
    with serving(handler) as first:
        other = first.call(lambda: first.server.listen("127.0.0.1", 0))
        assert other != first.port
        assert first.ask(get("/x")) == answer(200, "OK", b"x")


def test_a_socket_that_listens_already_is_accepted_from() -> None:
    handler = Scripted()
    handler.give("/x", Inline(b"x"))

    async def ask() -> bytes:
        server, listener = Server(), socket.create_server(("127.0.0.1", 0))
        port = server.adopt(listener)
        assert port == listener.getsockname()[1]
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(server.serve(handler))
            with socket.create_connection(("127.0.0.1", port)) as client:
                client.sendall(get("/x"))
                got = await asyncio.to_thread(client.recv, 1 << 16)
            server.close()
        assert listener.fileno() == -1
        return got

    assert asyncio.run(ask()) == answer(200, "OK", b"x")


def test_a_server_that_was_closed_serves_nobody() -> None:
    server = Server()
    port = server.listen("127.0.0.1", 0)
    server.close()
    asyncio.run(server.serve(Scripted()))
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))


def test_cancelling_serve_resets_its_connections() -> None:
    handler = Scripted()

    async def cancel() -> None:
        asked = asyncio.Event()

        def never(_: object) -> asyncio.Future[Reply]:
            asked.set()
            return asyncio.get_running_loop().create_future()

        handler.script["/x"] = never
        server = Server()
        port = server.listen("127.0.0.1", 0)
        client = socket.create_connection(("127.0.0.1", port))
        client.sendall(get("/x"))
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(server.serve(handler))
            await asked.wait()
            task.cancel()
        assert not server.connections
        client.settimeout(5)
        with client, pytest.raises(ConnectionResetError):
            read_all(client)

    asyncio.run(cancel())
