# SPDX-License-Identifier: MIT
"""What is taken from a client's socket, and what is left there."""

import socket
from collections.abc import Iterator

import pytest

from aptfreeze.http.message import BadRequest, Request
from aptfreeze.serve.intake import Intake
from aptfreeze.serve.stream import PlainStream
from support.serving import PATIENCE_S, get

CONNECT = b"CONNECT mirror.example.org:443 HTTP/1.1\r\n\r\n"


class Taken:
    """An intake, its client's socket, and a clock that stands still."""

    def __init__(self, client: socket.socket, ours: socket.socket) -> None:
        self.client = client
        self.ours = ours
        self.now = 100.0
        self.intake = Intake(PlainStream(ours), "192.0.2.1", lambda: self.now)

    def send(self, data: bytes) -> list[str]:
        """The methods of what these bytes complete; `bad` for what is no request."""
        self.client.sendall(data)
        return self.receive()

    def receive(self) -> list[str]:
        while True:
            try:
                found = self.intake.receive()
            except BlockingIOError:
                continue
            return [each.method if isinstance(each, Request) else f"bad {each.status}" for each in found]

    def left(self) -> bytes:
        try:
            return self.ours.recv(100)
        except BlockingIOError:
            return b""


@pytest.fixture
def taken() -> Iterator[Taken]:
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket() as client:
        client.settimeout(PATIENCE_S)
        client.connect(listener.getsockname())
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with listener.accept()[0] as ours:
            yield Taken(client, ours)


def test_what_follows_a_first_connect_stays_in_the_socket(taken: Taken) -> None:
    assert taken.send(CONNECT + b"\x16\x03\x01") == ["CONNECT"]
    assert taken.left() == b"\x16\x03\x01"


def test_also_when_its_head_comes_in_pieces(taken: Taken) -> None:
    assert taken.send(CONNECT[:10]) == []
    assert taken.left() == b""
    assert taken.intake.head_since == 100.0
    assert taken.send(CONNECT[10:] + b"early") == ["CONNECT"]
    assert taken.left() == b"early"
    assert taken.intake.head_since is None


def test_also_behind_other_requests_and_in_one_piece_with_them(taken: Taken) -> None:
    assert taken.send(get("http://a/x")) == ["GET"]
    assert taken.send(get("http://a/y") + CONNECT + b"early") == ["GET", "CONNECT"]
    assert taken.left() == b"early"


def test_the_time_of_a_head_begins_with_its_first_byte_and_not_while_nobody_reads(taken: Taken) -> None:
    assert taken.send(get("http://a/x") + b"GET ") == ["GET"]
    taken.now = 120.0
    assert taken.send(b"http://a/y") == []
    assert taken.intake.head_since == 100.0
    taken.now = 130.0
    taken.intake.resume()
    assert taken.intake.head_since == 130.0
    bad = taken.intake.give_up(30.0)
    assert isinstance(bad, BadRequest)
    assert bad.status == 408
    assert taken.intake.is_over


def test_the_clients_end_ends_the_intake(taken: Taken) -> None:
    taken.client.shutdown(socket.SHUT_WR)
    assert taken.receive() == []
    assert (taken.intake.is_over, taken.intake.client_ended) == (True, True)


def test_what_came_before_something_bad_is_still_taken(taken: Taken) -> None:
    assert taken.send(get("http://a/x") + b"nonsense\r\n\r\n") == ["GET", "bad 400"]
    assert taken.left() == b""
