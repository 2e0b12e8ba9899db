# SPDX-License-Identifier: MIT
"""What a server sends, byte by byte, and what it means."""

import contextlib
import socket
import threading
from collections.abc import Iterator

import pytest

from aptfreeze.fetch.connection import Connection
from aptfreeze.fetch.failures import LostConnectionError, PassingError, UnreachableError


class Ends:
    """A connection and the server's end of it."""

    def __init__(self) -> None:
        mine, self.server = socket.socketpair()
        mine.settimeout(0.5)
        self.connection = Connection(mine, "the server")

    def answer(self, *pieces: bytes, ends: bool = True) -> None:
        self.connection.send(b"GET / HTTP/1.1\r\n\r\n")
        for piece in pieces:
            self.server.sendall(piece)
        if ends:
            self.server.shutdown(socket.SHUT_WR)

    def take(self) -> tuple[int, bytes]:
        return self.connection.head().status, b"".join(self.connection.body())


@pytest.fixture
def ends() -> Iterator[Ends]:
    ends = Ends()
    yield ends
    ends.connection.close()
    ends.server.close()


WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
UNFRAMED = b"HTTP/1.1 200 OK\r\n\r\nabc"


@pytest.mark.parametrize("answer", [WHOLE, CHUNKED, UNFRAMED, b"HTTP/1.1 103 Early\r\nLink: x\r\n\r\n" + WHOLE])
@pytest.mark.parametrize("cut", [1, 7, 1000])
def test_an_answer_is_read_however_it_is_cut_into_pieces(ends: Ends, answer: bytes, cut: int) -> None:
    ends.answer(*(answer[at : at + cut] for at in range(0, len(answer), cut)))
    assert ends.take() == (200, b"abc")


@pytest.mark.parametrize("status", [204, 304])
def test_some_answers_have_no_body(ends: Ends, status: int) -> None:
    ends.answer(b"HTTP/1.1 %d X\r\nContent-Length: 9\r\n\r\n" % status if status == 304 else b"HTTP/1.1 204 X\r\n\r\n")
    assert ends.take() == (status, b"")


def test_pipelined_answers_come_in_order(ends: Ends) -> None:
    ends.answer(WHOLE, ends=False)
    ends.answer(WHOLE.replace(b"200", b"404") + b"HTTP/1.1 2", ends=False)
    ends.answer(b"06 X\r\nContent-Length: 0\r\n\r\n")
    assert [ends.take() for _ in range(3)] == [(200, b"abc"), (404, b"abc"), (206, b"")]
    assert ends.connection.is_usable


@pytest.mark.parametrize(
    "answer",
    [
        WHOLE[:-1],
        CHUNKED[:-1],
        WHOLE[:20],
        b"220 mail.example.org ESMTP\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        b"HTTP/1.1 200 OK\r\nContent-Length: -3\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 101 Switching\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000,
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 12_000,
    ],
)
def test_what_does_not_end_as_its_framing_says_never_ends_well(ends: Ends, answer: bytes) -> None:
    ends.answer(answer)
    with pytest.raises(PassingError, match="the server") as caught:
        ends.take()
    assert not isinstance(caught.value, LostConnectionError)
    assert not ends.connection.is_usable


def test_an_end_before_the_first_byte_is_told_apart(ends: Ends) -> None:
    ends.answer(WHOLE)
    ends.connection.send(b"again")
    assert ends.take() == (200, b"abc")
    with pytest.raises(LostConnectionError):
        ends.connection.head()


def test_silence_ends_in_an_error(ends: Ends) -> None:
    ends.answer(WHOLE[:-1], ends=False)
    ends.connection.head()
    with pytest.raises(UnreachableError, match="fell silent"):
        list(ends.connection.body())


def sending(server: socket.socket, data: bytes, every_s: float) -> threading.Event:
    """Have the server send so, again and again, until the event is set."""
    enough = threading.Event()

    def send() -> None:
        with contextlib.suppress(OSError):
            while not enough.wait(every_s):
                server.sendall(data)

    threading.Thread(target=send, daemon=True).start()
    return enough


def test_a_server_that_only_drips_is_as_good_as_silent(ends: Ends) -> None:
    ends.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", ends=False)
    ends.connection.head()
    enough = sending(ends.server, b"x", 0.02)
    with pytest.raises(UnreachableError, match="the server only drips"):
        list(ends.connection.body())
    enough.set()


def test_slow_small_answers_are_no_dripping(ends: Ends) -> None:
    enough = sending(ends.server, WHOLE, 0.1)
    for _ in range(8):
        ends.answer(ends=False)
        assert ends.take() == (200, b"abc")
    enough.set()


def test_trailers_without_end_are_no_end(ends: Ends) -> None:
    ends.answer(CHUNKED[:-2], ends=False)
    ends.connection.head()
    enough = sending(ends.server, b"X: y\r\n" * 1000, 0.0)
    with pytest.raises(PassingError, match="more than 65536 bytes"):
        list(ends.connection.body())
    enough.set()


def test_an_answer_that_nobody_asked_for_ends_the_connection(ends: Ends) -> None:
    ends.answer(WHOLE + WHOLE, ends=False)
    ends.take()
    assert not ends.connection.is_usable


def test_an_idle_connection_shows_that_it_has_ended(ends: Ends) -> None:
    ends.answer(WHOLE, ends=False)
    ends.take()
    alive = not ends.connection.is_stale
    ends.server.close()
    assert (alive, ends.connection.is_stale) == (True, True)


def test_connection_close_means_what_it_says(ends: Ends) -> None:
    ends.answer(WHOLE.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n") + b"rubbish", ends=False)
    assert ends.take() == (200, b"abc")
    assert not ends.connection.is_usable


def test_aborting_wakes_the_reader(ends: Ends) -> None:
    ends.answer(WHOLE[:-1], ends=False)
    ends.connection.head()
    ends.connection.abort()
    with pytest.raises(PassingError):
        list(ends.connection.body())
