# SPDX-License-Identifier: MIT
"""Long bodies: slow and leaving readers, files that grow, fail or shrink, and pipes."""

import contextlib
import os
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from aptfreeze.archive.growth import Growth
from aptfreeze.errors import UpstreamError
from aptfreeze.freeze.digest import Digest
from aptfreeze.serve.limits import Limits
from aptfreeze.serve.reply import FileBody, Inline, PipeBody
from support.serving import (
    PATIENCE_S,
    Scripted,
    answer,
    eventually,
    get,
    growing_file,
    object_growth,
    read_all,
    read_answer,
    read_exactly,
    serving,
)

BIG = 8 << 20
SMALL_BUFFER = 64 * 1024
"""A client with such a receive buffer makes the server wait, however large the kernel lets its own buffer grow."""


@pytest.fixture
def handler() -> Scripted:
    handler = Scripted()
    handler.give("/hello", Inline(b"hello"))
    return handler


@pytest.fixture
def big(handler: Scripted, tmp_path: Path) -> bytes:
    """The content of `/big`, a complete file."""
    data = os.urandom(BIG)
    growth = object_growth(tmp_path / "big", data)
    handler.give("/big", FileBody(growth, 0, BIG))
    return data


def test_a_slow_reader_gets_the_whole_file_and_holds_nobody_up(handler: Scripted, big: bytes) -> None:
    with serving(handler) as server, server.connect(receive_buffer=SMALL_BUFFER) as slow:
        slow.sendall(get("/big", "/hello"))
        assert handler.asked.get(timeout=PATIENCE_S) == "/big"
        assert eventually(lambda: "writing" in server.call(lambda: repr(server.server.connections)))
        assert handler.receipts.empty()  # it waits for this reader
        assert server.ask(get("/hello")) == answer(200, "OK", b"hello")
        assert handler.receipt() == ("/hello", 5, True)
        expected = answer(200, "OK", big)
        received = bytearray()
        while len(received) < len(expected):
            received += read_exactly(slow, min(4096, len(expected) - len(received)))
        assert received == expected
        assert read_answer(slow) == (200, b"hello")
        assert [handler.receipt(), handler.receipt()] == [("/big", BIG, True), ("/hello", 5, True)]


def test_many_gathered_answers_reach_a_slow_reader_complete(handler: Scripted) -> None:
    bodies = [os.urandom(30_000 + number) for number in range(300)]
    for number, body in enumerate(bodies):
        handler.give(f"/{number}", Inline(body))
    with serving(handler) as server, server.connect(receive_buffer=SMALL_BUFFER) as client:
        client.sendall(get(*(f"/{number}" for number in range(300))))
        assert [read_answer(client)[1] for _ in bodies] == bodies
        assert [handler.receipt() for _ in bodies] == [(f"/{n}", len(body), True) for n, body in enumerate(bodies)]


def test_a_turn_ends_a_fast_reader_does_not_starve_the_others(handler: Scripted, big: bytes) -> None:
    with serving(handler, Limits(turn=4096)) as server, server.connect() as first, server.connect() as second:
        for client in (first, second):
            client.sendall(get("/big"))
        assert read_exactly(second, 100_000) == answer(200, "OK", big)[:100_000]
        assert read_answer(first)[1] == big


def _reset_on_close(client: socket.socket) -> None:
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@pytest.mark.parametrize("resets", [False, True], ids=["closes", "resets"])
def test_a_client_that_leaves_in_the_middle_is_told_as_incomplete(handler: Scripted, big: bytes, resets: bool) -> None:
    with serving(handler) as server:
        with server.connect(receive_buffer=SMALL_BUFFER) as client:
            client.sendall(get("/big", "/hello"))
            read_exactly(client, 100_000)
            if resets:
                _reset_on_close(client)
        receipts = {handler.receipt(), handler.receipt()}
        assert ("/hello", 0, False) in receipts
        (_, sent, complete) = next(receipt for receipt in receipts if receipt[0] == "/big")
        assert 99_000 < sent < BIG
        assert not complete
        assert eventually(lambda: not server.call(lambda: server.server.connections))


def test_a_client_that_leaves_cancels_the_answers_that_it_waits_for(handler: Scripted) -> None:
    with serving(handler) as server:
        future = server.future()
        handler.script["/never"] = lambda _: future
        with server.connect() as client:
            client.sendall(get("/hello", "/never"))
            assert read_answer(client) == (200, b"hello")
            _reset_on_close(client)
        assert eventually(future.cancelled)


@contextlib.contextmanager
def _feeding(pieces: list[bytes], write: Callable[[bytes], None]) -> Iterator[None]:
    """A thread that publishes the pieces, as a download does."""

    def feed() -> None:
        for piece in pieces:
            write(piece)

    thread = threading.Thread(target=feed)
    thread.start()
    try:
        yield
    finally:
        thread.join()


