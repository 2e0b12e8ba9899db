# SPDX-License-Identifier: MIT
"""TLS behind CONNECT: the same connection over the other stream, byte by byte where it can go wrong."""

import os
import socket
import ssl
import struct
from pathlib import Path

import pytest

from aptfreeze.freeze.digest import Digest
from aptfreeze.serve.limits import Limits
from aptfreeze.serve.reply import FileBody, Inline
from aptfreeze.trust.authority import Authority
from support.serving import (
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
from support.tls import CONNECT, ESTABLISHED, EarlyClient, Intercepting, client_context, tls_client

BIG = 8 << 20
RECORD = 16 * 1024
SMALL_BUFFER = 64 * 1024


@pytest.fixture
def handler() -> Intercepting:
    handler = Intercepting()
    handler.inside.give("/hello", Inline(b"hello"))
    return handler


def test_pipelined_requests_are_answered_in_order(handler: Intercepting) -> None:
    with serving(handler) as server, tls_client(server) as client:
        assert client.version() == "TLSv1.3"
        client.sendall(get("/hello", "/absent", "/hello"))
        assert [read_answer(client) for _ in range(3)] == [(200, b"hello"), (404, b"/absent"), (200, b"hello")]
        client.sendall(get("/hello"))
        assert read_answer(client) == (200, b"hello")


def test_a_client_hello_in_the_packet_of_the_connect_reaches_tls(handler: Intercepting) -> None:
    with serving(handler) as server, server.connect() as plain:
        client = EarlyClient(plain)
        plain.sendall(CONNECT + client.hello())
        assert read_exactly(plain, len(ESTABLISHED)) == ESTABLISHED
        client.shake_hands()
        client.ask(get("/hello"))
        expected = answer(200, "OK", b"hello")
        assert client.read_exactly(len(expected)) == expected


@pytest.mark.parametrize("size", [1, 7, len(CONNECT) - 1])
def test_also_when_the_connect_comes_in_pieces(handler: Intercepting, size: int) -> None:
    with serving(handler) as server, server.connect() as plain:
        client = EarlyClient(plain)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        plain.sendall(CONNECT[:size])
        assert eventually(lambda: server.call(lambda: bool(server.server.connections)))
        plain.sendall(CONNECT[size:] + client.hello())
        assert read_exactly(plain, len(ESTABLISHED)) == ESTABLISHED
        client.shake_hands()
        client.ask(get("/hello"))
        assert client.read_exactly(8) == b"HTTP/1.1"


@pytest.mark.parametrize("pieces", [1, 2])
def test_a_later_connect_leads_to_tls_too_also_with_a_client_hello_behind_it(
    handler: Intercepting, pieces: int
) -> None:
    handler.give("/plain", Inline(b"plain"))
    with serving(handler) as server, server.connect() as plain:
        client = EarlyClient(plain)
        before, after = get("/plain", "/plain"), CONNECT + client.hello()
        if pieces == 1:
            plain.sendall(before + after)
        else:
            plain.sendall(before)
        assert [read_answer(plain) for _ in range(2)] == [(200, b"plain")] * 2
        if pieces == 2:
            plain.sendall(after)
        assert read_exactly(plain, len(ESTABLISHED)) == ESTABLISHED
        client.shake_hands()
        client.ask(get("/hello"))
        expected = answer(200, "OK", b"hello")
        assert client.read_exactly(len(expected)) == expected


def test_the_connect_says_the_host_whatever_the_client_hello_says(handler: Intercepting) -> None:
    context = client_context()
    context.check_hostname = False
    with serving(handler) as server, server.connect() as plain:
        plain.sendall(CONNECT)
        assert read_exactly(plain, len(ESTABLISHED)) == ESTABLISHED
        with context.wrap_socket(plain, server_hostname="other.example.org") as client:
            assert (client.getpeercert() or {})["subjectAltName"] == (("DNS", "mirror.example.org"),)


def test_a_handshake_that_never_ends_is_reset_after_its_time(handler: Intercepting) -> None:
    with serving(handler, Limits(head_s=0.2)) as server, server.connect() as plain:
        plain.sendall(CONNECT + EarlyClient(plain).hello()[:20])
        assert read_exactly(plain, len(ESTABLISHED)) == ESTABLISHED
        with pytest.raises(ConnectionResetError):
            plain.recv(1)
        assert eventually(lambda: not server.call(lambda: server.server.connections))
    assert handler.failures == ["it did not end within 0.2 s"]


@pytest.mark.parametrize("nonsense", [b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\xff\xff" + bytes(99), b"\0" * 99])
def test_what_is_no_tls_is_reset_and_told(handler: Intercepting, nonsense: bytes) -> None:
    with serving(handler) as server, server.connect() as plain:
        plain.sendall(CONNECT + nonsense)
        assert read_exactly(plain, len(ESTABLISHED)) == ESTABLISHED
        with pytest.raises(ConnectionResetError):
            read_all(plain)  # behind the alert that says why
        assert eventually(lambda: len(handler.failures) == 1)


def test_a_client_that_does_not_trust_the_authority_is_told_of(handler: Intercepting) -> None:
    with serving(handler) as server:
        with pytest.raises(ssl.SSLCertVerificationError), tls_client(server, client_context(Authority.generate("x"))):
            pass
        assert eventually(lambda: handler.failures == ["tlsv1 alert unknown ca"])
        assert eventually(lambda: not server.call(lambda: server.server.connections))


def test_tls_before_1_2_is_refused(handler: Intercepting) -> None:
    context = client_context()
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    with pytest.warns(DeprecationWarning, match="TLSVersion.TLSv1_1"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    with serving(handler) as server, pytest.raises(OSError), tls_client(server, context):  # noqa: PT011 (an alert, or a reset)
        pass


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("size", [RECORD - 1, RECORD, RECORD + 1, 2 * RECORD, 32 * 1024, 32 * 1024 + 1, 256 * 1024 + 1])
def test_bodies_around_the_size_of_a_record(
    handler: Intercepting, tmp_path: Path, size: int, version: ssl.TLSVersion
) -> None:
    data = os.urandom(size)
    handler.inside.give("/inline", Inline(data))
    handler.inside.give("/file", FileBody(object_growth(tmp_path / "file", data), 0, size))
    context = client_context()
    context.maximum_version = version
    with serving(handler) as server, tls_client(server, context) as client:
        client.sendall(get("/file", "/inline", "/hello", "/file"))
        found = [read_answer(client)[1] for _ in range(4)]
    assert found == [data, data, b"hello", data]


def test_a_request_as_large_as_several_records_is_read_whole(handler: Intercepting) -> None:
    more = "".join(f"X-{number}: {'x' * 1000}\r\n" for number in range(50))
    with serving(handler) as server, tls_client(server) as client:
        client.sendall(get("/hello", more=more) + get("/hello"))
        assert [read_answer(client) for _ in range(2)] == [(200, b"hello")] * 2


def test_a_slow_reader_gets_the_whole_file_and_holds_nobody_up(handler: Intercepting, tmp_path: Path) -> None:
    data = os.urandom(BIG)
    handler.inside.give("/big", FileBody(object_growth(tmp_path / "big", data), 0, BIG))
    with serving(handler) as server, tls_client(server, receive_buffer=SMALL_BUFFER) as slow:
        slow.sendall(get("/big", "/hello"))
        assert eventually(lambda: "writing" in server.call(lambda: repr(server.server.connections)))
        with tls_client(server) as quick:
            quick.sendall(get("/hello"))
            assert read_answer(quick) == (200, b"hello")
        assert read_answer(slow) == (200, data)
        assert read_answer(slow) == (200, b"hello")
        assert handler.inside.receipt() == ("/hello", 5, True)
        assert handler.inside.receipt() == ("/big", BIG, True)


def test_a_file_that_grows_is_followed(handler: Intercepting, tmp_path: Path) -> None:
    data = os.urandom(1 << 20)
    growth, write = growing_file(tmp_path / "part", len(data))
    handler.inside.give("/part", FileBody(growth, 0, len(data)))
    with serving(handler) as server, tls_client(server) as client:
        client.sendall(get("/part"))
        head = answer(200, "OK", b"")[:15]
        assert read_exactly(client, len(head)) == head
        for start in range(0, len(data), 100_000):
            write(data[start : start + 100_000])
        growth.complete(Digest.of(data), len(data))
        rest = answer(200, "OK", data)[len(head) :]
        assert read_exactly(client, len(rest)) == rest


def test_a_client_that_ends_its_side_gets_what_it_asked_and_a_clean_end(handler: Intercepting) -> None:
    with serving(handler) as server, server.connect() as plain:
        plain.sendall(CONNECT)
        read_exactly(plain, len(ESTABLISHED))
        client = client_context().wrap_socket(plain, server_hostname="mirror.example.org", suppress_ragged_eofs=False)
        with client:
            client.sendall(get("/hello", "/hello"))
            socket.socket.shutdown(client, socket.SHUT_WR)  # TCP's end alone
            assert read_all(client) == 2 * answer(200, "OK", b"hello")


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_client_that_says_goodbye_and_reads_on_gets_what_it_asked(
    handler: Intercepting, version: ssl.TLSVersion
) -> None:
    context = client_context()
    context.minimum_version = context.maximum_version = version
    with serving(handler) as server, server.connect() as plain:
        plain.sendall(CONNECT)
        assert read_exactly(plain, len(ESTABLISHED)) == ESTABLISHED
        client = EarlyClient(plain, context)
        plain.sendall(client.hello())
        client.shake_hands()
        client.ask(get("/hello"), is_last=True)
        expected = answer(200, "OK", b"hello")
        assert client.read_exactly(len(expected)) == expected


def test_the_end_that_a_client_asks_for_is_a_clean_one(handler: Intercepting) -> None:
    with serving(handler) as server, tls_client(server) as client:
        client.sendall(get("/hello", more="Connection: close\r\n"))
        assert read_all(client) == answer(200, "OK", b"hello", "Connection: close\r\n")
        assert eventually(lambda: "lingering" in server.call(lambda: repr(server.server.connections)))
        client.unwrap().close()
        assert eventually(lambda: not server.call(lambda: server.server.connections))


def test_a_client_that_aborts_in_a_body_hurts_nobody(handler: Intercepting, tmp_path: Path) -> None:
    data = os.urandom(BIG)
    handler.inside.give("/big", FileBody(object_growth(tmp_path / "big", data), 0, BIG))
    with serving(handler) as server:
        with tls_client(server, receive_buffer=SMALL_BUFFER) as client:
            client.sendall(get("/big"))
            read_exactly(client, 100_000)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        target, sent, complete = handler.inside.receipt()
        assert (target, complete) == ("/big", False)
        assert sent < BIG
        with tls_client(server) as other:
            other.sendall(get("/hello"))
            assert read_answer(other) == (200, b"hello")


def test_a_connection_without_requests_is_closed_in_time_and_all_are_when_the_server_stops(
    handler: Intercepting,
) -> None:
    with serving(handler, Limits(idle_s=0.2)) as server, tls_client(server) as client:
        assert client.recv(1) == b""
    with serving(handler) as server, tls_client(server) as client:
        client.sendall(get("/hello"))
        assert read_answer(client) == (200, b"hello")
        server.stop(5.0)
        assert client.recv(1) == b""
