# SPDX-License-Identifier: MIT
"""Who goes next on which connection; the decisions of a Host, seen from its threads."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from aptfreeze.fetch.connection import Connection
from aptfreeze.fetch.failures import ClosingError, ForgoneError, PassingError, UnreachableError
from aptfreeze.fetch.host import Host
from aptfreeze.fetch.priority import Priority
from aptfreeze.fetch.turns import Standing
from support.askers import Asking
from support.serving import eventually

_STANDSTILL_S = 10
"""What it takes if an answer is not read on although somebody waits behind it."""
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n"


class Server:
    """Answers by hand: `read` what was asked on a connection, `answer` it."""

    def __init__(self) -> None:
        self.ends: list[socket.socket] = []
        self.opened = threading.Semaphore(0)
        self.refuses = False

    def connect(self) -> Connection:
        if self.refuses:
            raise UnreachableError("refused")
        mine, end = socket.socketpair()
        mine.settimeout(10)
        end.settimeout(10)
        self.ends.append(end)
        self.opened.release()
        return Connection(mine, "the server")

    def read(self, count: int, connection: int = 0) -> bytes:
        """So many one-byte requests."""
        data = b""
        while len(data) < count:
            data += self.ends[connection].recv(count - len(data))
        return data

    def answer(self, request: bytes, connection: int = 0) -> None:
        self.ends[connection].sendall(ANSWER + request)


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    for end in server.ends:
        end.close()


def host_of(server: Server, connections: int = 4, depth: int = 4) -> Host:
    return Host("the server", server.connect, connections=connections, depth=depth, longest_rest_s=60)


class Client(threading.Thread):
    """One request, in a thread as in life."""

    def __init__(self, host: Host, request: bytes, asker: Asking | None = None, size: int = 0) -> None:
        super().__init__(daemon=True)
        self.host, self.request, self.asker, self.size = host, request, asker or Asking(), size
        self.got = b""
        self.error: Exception | None = None
        self.start()

    def run(self) -> None:
        try:
            with self.host.exchange(self.request, self.asker, self.size) as response:
                self.got = b"".join(response.body())
        except (PassingError, ClosingError) as error:
            self.error = error

    def result(self) -> bytes:
        self.join(10)
        assert not self.is_alive()
        assert self.error is None
        return self.got


def test_requests_are_pipelined_and_answers_go_to_who_asked(server: Server) -> None:
    host = host_of(server)
    clients = [Client(host, bytes([65 + n])) for n in range(5)]
    assert server.opened.acquire(timeout=10)
    asked = server.read(5)
    assert sorted(asked) == [65, 66, 67, 68, 69]
    for request in asked:
        server.answer(bytes([request]))
    assert [client.result() for client in clients] == [b"A", b"B", b"C", b"D", b"E"]
    assert len(server.ends) == 1
    host.close()


def test_depth_1_asks_one_at_a_time(server: Server) -> None:
    host = host_of(server, connections=1, depth=1)
    clients = [Client(host, b"A") for _ in range(3)]
    assert server.opened.acquire(timeout=10)
    for _ in clients:
        assert server.read(1) == b"A"
        server.ends[0].setblocking(False)
        with pytest.raises(BlockingIOError):
            server.ends[0].recv(1)
        server.ends[0].settimeout(10)
        server.answer(b"A")
    assert [client.result() for client in clients] == [b"A"] * 3
    host.close()


def test_nothing_is_asked_behind_a_large_file(server: Server) -> None:
    host = host_of(server)
    large = Client(host, b"L", size=100 << 20)
    assert server.opened.acquire(timeout=10)
    assert server.read(1) == b"L"
    small = Client(host, b"S")
    assert server.opened.acquire(timeout=10)
    assert server.read(1, 1) == b"S"
    server.answer(b"S", 1)
    assert small.result() == b"S"
    server.answer(b"L", 0)
    assert large.result() == b"L"
    host.close()


def test_what_a_client_waits_for_is_not_asked_behind_what_nobody_waits_for(server: Server) -> None:
    host = host_of(server)
    sources = Client(host, b"B", Asking(Priority.SOURCES))
    assert server.opened.acquire(timeout=10)
    assert server.read(1) == b"B"
    demanded = Client(host, b"D")
    assert server.opened.acquire(timeout=10)
    assert server.read(1, 1) == b"D"
    server.answer(b"D", 1)
    assert demanded.result() == b"D"
    server.answer(b"B", 0)
    assert sources.result() == b"B"
    host.close()


def test_what_waits_is_asked_by_priority_and_not_at_all_once_nobody_wants_it(server: Server) -> None:
    host = host_of(server, connections=1, depth=1)
    first = Client(host, b"1")
    assert server.opened.acquire(timeout=10)
    forgone, prefetched, hurried = (Asking(Priority.PREFETCHED) for _ in range(3))
    dropped = Client(host, b"F", forgone)
    waiting = [Client(host, b"P", prefetched), Client(host, b"H", hurried)]
    assert eventually(lambda: "3 waiting" in repr(host))
    forgone.priority, hurried.priority = Priority.FORGONE, Priority.DEMANDED
    for request in (b"1", b"H", b"P"):
        assert server.read(1) == request
        server.answer(request)
    assert [client.result() for client in (first, *waiting)] == [b"1", b"P", b"H"]
    dropped.join(10)
    assert isinstance(dropped.error, ForgoneError)
    assert host.requests == 3
    host.close()


def test_a_close_in_mid_pipeline_is_no_failure_and_ends_pipelining(server: Server) -> None:
    host = host_of(server, connections=1)
    clients = [Client(host, b"A") for _ in range(3)]
    assert server.opened.acquire(timeout=10)
    server.read(3)
    server.answer(b"A")
    server.ends[0].shutdown(socket.SHUT_WR)
    assert server.opened.acquire(timeout=10)
    for _ in range(2):
        assert server.read(1, 1) == b"A"
        server.answer(b"A", 1)
    assert [client.result() for client in clients] == [b"A"] * 3
    host.close()


def test_who_waits_for_a_host_that_cannot_be_reached_waits_once(server: Server) -> None:
    server.refuses = True
    host = host_of(server)
    clients = [Client(host, b"A") for _ in range(5)]
    for client in clients:
        client.join(10)
        assert isinstance(client.error, UnreachableError)
    assert host.standing is Standing.AWAY


def test_a_fresh_connection_that_dies_silently_is_a_failure(server: Server) -> None:
    host = host_of(server)
    client = Client(host, b"A")
    assert server.opened.acquire(timeout=10)
    server.read(1)
    server.ends[0].close()
    client.join(10)
    assert isinstance(client.error, PassingError)
    host.close()


def test_closing_ends_everybody(server: Server) -> None:
    host = host_of(server, connections=1, depth=2)
    clients = [Client(host, b"A") for _ in range(20)]
    assert server.opened.acquire(timeout=10)
    server.read(2)
    host.close()
    for client in clients:
        client.join(5)
        assert client.error is not None
    late = Client(host, b"A")
    late.join(5)
    assert isinstance(late.error, ClosingError)


class LastMoment(Connection):
    """Looked at for the next request, it is as good as before; a moment later the host is closed."""

    host: Host | None = None
    is_closed = False

    @property
    def is_usable(self) -> bool:
        if self.host is not None:
            host, self.host = self.host, None
            host.close()
        return True

    @is_usable.setter
    def is_usable(self, value: bool) -> None: ...

    def close(self) -> None:
        self.is_closed = True
        super().close()


def test_a_connection_that_gets_idle_while_all_is_closed_is_closed_too(server: Server) -> None:
    made: list[LastMoment] = []

    def connect() -> Connection:
        mine, end = socket.socketpair()
        server.ends.append(end)
        end.sendall(ANSWER + b"a")
        made.append(LastMoment(mine, "the server"))
        return made[0]

    host = Host("the server", connect, connections=1, depth=1, longest_rest_s=60)
    with host.exchange(b"a", Asking()) as response:
        assert b"".join(response.body()) == b"a"
        made[0].host = host

    assert made[0].is_closed


def test_what_is_for_later_is_asked_when_nothing_else_is_under_way(server: Server) -> None:
    host = host_of(server)
    demanded = Client(host, b"D")
    assert server.opened.acquire(timeout=10)
    assert server.read(1) == b"D"
    sources = Client(host, b"S", Asking(Priority.SOURCES))
    assert eventually(lambda: "1 waiting" in repr(host))
    assert host.requests == 1
    server.answer(b"D")
    assert demanded.result() == b"D"
    assert server.read(1) == b"S"
    server.answer(b"S")
    assert sources.result() == b"S"
    host.close()


def test_what_is_wanted_after_all_is_asked_at_once(server: Server) -> None:
    host, asker = host_of(server), Asking(Priority.SOURCES)
    demanded = Client(host, b"L", size=100 << 20)
    assert server.opened.acquire(timeout=10)
    raised = Client(host, b"S", asker)
    assert eventually(lambda: "1 waiting" in repr(host))
    asker.priority = Priority.DEMANDED
    host.reconsider()
    assert server.opened.acquire(timeout=10)
    assert server.read(1, 1) == b"S"
    server.answer(b"S", 1)
    assert raised.result() == b"S"
    server.answer(b"L")
    assert demanded.result() == b"L"
    host.close()


def test_what_is_for_later_is_read_no_further_while_a_client_waits(server: Server) -> None:
    host = host_of(server)
    sources = Client(host, b"S", Asking(Priority.SOURCES), size=3)
    assert server.opened.acquire(timeout=10)
    server.ends[0].sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\na")
    assert eventually(lambda: host.received == 1)
    demanded = Client(host, b"D")
    assert server.opened.acquire(timeout=10)
    server.ends[0].sendall(b"b")
    assert eventually(lambda: host.received == 2)  # it was about to be read already
    server.ends[0].sendall(b"c")
    time.sleep(0.1)  # too short on a slow machine, and the test sees nothing; it cannot fail wrongly
    assert host.received == 2
    server.answer(b"D", 1)
    assert demanded.result() == b"D"
    assert sources.result() == b"abc"
    host.close()


def test_the_only_connection_does_not_stand_still(server: Server) -> None:
    host = host_of(server, connections=1)
    sources = Client(host, b"S", Asking(Priority.SOURCES), size=2)
    assert server.opened.acquire(timeout=10)
    server.ends[0].sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nS")
    assert eventually(lambda: host.received == 1)
    demanded = Client(host, b"D")
    assert eventually(lambda: "1 waiting" in repr(host))
    began = time.monotonic()
    server.ends[0].sendall(b"S")
    assert sources.result() == b"SS"
    assert server.read(2) == b"SD"
    server.answer(b"D")
    assert demanded.result() == b"D"
    assert time.monotonic() - began < _STANDSTILL_S
    host.close()


def test_what_nobody_wants_any_more_is_read_to_its_end_if_a_client_waits_behind_it(server: Server) -> None:
    host, asker = host_of(server), Asking(Priority.PREFETCHED)
    forgone = Client(host, b"F", asker, size=2)
    assert server.opened.acquire(timeout=10)
    assert server.read(1) == b"F"
    demanded = Client(host, b"D")
    assert server.read(1) == b"D"
    asker.priority = Priority.FORGONE
    server.ends[0].sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nF")
    assert eventually(lambda: host.received == 1)
    server.ends[0].sendall(b"F" + ANSWER + b"D")
    began = time.monotonic()
    assert demanded.result() == b"D"
    assert time.monotonic() - began < _STANDSTILL_S
    assert forgone.result() == b"FF"
    host.close()


def told_to_rest(host: Host, server: Server, seconds: float) -> None:
    """One client is answered, and makes a Retry-After of it."""

    def ask() -> None:
        with suppress(PassingError), host.exchange(b"A", Asking()) as response:
            list(response.body())
            raise PassingError("503", after_s=seconds)

    client = threading.Thread(target=ask)
    client.start()
    assert server.opened.acquire(timeout=10)
    server.answer(server.read(1))
    client.join(10)


def test_a_server_that_asked_for_a_rest_is_left_alone_by_everybody(server: Server) -> None:
    host = host_of(server)
    told_to_rest(host, server, 0.3)
    assert host.standing is Standing.RESTING
    began = time.monotonic()
    client = Client(host, b"B")
    server.answer(server.read(1))
    assert time.monotonic() - began > 0.2
    assert client.result() == b"B"
    host.close()


def test_a_rest_ends_with_the_process(server: Server) -> None:
    host = host_of(server)
    told_to_rest(host, server, 50)
    client = Client(host, b"B")
    host.close()
    client.join(10)
    assert isinstance(client.error, ClosingError)


def test_nobody_waits_for_a_rest_that_is_too_long(server: Server) -> None:
    host = host_of(server)
    told_to_rest(host, server, 61)
    assert host.standing is Standing.GOOD
    client = Client(host, b"B")
    server.answer(server.read(1))
    assert client.result() == b"B"
    host.close()
