# SPDX-License-Identifier: MIT
"""A tunnel between two sockets, in a real server: both ways, ends, errors, and silence."""

import os
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from aptfreeze.http.message import Request, response_head
from aptfreeze.serve.limits import Limits
from aptfreeze.serve.reply import Inline, Reply
from aptfreeze.serve.tunnel import tunnelled
from support.serving import PATIENCE_S, Answer, Running, Scripted, eventually, read_all, read_exactly, serving
from support.tls import CONNECT, ESTABLISHED


@dataclass
class Tunnelling(Scripted):
    """Every CONNECT leads to a far end that `far` makes."""

    far: Callable[[], socket.socket] = field(default=socket.socket)
    ended: list[int] = field(default_factory=list)

    def answer(self, request: Request) -> Answer:
        if request.method != "CONNECT":
            return super().answer(request)
        upgrade = tunnelled(self.far(), self.ended.append)
        return Reply(response_head(200, "Connection established", []), Inline(), upgrade=upgrade)


@dataclass
class Both:
    near: socket.socket
    far: socket.socket
    server: Running
    handler: Tunnelling

    def is_over(self) -> bool:
        return not self.server.call(lambda: self.server.server.connections)


def both(limits: Limits | None = None) -> Iterator[Both]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        handler = Tunnelling(far=lambda: socket.create_connection(listener.getsockname()))
        with serving(handler, limits) as server, server.connect() as near:
            near.sendall(CONNECT + b"early ")
            assert read_exactly(near, len(ESTABLISHED)) == ESTABLISHED
            with listener.accept()[0] as far:
                far.settimeout(PATIENCE_S)
                assert read_exactly(far, 6) == b"early "
                yield Both(near, far, server, handler)


@pytest.fixture
def tunnel() -> Iterator[Both]:
    yield from both()


@pytest.fixture
def short_tunnel() -> Iterator[Both]:
    yield from both(Limits(tunnel_s=0.2))


def reset(end: socket.socket) -> None:
    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    end.close()


def test_bytes_go_both_ways_at_once(tunnel: Both) -> None:
    up, down = os.urandom(16 << 20), os.urandom(16 << 20)
    threads = [
        threading.Thread(target=end.sendall, args=(data,)) for end, data in ((tunnel.near, up), (tunnel.far, down))
    ]
    got: dict[str, bytes] = {}
    threads.append(threading.Thread(target=lambda: got.update(far=read_exactly(tunnel.far, len(up)))))
    for thread in threads:
        thread.start()
    assert read_exactly(tunnel.near, len(down)) == down
    for thread in threads:
        thread.join()
    assert got["far"] == up


def test_an_end_of_one_side_is_passed_on_and_the_other_goes_on(tunnel: Both) -> None:
    tunnel.near.sendall(b"ask")
    tunnel.near.shutdown(socket.SHUT_WR)
    assert read_all(tunnel.far) == b"ask"
    data = os.urandom(1 << 20)
    sending = threading.Thread(target=tunnel.far.sendall, args=(data,))
    sending.start()
    assert read_exactly(tunnel.near, len(data)) == data
    sending.join()
    tunnel.far.close()
    assert read_all(tunnel.near) == b""
    assert eventually(tunnel.is_over)
    assert tunnel.handler.ended == [len(data)]


@pytest.mark.parametrize("whose", ["near", "far"])
def test_a_reset_of_one_side_is_one_of_the_other(tunnel: Both, whose: str) -> None:
    first, second = (tunnel.near, tunnel.far) if whose == "near" else (tunnel.far, tunnel.near)
    reset(first)
    with pytest.raises(ConnectionResetError):
        second.recv(1)
    assert eventually(tunnel.is_over)


def test_a_reader_that_is_slow_holds_the_sender(tunnel: Both) -> None:
    tunnel.far.settimeout(0.5)
    with pytest.raises(TimeoutError):
        tunnel.far.sendall(b"x" * (256 << 20))  # nobody reads it: buffers of the kernel and one piece take some of it
    assert "writing" not in repr(tunnel.server.server.connections)
    assert not tunnel.is_over()


def test_a_silent_tunnel_is_reset_after_its_time(short_tunnel: Both) -> None:
    with pytest.raises(ConnectionResetError):
        short_tunnel.near.recv(1)
    with pytest.raises(ConnectionResetError):
        short_tunnel.far.recv(1)


def test_it_shows_what_came_through_and_goes_with_the_server(tunnel: Both) -> None:
    tunnel.near.sendall(b"abc")
    assert read_exactly(tunnel.far, 3) == b"abc"
    server = tunnel.server
    assert eventually(lambda: ": 9 bytes up, 0 down>" in server.call(lambda: repr(server.server.connections)))
    tunnel.server.stop(0.0)
    with pytest.raises(ConnectionResetError):
        tunnel.near.recv(1)
