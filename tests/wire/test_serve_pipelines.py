# SPDX-License-Identifier: MIT
"""Transcripts: what clients send, and every byte that they read."""

import os
import socket
from functools import partial
from pathlib import Path

import pytest

from aptfreeze.freeze.digest import Digest
from aptfreeze.serve.limits import Limits
from aptfreeze.serve.reply import FileBody, Inline, PipeBody, Reply
from support.serving import Scripted, answer, get, growing_file, object_growth, read_all, read_answer, serving


@pytest.fixture
def handler() -> Scripted:
    handler = Scripted()
    handler.give("/hello", Inline(b"hello"))
    return handler


def test_a_request_that_comes_byte_by_byte_gets_the_same_answer(handler: Scripted) -> None:
    with serving(handler) as server, server.connect() as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in get("/hello", "/other"):
            client.sendall(bytes([byte]))
        client.shutdown(socket.SHUT_WR)
        received = b"".join(iter(lambda: client.recv(1), b""))
    assert received == answer(200, "OK", b"hello") + answer(404, "Not Found", b"/other")


def test_twenty_pipelined_answers_of_every_kind_come_in_the_order_of_the_requests(
    handler: Scripted, tmp_path: Path
) -> None:
    small = object_growth(tmp_path / "small", os.urandom(10_000))
    large = object_growth(tmp_path / "large", os.urandom(3_000_000))
    contents = {"small": (tmp_path / "small").read_bytes(), "large": (tmp_path / "large").read_bytes()}
    with serving(handler) as server:
        futures = {name: server.future() for name in ("/first", "/second")}
        read_end, write_end = os.pipe()
        handler.give("/small", FileBody(small, 0, 10_000))
        handler.give("/part", FileBody(small, 7, 17))
        handler.give("/large", FileBody(large, 0, 3_000_000))
        handler.give("/pipe", PipeBody(read_end), size=6)
        handler.script |= dict.fromkeys(futures, lambda request: futures[request.target.decode()])
        body = {
            "/hello": b"hello", "/small": contents["small"], "/part": contents["small"][7:17],
            "/large": contents["large"], "/pipe": b"a pipe", "/first": b"first", "/second": b"second",
        }  # fmt: skip
        asked = ["/hello", "/first", "/small", "/part", "/large", "/hello", "/pipe", "/second", "/large", "/small"]
        asked += ["/hello", "/none", "/part", "/large", "/hello", "/small", "/small", "/large", "/part", "/hello"]
        with server.connect() as client:
            client.sendall(get(*asked))
            client.shutdown(socket.SHUT_WR)
            assert [handler.asked.get(timeout=10) for _ in asked] == asked  # all at once, before any slow answer
            for name in ("/second", "/first"):
                server.call(partial(futures[name].set_result, handler.reply(name, Inline(body[name]))))
            os.write(write_end, body["/pipe"])
            os.close(write_end)
            received = read_all(client)
    os.close(read_end)
    assert received == b"".join(
        answer(404, "Not Found", b"/none") if name == "/none" else answer(200, "OK", body[name]) for name in asked
    )
    assert [handler.receipt() for _ in asked] == [(name, len(body.get(name, name)), True) for name in asked]


def test_the_handler_gets_no_more_requests_than_the_queue_holds(handler: Scripted) -> None:
    with serving(handler, Limits(queue=4)) as server:
        first = server.future()
        handler.script["/slow"] = lambda _: first
        names = ["/slow", *(f"/{number}" for number in range(9))]
        with server.connect() as client:
            client.sendall(get(*names))
            assert [handler.asked.get(timeout=10) for _ in range(4)] == names[:4]
            server.call(lambda: None)  # whatever the loop had to do for this client is done
            assert handler.asked.empty()
            assert "10 waiting; paused" in server.call(lambda: repr(server.server.connections))
            server.call(lambda: first.set_result(handler.reply("/slow", Inline(b"at last"))))
            assert [read_answer(client)[1] for _ in names] == [b"at last", *(name.encode() for name in names[1:])]


