# SPDX-License-Identifier: MIT
"""Clients that take too long, and more clients than the process can hold."""

import contextlib
import errno
import gc
import os
import resource
import socket
import time
from pathlib import Path

import pytest

from aptfreeze.serve.connection import Connection
from aptfreeze.serve.limits import Limits
from aptfreeze.serve.reply import FileBody, Inline
from aptfreeze.serve.server import Server, allow_connections
from support.serving import (
    PATIENCE_S,
    Scripted,
    answer,
    eventually,
    get,
    object_growth,
    open_descriptors,
    read_all,
    read_answer,
    read_exactly,
    serving,
)


@pytest.fixture
def handler() -> Scripted:
    handler = Scripted()
    handler.give("/hello", Inline(b"hello"))
    return handler


def test_a_head_that_is_not_complete_in_time_is_answered_408(handler: Scripted) -> None:
    with serving(handler, Limits(head_s=0.05)) as server, server.connect() as client:
        client.sendall(get("/hello") + b"GET /hel")
        assert read_answer(client) == (200, b"hello")
        assert read_answer(client)[0] == 408
        assert client.recv(1) == b""


def test_dripping_bytes_do_not_extend_the_time_for_a_head(handler: Scripted) -> None:
    with serving(handler, Limits(head_s=0.1)) as server, server.connect() as client:
        client.settimeout(0.01)
        begun = time.monotonic()
        client.sendall(b"GET / HTTP/1.1\r\nX: ")
        status = b""
        while not status and time.monotonic() - begun < PATIENCE_S:
            client.sendall(b"y")
            with contextlib.suppress(TimeoutError):  # nothing to read yet is the pause between two drops
                status = client.recv(13)
        assert status == b"HTTP/1.1 408 "


def test_requests_that_each_take_their_time_are_no_slow_head(handler: Scripted) -> None:
    with serving(handler, Limits(head_s=0.2)) as server, server.connect() as client:
        begun = time.monotonic()
        client.sendall(get("/hello")[:7])
        while time.monotonic() - begun < 0.4:
            client.sendall(get("/hello")[7:] + get("/hello")[:7])  # always one half received
            assert read_answer(client) == (200, b"hello")


def test_an_idle_connection_is_closed_cleanly(handler: Scripted) -> None:
    with serving(handler, Limits(idle_s=0.05)) as server, server.connect() as client:
        client.sendall(get("/hello"))
        assert read_answer(client) == (200, b"hello")
        assert client.recv(1) == b""


def test_waiting_for_a_slow_answer_is_not_idle(handler: Scripted) -> None:
    with serving(handler, Limits(idle_s=0.02)) as server, server.connect() as client:
        late = server.future()
        handler.script["/late"] = lambda _: late
        client.sendall(get("/late"))
        client.settimeout(0.1)
        with pytest.raises(TimeoutError):
            client.recv(1)
        server.call(lambda: late.set_result(handler.reply("/late", Inline(b"late"))))
        assert read_answer(client) == (200, b"late")


def test_a_client_that_stops_reading_is_reset(handler: Scripted, tmp_path: Path) -> None:
    growth = object_growth(tmp_path / "big", b"x" * (8 << 20))
    handler.give("/big", FileBody(growth, 0, 8 << 20))
    with serving(handler, Limits(stall_s=0.1)) as server, server.connect(receive_buffer=65536) as client:
        client.sendall(get("/big"))
        target, sent, complete = handler.receipt()
        assert (target, complete) == ("/big", False)
        assert sent < 8 << 20
        with pytest.raises(ConnectionResetError):
            read_all(client)


def test_a_slow_reader_that_reads_at_all_is_not_reset(handler: Scripted, tmp_path: Path) -> None:
    data = b"x" * (8 << 20)
    growth = object_growth(tmp_path / "big", data)
    handler.give("/big", FileBody(growth, 0, len(data)))
    with serving(handler, Limits(stall_s=0.4)) as server, server.connect(receive_buffer=65536) as client:
        client.sendall(get("/big"))
        begun = time.monotonic()
        received = 0
        while time.monotonic() - begun < 1.0:
            received += len(read_exactly(client, 65536))
            time.sleep(0.02)  # the reader's slowness is what is tested
        read_exactly(client, len(answer(200, "OK", data)) - received)
        assert handler.receipt() == ("/big", len(data), True)


def test_a_client_that_never_ends_after_our_end_is_left(handler: Scripted) -> None:
    with serving(handler, Limits(linger_s=0.05)) as server, server.connect() as client:
        client.sendall(b"bad\r\n\r\n")
        assert read_answer(client)[0] == 400
        assert client.recv(1) == b""
        assert eventually(lambda: not server.call(lambda: server.server.connections))


def test_128_clients_at_once_each_get_what_they_asked(handler: Scripted, tmp_path: Path) -> None:
    small, large = os.urandom(10_000), os.urandom(500_000)
    growths = [object_growth(tmp_path / "small", small), object_growth(tmp_path / "large", large)]
    handler.give("/small", FileBody(growths[0], 0, len(small)))
    handler.give("/large", FileBody(growths[1], 0, len(large)))
    with serving(handler) as server, contextlib.ExitStack() as stack:
        clients = [stack.enter_context(server.connect()) for _ in range(128)]
        for number, client in enumerate(clients):
            client.sendall(get("/small", "/large", "/hello", f"/{number}"))
        for number, client in enumerate(clients):
            bodies = [read_answer(client)[1] for _ in range(4)]
            assert bodies == [small, large, b"hello", f"/{number}".encode()]
        assert "128 connections" in server.call(lambda: repr(server.server))


