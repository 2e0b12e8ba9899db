# SPDX-License-Identifier: MIT
"""`PlainStream` over a real TCP connection."""

import os
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from aptfreeze.serve.stream import PlainStream
from support.serving import PATIENCE_S


@pytest.fixture
def pair() -> Iterator[tuple[PlainStream, socket.socket]]:
    """Our side, and the client's socket."""
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket() as client:
        client.settimeout(PATIENCE_S)
        client.connect(listener.getsockname())
        stream = PlainStream(listener.accept()[0])
        yield stream, client
        stream.close()


def test_nothing_to_read_or_no_room_to_write_does_not_wait(pair: tuple[PlainStream, socket.socket]) -> None:
    stream, _ = pair
    with pytest.raises(BlockingIOError):
        stream.recv(10)
    sent, more_than_buffers_take = 0, 1 << 30
    with suppress(BlockingIOError):
        while sent < more_than_buffers_take:  # the kernel may make room between two calls
            sent += stream.sendmsg([b"x" * (16 << 20), memoryview(b"y" * (16 << 20))], False)
    assert 0 < sent < more_than_buffers_take


def test_head_and_file_come_in_one_piece(pair: tuple[PlainStream, socket.socket], tmp_path: Path) -> None:
    stream, client = pair
    (tmp_path / "file").write_bytes(b"0123456789")
    fd = os.open(tmp_path / "file", os.O_RDONLY)
    assert stream.sendmsg([b"head "], True) == 5
    client.setblocking(False)
    with pytest.raises(BlockingIOError):  # the kernel waits for more, 200 ms at most
        client.recv(100)
    client.settimeout(PATIENCE_S)
    assert stream.sendfile(fd, 3, 4) == 4
    assert stream.sendfile(fd, 10, 4) == 0
    os.close(fd)
    assert client.recv(100) == b"head 3456"


def test_after_finish_the_peer_reads_a_clean_end_and_may_still_send(pair: tuple[PlainStream, socket.socket]) -> None:
    stream, client = pair
    stream.finish()
    assert client.recv(1) == b""
    client.sendall(b"more")
    client.shutdown(socket.SHUT_WR)
    received = b""
    while not received:
        try:
            received = stream.recv(10)
        except BlockingIOError:
            continue
    assert received == b"more"


def test_abort_is_no_clean_end(pair: tuple[PlainStream, socket.socket]) -> None:
    stream, client = pair
    stream.abort()
    stream.abort()  # also of what is closed already
    with pytest.raises(ConnectionResetError):
        client.recv(1)