def test_a_client_that_ends_its_sending_still_reads_every_answer(handler: Scripted) -> None:
    with serving(handler) as server, server.connect() as client:
        late = server.future()
        handler.script["/late"] = lambda _: late
        client.sendall(get("/late", "/hello"))
        client.shutdown(socket.SHUT_WR)
        assert handler.asked.get(timeout=10) == "/late"
        server.call(lambda: late.set_result(handler.reply("/late", Inline(b"late"))))
        assert read_all(client) == answer(200, "OK", b"late") + answer(200, "OK", b"hello")


def test_half_a_request_at_the_end_is_no_request(handler: Scripted) -> None:
    with serving(handler) as server:
        assert server.ask(get("/hello") + b"GET /hel") == answer(200, "OK", b"hello")


def test_http_1_0_ends_after_one_answer_unless_it_asks_to_stay(handler: Scripted) -> None:
    with serving(handler) as server:
        with server.connect() as client:
            client.sendall(get("/hello", "/hello", version="1.0"))
            assert read_all(client) == answer(200, "OK", b"hello", "Connection: close\r\n")
        with server.connect() as client:
            client.sendall(
                get("/hello", more="Connection: keep-alive\r\n", version="1.0") + get("/hello", version="1.0")
            )
            stays = answer(200, "OK", b"hello", "Connection: keep-alive\r\n")
            assert read_all(client) == stays + answer(200, "OK", b"hello", "Connection: close\r\n")


def test_connection_close_is_obeyed_and_what_follows_is_dropped(handler: Scripted) -> None:
    with serving(handler) as server, server.connect() as client:
        client.sendall(get("/hello") + get("/hello", more="Connection: close\r\n") + get("/never"))
        ends = answer(200, "OK", b"hello", "Connection: close\r\n")
        assert read_all(client) == answer(200, "OK", b"hello") + ends
        assert [handler.asked.get(timeout=10) for _ in range(2)] == ["/hello", "/hello"]
        assert handler.asked.empty()


def test_a_reply_that_closes_drops_the_requests_behind_it_but_tells_their_end(handler: Scripted) -> None:
    handler.give("/last", Inline(b"bye"), close=True)
    with serving(handler) as server, server.connect() as client:
        client.sendall(get("/last", "/hello"))
        assert read_all(client) == answer(200, "OK", b"bye", "Connection: close\r\n")
        assert {handler.receipt(), handler.receipt()} == {("/last", 3, True), ("/hello", 0, False)}


def test_no_error_status_ends_the_connection(handler: Scripted) -> None:
    statuses = [400, 403, 404, 416, 500, 501, 502, 503]
    for status in statuses:
        handler.give(f"/{status}", Inline(b"no"), status)
    with serving(handler) as server, server.connect() as client:
        client.sendall(get(*(f"/{status}" for status in statuses), "/hello"))
        assert [read_answer(client)[0] for _ in statuses] == statuses
        assert read_answer(client) == (200, b"hello")