def test_readers_follow_a_file_that_a_thread_lets_grow(handler: Scripted, tmp_path: Path) -> None:
    pieces = [os.urandom(100_000) for _ in range(40)]
    data = b"".join(pieces)
    growth, write = growing_file(tmp_path / "file", len(data))
    handler.give("/all", FileBody(growth, 0, len(data)))
    handler.give("/tail", FileBody(growth, 3_500_000, len(data)))
    with serving(handler) as server, contextlib.ExitStack() as stack:
        clients = [stack.enter_context(server.connect()) for _ in range(6)]
        clients[0].sendall(get("/all", "/tail"))
        clients[1].sendall(get("/tail", "/all"))
        read_exactly(clients[0], 20)  # the head does not wait for the body
        with _feeding(pieces, write):
            for client in clients[2:]:
                client.sendall(get("/all", "/tail"))
        growth.complete(Digest.of(data), len(data))
        whole, tail = answer(200, "OK", data), answer(200, "OK", data[3_500_000:])
        assert read_exactly(clients[0], len(whole + tail) - 20) == (whole + tail)[20:]
        assert read_exactly(clients[1], len(whole + tail)) == tail + whole
        assert all(read_exactly(client, len(whole + tail)) == whole + tail for client in clients[2:])
        assert all(handler.receipt()[2] for _ in range(12))
        assert "0 readers" in repr(growth)


@pytest.mark.parametrize("pieces", [0, 3])
def test_a_growth_that_fails_ends_in_a_reset_and_never_in_a_clean_end(
    handler: Scripted, tmp_path: Path, pieces: int
) -> None:
    growth, write = growing_file(tmp_path / "file", 1_000_000)
    handler.give("/file", FileBody(growth, 0, 1_000_000))
    with serving(handler) as server, server.connect() as client:
        client.sendall(get("/file", "/hello"))
        head = answer(200, "OK", b"x" * 1_000_000)[:40]
        assert read_exactly(client, len(head)) == head
        for _ in range(pieces):
            write(b"x" * 100_000)
            read_exactly(client, 90_000)
        growth.fail(UpstreamError("the mirror closed the connection"))
        with pytest.raises(ConnectionResetError):
            read_all(client)
        assert handler.receipt() == ("/file", pieces * 100_000, False)
        assert handler.receipt() == ("/hello", 0, False)
        assert "0 readers" in repr(growth)


def test_a_growth_that_had_failed_before_it_was_sent_is_cut_behind_the_answers_before_it(
    handler: Scripted, tmp_path: Path
) -> None:
    growth, _ = growing_file(tmp_path / "file", 100)
    growth.fail(UpstreamError("no mirror has it"))
    handler.give("/file", FileBody(growth, 0, 100))
    with serving(handler) as server, server.connect() as client:
        client.sendall(get("/hello", "/file"))
        with pytest.raises(ConnectionResetError):
            read_all(client)
        assert {handler.receipt(), handler.receipt()} == {("/hello", 5, True), ("/file", 0, False)}


@pytest.mark.parametrize("size", [20_000, 2_000_000])
def test_a_file_that_is_shorter_than_said_is_cut(handler: Scripted, tmp_path: Path, size: int) -> None:
    growth = object_growth(tmp_path / "file", b"x" * size)
    os.truncate(tmp_path / "file", size // 2)
    handler.give("/file", FileBody(growth, 0, size))
    with serving(handler) as server, server.connect() as client:
        client.sendall(get("/file"))
        with pytest.raises(ConnectionResetError):
            read_all(client)
        assert handler.receipt() == ("/file", size // 2, False)


def test_an_empty_file_needs_no_descriptor(handler: Scripted) -> None:
    growth = Growth(0)
    handler.give("/empty", FileBody(growth, 0, 0))
    with serving(handler) as server:
        assert server.ask(get("/empty")) == answer(200, "OK", b"")


def test_a_pipe_is_read_no_faster_than_its_client_reads(handler: Scripted) -> None:
    data = os.urandom(BIG)
    read_end, write_end = os.pipe()
    handler.give("/pipe", PipeBody(read_end), size=BIG)
    written: list[int] = []

    def write(piece: bytes) -> None:
        while piece:
            count = os.write(write_end, piece)
            written.append(count)
            piece = piece[count:]

    with serving(handler) as server, server.connect(receive_buffer=SMALL_BUFFER) as client:
        client.sendall(get("/pipe", "/hello"))
        with _feeding([data[at : at + 16384] for at in range(0, BIG, 16384)], write):
            assert eventually(lambda: "writing" in server.call(lambda: repr(server.server.connections)))
            assert sum(written) < BIG  # the kernel's buffers hold less
            assert read_exactly(client, len(answer(200, "OK", data))) == answer(200, "OK", data)
        os.close(write_end)
        assert read_answer(client) == (200, b"hello")
        assert handler.receipt() == ("/pipe", BIG, True)
    os.close(read_end)


@pytest.mark.parametrize("well", [True, False])
def test_the_writer_of_a_pipe_says_whether_its_end_is_clean(handler: Scripted, well: bool) -> None:
    read_end, write_end = os.pipe()
    reply = handler.reply("/pipe", PipeBody(read_end, lambda: well), size=5, close=True)
    reply.head = b""  # the head comes through the pipe
    handler.script["/pipe"] = lambda _: reply
    with serving(handler) as server, server.connect() as client:
        client.sendall(get("/pipe"))
        os.write(write_end, b"HTTP/1.1 200 OK\r\n\r\nto the end")
        assert read_exactly(client, 29) == b"HTTP/1.1 200 OK\r\n\r\nto the end"
        os.close(write_end)
        with contextlib.nullcontext() if well else pytest.raises(ConnectionResetError):
            assert read_all(client) == b""
        assert handler.receipt() == ("/pipe", 29, well)
    os.close(read_end)
