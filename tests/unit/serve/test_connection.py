# SPDX-License-Identifier: MIT
"""One connection, driven step by step in the test's own loop: what it watches, and what it shows of itself."""

import asyncio
import socket
from collections.abc import Iterator

import pytest

from aptfreeze.http.message import BadRequest
from aptfreeze.serve.boundary import Boundary
from aptfreeze.serve.connection import Connection
from aptfreeze.serve.limits import Limits
from aptfreeze.serve.reply import Inline, Reply
from aptfreeze.serve.stage import Stage, Surroundings
from aptfreeze.serve.stream import PlainStream
from support.serving import Answer, Scripted, answer, get


class Loop(asyncio.SelectorEventLoop):
    """A loop whose clock can be put forward."""

    ahead_s = 0.0

    def time(self) -> float:
        return super().time() + self.ahead_s


class Driven:
    """A connection, its client's end, and the loop that moves only when the test says so."""

    def __init__(self, handler: Scripted, limits: Limits) -> None:
        self.loop = Loop()
        self.handler = handler
        self.closed: list[Stage] = []
        self.followed: list[Stage] = []
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.client = socket.create_connection(listener.getsockname(), timeout=5)
            stream = PlainStream(listener.accept()[0])
        self.connection = Connection(
            stream,
            Surroundings(
                "client", Boundary(handler), limits, self.loop, self.closed.append, lambda _, n: self.followed.append(n)
            ),
        )

    def step(self) -> None:
        """Everything that is ready in the loop happens."""
        for _ in range(3):
            self.loop.call_soon(self.loop.stop)
            self.loop.run_forever()

    def send(self, data: bytes) -> None:
        self.client.sendall(data)
        self.step()

    def read(self) -> bytes:
        return self.client.recv(1 << 16)

    def pass_s(self, seconds: float) -> None:
        """After so much time, the sweep comes."""
        self.loop.ahead_s += seconds
        self.connection.expire(self.loop.time())
        self.step()

    def end(self) -> None:
        self.connection.abort()
        self.client.close()
        self.loop.close()


@pytest.fixture
def driven() -> Iterator[Driven]:
    driven = Driven(Scripted(), Limits(queue=2))
    yield driven
    driven.end()


def _slow(driven: Driven) -> "asyncio.Future[Reply]":
    future: asyncio.Future[Reply] = driven.loop.create_future()

    def slow(_: object) -> Answer:
        return future

    driven.handler.script["/slow"] = slow
    return future


def test_its_repr_shows_where_it_stands(driven: Driven) -> None:
    assert repr(driven.connection) == "<Connection client open: 0 waiting; reading>"
    future = _slow(driven)
    driven.send(get("/slow", "/b"))
    assert repr(driven.connection) == "<Connection client open: 2 waiting; reading>"
    driven.send(get("/c"))
    assert repr(driven.connection) == "<Connection client open: 3 waiting; paused>"
    future.set_result(driven.handler.reply("/slow", Inline(b"x" * (32 << 20))))
    driven.step()
    text = repr(driven.connection)
    assert text.startswith("<Connection client open: 2 waiting, sending 1 (")
    assert text.endswith(" bytes sent); reading and writing>")
    driven.connection.abort()
    assert repr(driven.connection) == "<Connection client closed: 0 waiting; paused>"


def test_limits_that_are_not_reached_change_nothing(driven: Driven) -> None:
    driven.send(b"GET /half")
    driven.pass_s(29)
    driven.send(get("/x")[6:])
    driven.pass_s(299)
    assert not driven.closed


def test_an_idle_client_is_closed_after_its_time(driven: Driven) -> None:
    driven.send(get("/x"))
    driven.pass_s(301)
    assert driven.closed == [driven.connection]
    assert driven.read() == answer(404, "Not Found", b"/x")
    assert driven.read() == b""


def test_a_client_that_waits_for_us_is_never_overdue(driven: Driven) -> None:
    future = _slow(driven)
    driven.send(get("/slow") + b"GET /half")
    driven.send(get("/x")[6:] + get("/y", "/z"))  # the queue is full: what it sends is not read, and not missed
    driven.pass_s(1000)
    assert not driven.closed
    future.set_result(driven.handler.reply("/slow", Inline(b"late")))
    driven.step()
    assert driven.read().startswith(answer(200, "OK", b"late"))


def test_a_head_whose_rest_we_do_not_read_is_not_missed(driven: Driven) -> None:
    future = _slow(driven)
    driven.send(get("/slow", "/y", "/z") + b"GET /half")
    driven.pass_s(1000)  # no room in the queue, so that nothing is read
    future.set_result(driven.handler.reply("/slow", Inline(b"late")))
    driven.step()
    driven.pass_s(29)
    assert b" 408 " not in driven.read()
    driven.pass_s(2)
    assert b" 408 " in driven.read()


def test_a_half_received_head_is_missed_after_its_time(driven: Driven) -> None:
    driven.send(get("/x") + b"GET /half")
    driven.pass_s(31)
    received = driven.read()
    assert received.startswith(answer(404, "Not Found", b"/x") + b"HTTP/1.1 408 ")
    assert "lingering" in repr(driven.connection)
    driven.pass_s(3)
    assert driven.closed == [driven.connection]


def test_drain_answers_what_was_asked_and_reads_nothing_more(driven: Driven) -> None:
    future = _slow(driven)
    driven.send(get("/slow"))
    driven.connection.drain()
    driven.send(get("/more"))
    future.set_result(driven.handler.reply("/slow", Inline(b"late")))
    driven.step()
    assert driven.read() == answer(200, "OK", b"late")
    assert driven.read() == b""
    assert [driven.handler.asked.get_nowait()] == ["/slow"]
    assert driven.handler.asked.empty()


def test_drain_closes_an_idle_connection(driven: Driven) -> None:
    driven.connection.drain()
    assert driven.closed == [driven.connection]
    assert driven.read() == b""


def test_the_end_is_told_once(driven: Driven) -> None:
    driven.send(get("/x"))
    driven.connection.close()
    driven.connection.abort()
    driven.connection.drain()
    assert driven.closed == [driven.connection]


def test_a_refusal_is_made_in_its_turn(driven: Driven) -> None:
    refused: list[BadRequest] = []

    def refuse(bad: BadRequest) -> Reply:
        refused.append(bad)
        return driven.handler.reply("", Inline(), bad.status)

    driven.handler.refuse = refuse  # type: ignore[method-assign]  # to see when it is called
    future = _slow(driven)
    driven.send(get("/slow", "/b") + b"bad\r\n\r\n")
    assert not refused  # the queue is full
    future.set_result(driven.handler.reply("/slow", Inline(b"late")))
    driven.step()
    assert [bad.status for bad in refused] == [400]