def test_clients_over_the_limit_wait_until_another_leaves(handler: Scripted) -> None:
    with serving(handler, Limits(connections=2)) as server, server.connect() as first, server.connect() as second:
        for client in (first, second):
            client.sendall(get("/hello"))
            assert read_answer(client) == (200, b"hello")
        with server.connect() as third:
            third.sendall(get("/hello"))
            assert eventually(lambda: "2 connections, not accepting" in server.call(lambda: repr(server.server)))
            first.close()
            assert read_answer(third) == (200, b"hello")


def test_clients_get_no_more_than_half_of_the_descriptors(handler: Scripted) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (6, hard))
    try:
        server = Server()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    with serving(handler, server=server) as running, contextlib.ExitStack() as stack:
        for _ in range(4):
            stack.enter_context(running.connect())
        assert eventually(lambda: "3 connections, not accepting" in running.call(lambda: repr(server)))


def test_as_many_files_may_be_open_as_the_connections_need() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        for before, connections, after in ((64, 20, 80), (100, 20, 100), (64, hard, hard)):
            resource.setrlimit(resource.RLIMIT_NOFILE, (before, hard))
            allow_connections(Limits(connections=connections))
            assert resource.getrlimit(resource.RLIMIT_NOFILE) == (after, hard)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_without_descriptors_clients_wait_and_it_is_said_once(
    handler: Scripted, caplog: pytest.LogCaptureFixture
) -> None:
    with serving(handler, Limits(accept_retry_s=0.01)) as server, contextlib.ExitStack() as stack:
        server.ask(get("/hello"))  # whatever is opened on first use is open now
        clients = [stack.enter_context(socket.socket()) for _ in range(3)]
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        used = _hold_all_descriptors(stack, soft, hard)
        try:
            for client in clients:
                client.settimeout(PATIENCE_S)
                client.connect(("127.0.0.1", server.port))
                client.sendall(get("/hello"))
            clients[0].settimeout(0.1)
            with pytest.raises(TimeoutError):  # ten retries long
                clients[0].recv(1)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        clients[0].settimeout(PATIENCE_S)
        assert [read_answer(client) for client in clients] == [(200, b"hello")] * 3
        assert used
        assert caplog.text.count(os.strerror(errno.EMFILE)) == 1


def _hold_all_descriptors(stack: contextlib.ExitStack, soft: int, hard: int) -> int:
    """Lower the limit to what is open, and fill the gaps below it; how many descriptors that took."""
    highest = max(int(entry.name) for entry in Path("/proc/self/fd").iterdir())
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, highest + 4), hard))
    held = 0
    with contextlib.suppress(OSError):
        while True:
            stack.callback(os.close, os.dup(0))
            held += 1
    return held


def test_a_thousand_connections_leave_nothing_behind(handler: Scripted, tmp_path: Path) -> None:
    growth = object_growth(tmp_path / "file", os.urandom(200_000))
    handler.give("/file", FileBody(growth, 0, 200_000))
    endings = [get("/hello"), get("/file", "/hello"), b"bad\r\n\r\n", b"GET /half", get("/hello", version="1.0"), b""]
    with serving(handler) as server:
        server.ask(get("/hello"))
        assert eventually(lambda: not server.call(lambda: server.server.connections))
        gc.collect()  # files of earlier tests
        before = open_descriptors()
        for number in range(1000):
            with server.connect() as client:
                client.sendall(endings[number % len(endings)])
                if number % 4:
                    client.shutdown(socket.SHUT_WR)
                    read_all(client)
        assert eventually(lambda: not server.call(lambda: server.server.connections))
        assert open_descriptors() == before
        gc.collect()
        assert not [thing for thing in gc.get_objects() if isinstance(thing, Connection)]
        assert "0 readers" in repr(growth)


def test_stop_answers_what_was_asked_and_closes_idle_connections_at_once(handler: Scripted) -> None:
    with serving(handler, Limits(linger_s=0.05)) as server, server.connect() as idle, server.connect() as busy:
        idle.sendall(get("/hello"))
        assert read_answer(idle) == (200, b"hello")
        late = server.future()
        handler.script["/late"] = lambda _: late
        busy.sendall(get("/late"))
        assert [handler.asked.get(timeout=PATIENCE_S) for _ in range(2)] == ["/hello", "/late"]
        server.loop.call_soon_threadsafe(
            server.loop.call_later, 0.05, late.set_result, handler.reply("/late", Inline(b"late"))
        )
        server.stop(grace_s=PATIENCE_S)
        assert idle.recv(1) == b""
        assert read_all(busy) == answer(200, "OK", b"late")
        with pytest.raises(ConnectionRefusedError):
            server.connect()


def test_stop_resets_what_is_not_done_in_time(handler: Scripted, caplog: pytest.LogCaptureFixture) -> None:
    with serving(handler) as server, server.connect() as client:
        future = server.future()
        handler.script["/never"] = lambda _: future
        client.sendall(get("/never"))
        assert handler.asked.get(timeout=PATIENCE_S) == "/never"
        server.stop(grace_s=0.01)
        with pytest.raises(ConnectionResetError):
            client.recv(1)
        assert eventually(future.cancelled)
    assert "1 connections were not done within 0.01 s" in caplog.text
