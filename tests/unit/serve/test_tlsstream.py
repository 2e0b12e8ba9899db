# SPDX-License-Identifier: MIT
"""`TlsStream` over a real TCP connection; whole conversations are in tests/wire/test_serve_tls.py."""

import os
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from aptfreeze.serve.tlsstream import TlsStream
from support.serving import PATIENCE_S, read_exactly
from support.tls import HOST, certificates, client_context


@pytest.fixture
def pair() -> Iterator[tuple[TlsStream, ssl.SSLSocket]]:
    """Our side, and the client's."""
    ours: list[ssl.SSLSocket] = []
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket() as plain:
        plain.settimeout(PATIENCE_S)
        plain.connect(listener.getsockname())
        accepted = listener.accept()[0]
        accepted.settimeout(PATIENCE_S)
        context = certificates().context(HOST)
        thread = threading.Thread(target=lambda: ours.append(context.wrap_socket(accepted, server_side=True)))
        thread.start()
        with client_context().wrap_socket(plain, server_hostname=HOST, suppress_ragged_eofs=False) as client:
            thread.join()
            ours[0].setblocking(False)
            stream = TlsStream(ours[0])
            yield stream, client
            stream.close()


def received(stream: TlsStream) -> bytes:
    while True:
        try:
            return stream.recv(1 << 16)
        except BlockingIOError:
            continue


def test_nothing_to_read_or_no_room_to_write_does_not_wait(pair: tuple[TlsStream, ssl.SSLSocket]) -> None:
    stream, client = pair
    with pytest.raises(BlockingIOError):
        stream.recv(1 << 16)
    data = os.urandom(16 << 20)
    sent = 0
    with suppress(BlockingIOError):
        while sent < len(data):  # the kernel may make room between two calls
            sent += stream.sendmsg([data[sent:]], False)
    assert 0 < sent < len(data)
    got = read_exactly(client, sent)
    while sent < len(data):  # from the very byte on, in other buffers
        try:
            more = stream.sendmsg([data[sent : sent + 7], memoryview(data)[sent + 7 :]], False)
        except BlockingIOError:
            got += client.recv(1 << 20)
            continue
        sent += more
    assert got + read_exactly(client, len(data) - len(got)) == data


def test_a_file_is_sent_from_where_it_stopped_whatever_the_limit(
    pair: tuple[TlsStream, ssl.SSLSocket], tmp_path: Path
) -> None:
    stream, client = pair
    data = os.urandom(8 << 20)
    (tmp_path / "file").write_bytes(data)
    fd = os.open(tmp_path / "file", os.O_RDONLY)
    got, sent, limit = bytearray(), 0, 512 * 1024
    while sent < len(data):
        try:
            sent += stream.sendfile(fd, sent, min(limit, len(data) - sent))
        except BlockingIOError:
            limit = 1000 if limit > 1000 else 512 * 1024
            got += client.recv(1 << 20)
    assert stream.sendfile(fd, len(data), 10) == 0
    os.close(fd)
    assert bytes(got) + read_exactly(client, len(data) - len(got)) == data


def test_a_record_is_read_as_a_whole(pair: tuple[TlsStream, ssl.SSLSocket]) -> None:
    stream, client = pair
    client.sendall(b"x" * (16 << 10))
    assert received(stream) == b"x" * (16 << 10)
    with pytest.raises(BlockingIOError):
        stream.recv(1 << 16)


def test_after_finish_the_peer_reads_a_clean_end_and_what_it_sends_is_still_read(
    pair: tuple[TlsStream, ssl.SSLSocket],
) -> None:
    stream, client = pair
    stream.finish()
    assert client.recv(1) == b""
    client.sendall(b"more")
    assert received(stream)  # not deciphered: it is only to be dropped
    client.shutdown(socket.SHUT_RDWR)
    while received(stream):
        continue


def test_close_is_a_clean_end(pair: tuple[TlsStream, ssl.SSLSocket]) -> None:
    stream, client = pair
    stream.close()
    assert client.recv(1) == b""


def test_abort_is_no_clean_end(pair: tuple[TlsStream, ssl.SSLSocket]) -> None:
    stream, client = pair
    stream.abort()
    stream.abort()  # also of what is closed already
    with pytest.raises((ConnectionResetError, ssl.SSLEOFError)):  # Python does not tell them apart
        client.recv(1)