def test_the_answer_to_head_has_no_body(handler: Scripted) -> None:
    handler.script["/head"] = lambda _: Reply(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", Inline())
    with serving(handler) as server:
        received = server.ask(get("/head").replace(b"GET", b"HEAD") + get("/hello"))
    assert received == b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n" + answer(200, "OK", b"hello")


def test_after_connect_nothing_is_http_any_more(handler: Scripted) -> None:
    handler.give("deb.example.org:443", Inline(b"no"), 501)
    with serving(handler) as server, server.connect() as client:
        client.sendall(b"CONNECT deb.example.org:443 HTTP/1.1\r\nHost: deb.example.org:443\r\n\r\n" + get("/hello"))
        assert read_all(client) == answer(501, "Not Implemented", b"no", "Connection: close\r\n")


def test_a_handler_that_raises_is_a_500_and_its_connection_goes_on(
    handler: Scripted, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_: object) -> Reply:
        raise ZeroDivisionError("a bug")

    handler.script["/broken"] = broken
    with serving(handler) as server, server.connect() as client:
        late = server.future()
        handler.script["/late"] = lambda _: late
        client.sendall(get("/broken", "/late", "/hello"))
        server.call(lambda: late.set_exception(ZeroDivisionError("another bug")))
        assert [read_answer(client)[0] for _ in range(3)] == [500, 500, 200]
    assert "a bug" in caplog.text
    assert "another bug" in caplog.text
    assert "/broken" in caplog.text


def test_a_done_that_raises_hurts_nobody(handler: Scripted, caplog: pytest.LogCaptureFixture) -> None:
    def broken(_sent: int, _complete: bool) -> None:
        raise ZeroDivisionError("a bug")

    handler.script["/done"] = lambda _: Reply(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", Inline(), done=broken)
    with serving(handler) as server, server.connect() as client:
        client.sendall(get("/done", "/hello"))
        assert [read_answer(client) for _ in range(2)] == [(200, b""), (200, b"hello")]
    assert "a bug" in caplog.text


SMUGGLED = get("/smuggled")
SHAPES = {
    "two lengths": b"Content-Length: 0\r\nContent-Length: %d\r\n\r\n" % len(SMUGGLED),
    "length and chunked": b"Content-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" % len(SMUGGLED),
    "chunked": b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunked behind a tab": b"Transfer-Encoding:\tchunked\r\n\r\n0\r\n\r\n",
    "a body": b"Content-Length: %d\r\n\r\n" % len(SMUGGLED),
    "signed length": b"Content-Length: +0\r\n\r\n",
    "blank before the colon": b"Content-Length : 5\r\n\r\n",
    "folded line": b"X: a\r\n b\r\n\r\n",
    "bare line feed": b"X: a\nContent-Length: 5\r\n\r\n",
    "bare carriage return": b"X: a\rContent-Length: 5\r\n\r\n",
    "nul": b"X: \0\r\n\r\n",
    "two hosts": b"Host: other.example.org\r\n\r\n",
}


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES.keys())
def test_a_request_that_two_parsers_could_read_in_two_ways_gets_one_error_and_the_end(
    handler: Scripted, shape: bytes
) -> None:
    bad = b"GET /bad HTTP/1.1\r\nHost: mirror.example.org\r\n" + shape
    with serving(handler) as server, server.connect() as client:
        client.sendall(get("/hello") + bad + SMUGGLED)
        assert read_answer(client) == (200, b"hello")  # what came before is answered first
        status, _ = read_answer(client)
        assert status in (400, 501)
        assert client.recv(1) == b""
        assert [handler.asked.get(timeout=10)] == ["/hello"]
        assert handler.asked.empty()


def test_a_client_that_goes_on_sending_after_a_bad_request_can_still_read_the_error(handler: Scripted) -> None:
    with serving(handler) as server, server.connect() as client:
        client.sendall(get("/hello") + b"not http at all\r\n\r\n" + b"x" * 4_000_000)
        assert read_answer(client) == (200, b"hello")
        assert read_answer(client)[0] == 400
        assert client.recv(1) == b""


def test_a_reply_waits_for_the_answers_before_it_even_if_its_file_is_still_growing(
    handler: Scripted, tmp_path: Path
) -> None:
    growth, write = growing_file(tmp_path / "file", 200_000)
    handler.give("/growing", FileBody(growth, 0, 200_000))
    with serving(handler) as server, server.connect() as client:
        client.sendall(get("/growing", "/hello"))
        write(b"a" * 100_000)
        assert client.recv(40, socket.MSG_WAITALL) == answer(200, "OK", b"a" * 200_000)[:40]
        write(b"b" * 100_000)
        growth.complete(Digest.of(b""), 200_000)
        rest = answer(200, "OK", b"a" * 100_000 + b"b" * 100_000)[40:] + answer(200, "OK", b"hello")
        client.shutdown(socket.SHUT_WR)
        assert read_all(client) == rest
