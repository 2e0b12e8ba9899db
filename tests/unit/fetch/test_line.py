# SPDX-License-Identifier: MIT
"""Tickets in the order of their turns, lines that are slow for some, and answers that nobody wants."""

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest

from aptfreeze.errors import UpstreamError
from aptfreeze.fetch.connection import Connection
from aptfreeze.fetch.failures import PassingError
from aptfreeze.fetch.line import Line, Response, Ticket
from aptfreeze.fetch.priority import Priority
from support.askers import Asking


def ticket(age: int = 0, priority: Priority = Priority.DEMANDED, size: int = 0) -> Ticket:
    return Ticket(b"GET", Asking(priority), size, age)


# --- turns ---


def test_what_is_waited_for_goes_first_then_what_waits_longest() -> None:
    sources, old, young = ticket(1, Priority.SOURCES), ticket(2), ticket(3)
    assert sorted([young, sources, old], key=lambda each: each.rank) == [old, young, sources]


def test_a_ticket_whose_asker_gets_urgent_moves_up() -> None:
    asker = Asking(Priority.SOURCES)
    hurried, waiting = Ticket(b"", asker, 0, 1), ticket(2, Priority.PREFETCHED)
    assert waiting.rank < hurried.rank
    asker.priority = Priority.DEMANDED
    assert hurried.rank < waiting.rank


def test_a_ticket_that_fails_gets_its_turn_to_say_so() -> None:
    failed, reason = ticket(), UpstreamError("closing")
    failed.fail(reason)
    assert failed.turn.is_set()
    assert failed.failure is reason


# --- lines ---


def test_a_line_is_slow_behind_much_or_behind_what_no_client_will_ask_for() -> None:
    line = Line(ticket(size=1000))
    assert not line.is_slow_for(ticket(), 1000)
    line.owed.append(ticket(size=1))
    assert line.load == 1001
    assert line.is_slow_for(ticket(), 1000)

    background = Line(ticket(priority=Priority.SOURCES))
    assert background.is_slow_for(ticket(), 1000)
    assert background.is_slow_for(ticket(priority=Priority.PREFETCHED), 1000)
    assert not background.is_slow_for(ticket(priority=Priority.SOURCES), 1000)


@pytest.mark.parametrize("priority", [Priority.PREFETCHED, Priority.FORGONE])
def test_a_line_with_few_prefetched_bytes_is_good_enough_for_all(priority: Priority) -> None:
    assert not Line(ticket(priority=priority, size=1000)).is_slow_for(ticket(), 1000)


# --- answers ---


class Server:
    """The other end of a connection on which one request was sent."""

    def __init__(self) -> None:
        mine, self.end = socket.socketpair()
        mine.settimeout(10)
        self.connection = Connection(mine, "the server")
        self.connection.send(b"GET")
        self.received: list[int] = []

    def answered(self, head: bytes, body: bytes = b"", *, closes: bool = False) -> Response:
        self._sending = threading.Thread(target=self._send, args=(head, body, closes), daemon=True)
        self._sending.start()
        return Response(self.connection.head(), self.connection, self.received.append)

    def _send(self, head: bytes, body: bytes, closes: bool) -> None:
        with suppress(OSError):  # who gives up does not read all of it
            self.end.sendall(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n" + body)
        if closes:
            self.end.close()


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.connection.close()
    server.end.close()


def test_a_body_is_counted_and_read_only_at_its_end(server: Server) -> None:
    response = server.answered(b"Content-Length: 6\r\n", b"abc")
    pieces = response.body()
    first = next(pieces)
    assert (b"abc".startswith(first), response.is_read) == (True, False)
    server.end.sendall(b"def")
    assert (first + b"".join(pieces), response.is_read) == (b"abcdef", True)
    assert sum(server.received) == 6


def test_a_body_that_is_cut_is_not_read(server: Server) -> None:
    response = server.answered(b"Content-Length: 6\r\n", b"abc", closes=True)
    with pytest.raises(PassingError):
        list(response.body())
    assert not response.is_read


@pytest.mark.parametrize(
    ("framing", "size"),
    [(b"Content-Length: 262144\r\n", 262144), (b"Transfer-Encoding: chunked\r\n", 1000)],
    ids=["length", "chunked"],
)
def test_a_short_body_that_nobody_wants_is_read_for_the_connections_sake(
    server: Server, framing: bytes, size: int
) -> None:
    body = bytes(size)
    response = server.answered(framing, body if b"Length" in framing else b"%x\r\n%b\r\n0\r\n\r\n" % (size, body))
    response.drain()
    assert response.is_read
    assert server.connection.is_usable


def test_of_a_long_body_nothing_is_read(server: Server) -> None:
    response = server.answered(b"Content-Length: 262145\r\n", b"abc")
    response.drain()
    assert (response.is_read, server.received) == (False, [])


def test_a_body_without_an_end_is_given_up(server: Server) -> None:
    response = server.answered(b"Transfer-Encoding: chunked\r\n", b"4f000\r\n" + bytes(0x4F000))
    response.drain()
    assert not response.is_read
    assert 256 << 10 < sum(server.received) < 600 << 10


def test_a_cut_while_it_is_read_for_nobody_is_no_error(server: Server) -> None:
    response = server.answered(b"Content-Length: 6\r\n", b"abc", closes=True)
    response.drain()
    assert not response.is_read
