# SPDX-License-Identifier: MIT
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from aptfreeze.fetch.securewire import SecureWire
from support.certificates import Authority, server_context

TIMEOUT_S = 5.0


def refused(error: ssl.SSLError) -> Exception:
    return RuntimeError(error.reason)


@pytest.fixture(scope="module")
def contexts(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Of a client and a server."""
    ca = Authority(tmp_path_factory.mktemp("ca"))
    client = ssl.create_default_context(cafile=str(ca.file))
    return client, server_context(ca.issue("localhost"))


@pytest.fixture
def pair(contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> Iterator[tuple[SecureWire, ssl.SSLSocket]]:
    """The wire and the server's end, past the handshake."""
    ours, theirs = socket.socketpair()
    server = contexts[1].wrap_socket(theirs, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.do_handshake)
    thread.start()
    client = contexts[0].wrap_socket(ours, server_hostname="localhost", suppress_ragged_eofs=False)
    wire = SecureWire(client, TIMEOUT_S, refused)
    thread.join()
    yield wire, server
    wire.close()
    server.close()


def received(wire: SecureWire, size: int) -> bytes:
    got = bytearray()
    buffer = bytearray(256 << 10)
    while len(got) < size:
        count = wire.recv_into(buffer)
        assert count, "the end"
        got += buffer[:count]
    return bytes(got)


def say_goodbye(server: ssl.SSLSocket) -> None:
    with suppress(OSError):  # the other end does not answer it
        server.unwrap()


def test_bytes_come_through_in_both_directions_at_once(pair: tuple[SecureWire, ssl.SSLSocket]) -> None:
    wire, server = pair
    data = bytes(range(256)) * 8192

    def send() -> None:
        for _ in range(2):
            wire.sendall(data)

    def echo() -> None:
        for _ in range(2):
            left = len(data)
            while left:
                piece = server.recv(min(left, 65536))
                left -= len(piece)
                server.sendall(piece)

    threads = [threading.Thread(target=echo), threading.Thread(target=send)]
    for thread in threads:
        thread.start()
    assert received(wire, 2 * len(data)) == data * 2
    for thread in threads:
        thread.join()


def test_records_that_have_come_are_read_at_once(pair: tuple[SecureWire, ssl.SSLSocket]) -> None:
    wire, server = pair
    server.sendall(b"x" * 40_000)  # three records
    buffer = bytearray(256 << 10)
    assert wire.recv_into(buffer) == 40_000


def test_a_proper_end_is_an_end(pair: tuple[SecureWire, ssl.SSLSocket]) -> None:
    wire, server = pair
    server.sendall(b"all")
    thread = threading.Thread(target=say_goodbye, args=(server,))
    thread.start()
    assert received(wire, 3) == b"all"
    assert wire.recv_into(bytearray(10)) == 0
    wire.close()
    thread.join()


def test_an_end_without_goodbye_is_a_failure_after_what_came(pair: tuple[SecureWire, ssl.SSLSocket]) -> None:
    wire, server = pair
    server.sendall(b"some")
    socket.socket.shutdown(server, socket.SHUT_RDWR)
    assert received(wire, 4) == b"some"
    with pytest.raises(ssl.SSLEOFError):
        wire.recv_into(bytearray(10))


def test_silence_ends_after_the_timeout(pair: tuple[SecureWire, ssl.SSLSocket]) -> None:
    wire, _ = pair
    impatient = SecureWire(wire._wire, 0.05, refused)
    with pytest.raises(TimeoutError):
        impatient.recv_into(bytearray(10))
    with pytest.raises(TimeoutError):
        impatient.sendall(b"x" * (8 << 20))


def test_a_record_that_only_drips_is_as_good_as_silence(
    contexts: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    """Each byte comes in time; somebody on the way can do that, too, who knows no key."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = contexts[1].wrap_bio(incoming, outgoing, server_side=True)
    ours, theirs = socket.socketpair()
    ended = threading.Event()

    def serve() -> None:
        while True:
            try:
                server.do_handshake()
                break
            except ssl.SSLWantReadError:
                theirs.sendall(outgoing.read())
                incoming.write(theirs.recv(65536))
        server.write(b"x" * 20)
        data = outgoing.read()
        with suppress(OSError):
            for place in range(len(data)):
                theirs.sendall(data[place : place + 1])
                ended.wait(0.02)

    thread = threading.Thread(target=serve)
    thread.start()
    client = contexts[0].wrap_socket(ours, server_hostname="localhost", suppress_ragged_eofs=False)
    with closing(SecureWire(client, 0.3, refused)) as wire, pytest.raises(TimeoutError):
        wire.recv_into(bytearray(10))
    ended.set()
    thread.join()
    theirs.close()


def test_a_shutdown_from_another_thread_ends_a_reader(pair: tuple[SecureWire, ssl.SSLSocket]) -> None:
    wire, _ = pair
    ended: list[Exception] = []

    def read() -> None:
        try:
            wire.recv_into(bytearray(10))
        except OSError as error:
            ended.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    wire.shutdown(socket.SHUT_RDWR)
    reader.join(TIMEOUT_S / 2)
    assert isinstance(ended[0], ssl.SSLEOFError)


def test_a_refusal_after_the_handshake_is_no_lost_connection(tmp_path: Path) -> None:
    ca = Authority(tmp_path)
    demanding = server_context(ca.issue("localhost"), clients=ca.file)
    ours, theirs = socket.socketpair()

    def serve() -> None:
        with theirs, suppress(OSError), demanding.wrap_socket(theirs, server_side=True):
            pass

    thread = threading.Thread(target=serve)
    thread.start()
    client = ssl.create_default_context(cafile=str(ca.file)).wrap_socket(ours, server_hostname="localhost")
    with closing(SecureWire(client, TIMEOUT_S, refused)) as wire, pytest.raises(RuntimeError, match="REQUIRED"):
        wire.recv_into(bytearray(10))
    thread.join()
