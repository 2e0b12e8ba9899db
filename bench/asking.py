# SPDX-License-Identifier: MIT
"""A light client: one thread, many connections, each asks a proxy for a list of files and looks at what comes.

    with Asking() as client:
        client.connect(server.port, [Ask(url, size)], depth=10)
        answers = client.run(limit_s=10)            # the connections stay open until the context is left

usage of the process: python asking.py FILE; FILE is a JSON list of [URL, SIZE]. It asks the proxy that
$http_proxy names for them, ten at once as apt does, and prints a JSON object: see `Summary`.

A body whose bytes are known is compared; any other one is thrown away by the kernel and only counted, so that fifty
such clients need less of the machine than the server.
"""

from __future__ import annotations

import json
import os
import resource
import selectors
import socket
import sys
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

_BUFFER = bytearray(4 << 20)
_HEAD_LIMIT = 64 << 10
DEPTH = 10
"""As many requests apt has in flight on a connection."""


NO_ANSWER = "no answer"


@dataclass(frozen=True)
class Ask:
    url: str
    size: int
    data: bytes | None = None
    """What has to come; None: only how much is looked at."""


@dataclass
class Answer:
    """What became of one request. Times in seconds, from when it was due: asked, and nothing before it on the way."""

    ask: Ask
    due: float = 0.0
    first_s: float = 0.0
    last_s: float = 0.0
    received: int = 0
    error: str = NO_ANSWER
    """Empty: it was right."""


@dataclass
class Summary:
    """Of many answers: bodies in bytes, times in seconds."""

    requests: int
    received: int
    errors: int
    slowest_first_s: float
    slowest_s: float
    cpu_s: float = 0.0
    """Of the process that asked."""

    def __add__(self, other: Summary) -> Summary:
        return Summary(
            self.requests + other.requests,
            self.received + other.received,
            self.errors + other.errors,
            max(self.slowest_first_s, other.slowest_first_s),
            max(self.slowest_s, other.slowest_s),
            self.cpu_s + other.cpu_s,
        )

    @classmethod
    def of(cls, answers: Sequence[Answer]) -> Self:
        return cls(
            requests=len(answers),
            received=sum(answer.received for answer in answers),
            errors=sum(bool(answer.error) for answer in answers),
            slowest_first_s=max(answer.first_s for answer in answers),
            slowest_s=max(answer.last_s for answer in answers),
        )


class Asking:
    """Many connections. Mutable state: the connections, those that wait for something."""

    def __init__(self) -> None:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 16384)), hard))
        self._selector = selectors.DefaultSelector()
        self._connections: list[_Connection] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for connection in self._connections:
            connection.close()
        self._selector.close()

    def connect(self, port: int, asks: Sequence[Ask], depth: int = 1) -> None:
        """A connection of its own to the proxy on a port for these, asked in this order, `depth` at once."""
        self._connections.append(_Connection(port, asks, depth))

    def run(self, limit_s: float) -> list[Answer]:
        """Ask for all that was not asked yet, until all of it is answered, or so many seconds are over."""
        until = time.perf_counter() + limit_s
        asked = [connection for connection in self._connections if connection.answers_left]
        for connection in asked:
            connection.begin(self._selector)
        while self._selector.get_map() and (left := until - time.perf_counter()) > 0:
            for key, _ in self._selector.select(left):
                key.data.readable()
        for connection in asked:
            connection.pause()
        return [answer for connection in asked for answer in connection.take()]


class _Connection:
    """Mutable state: what is to ask, in flight and answered; how much of the present body is missing (None: its head).

    A server may close between two answers: what it left is asked again on a new connection.
    """

    def __init__(self, port: int, asks: Sequence[Ask], depth: int) -> None:
        self._port = port
        self._depth = depth
        self._waiting = deque(Answer(ask) for ask in asks)
        self._flying: deque[Answer] = deque()
        self._done: list[Answer] = []
        self._left: int | None = None
        self._socket: socket.socket | None = None
        self._selector: selectors.BaseSelector | None = None
        self._is_new = False

    @property
    def answers_left(self) -> int:
        return len(self._waiting) + len(self._flying)

    def begin(self, selector: selectors.BaseSelector) -> None:
        self._selector = selector
        if self._socket is None:
            self._socket = socket.create_connection(("127.0.0.1", self._port))
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._is_new = True
        self._socket.setblocking(False)
        selector.register(self._socket, selectors.EVENT_READ, self)
        self._ask()

    def pause(self) -> None:
        if self._selector is not None and self._socket is not None and self._socket in self._selector.get_map():
            self._selector.unregister(self._socket)

    def take(self) -> list[Answer]:
        """All answers; what is not answered by now is an error."""
        done, self._done = [*self._done, *self._flying, *self._waiting], []
        self._flying.clear()
        self._waiting.clear()
        return done

    def close(self) -> None:
        self.pause()
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def readable(self) -> None:
        assert self._socket is not None
        try:
            if self._left is None:
                self._read_head(self._socket)
            else:
                self._read_body(self._socket)
        except BlockingIOError:
            return
        except OSError as error:
            self._broken(str(error))

    def _ask(self) -> None:
        heads = []
        while self._waiting and len(self._flying) < self._depth:
            answer = self._waiting.popleft()
            answer.due = time.perf_counter()
            self._flying.append(answer)
            host = urlsplit(answer.ask.url).netloc
            heads.append(
                f"GET {answer.ask.url} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: Debian APT-HTTP/1.3 (2.6.1)\r\n\r\n"
            )
        if heads and self._socket is not None:
            self._socket.sendall("".join(heads).encode())
        if not self._flying:
            self.pause()

    def _read_head(self, connected: socket.socket) -> None:
        peeked = connected.recv(_HEAD_LIMIT, socket.MSG_PEEK)
        if not peeked:
            raise ConnectionError("closed instead of an answer")
        answer = self._flying[0]
        if not answer.first_s:
            answer.first_s = time.perf_counter() - answer.due
        end = peeked.find(b"\r\n\r\n")
        if end < 0:
            return  # the rest of it comes soon
        head = connected.recv(end + 4).decode("latin-1")
        self._is_new = False
        lengths = [line[15:] for line in head.split("\r\n") if line.lower().startswith("content-length:")]
        self._left = int(lengths[0]) if lengths else 0
        status = head.split(" ", 2)[1]
        answer.error = "" if status == "200" and self._left == answer.ask.size else f"{status}, {self._left} bytes"
        if not self._left:
            self._answered()

    def _read_body(self, connected: socket.socket) -> None:
        assert self._left is not None
        answer = self._flying[0]
        if answer.ask.data is None:
            size = connected.recv_into(_BUFFER, min(self._left, len(_BUFFER)), socket.MSG_TRUNC)
        else:
            data = connected.recv(min(self._left, 1 << 20))
            size = len(data)
            if data != answer.ask.data[answer.received : answer.received + size]:
                answer.error = answer.error or f"wrong bytes after {answer.received}"
        if not size:
            raise ConnectionError(f"cut after {answer.received} bytes")
        answer.received += size
        self._left -= size
        if not self._left:
            self._answered()

    def _answered(self) -> None:
        answer, now = self._flying.popleft(), time.perf_counter()
        answer.last_s = now - answer.due
        self._done.append(answer)
        self._left = None
        if self._flying:
            self._flying[0].due = max(self._flying[0].due, now)
        self._ask()

    def _broken(self, why: str) -> None:
        """The answer that was on its way is lost, or that of a connection on which nothing came at all."""
        selector = self._selector
        self.close()
        if self._left is not None or self._is_new:
            answer = self._flying.popleft()
            answer.error = why
            answer.last_s = time.perf_counter() - answer.due
            self._done.append(answer)
        self._left = None
        self._waiting.extendleft(reversed(self._flying))
        self._flying.clear()
        if self._waiting and selector is not None:
            self.begin(selector)


def _main() -> None:
    asks = [Ask(url, size) for url, size in json.loads(Path(sys.argv[1]).read_text())]
    port = urlsplit(os.environ["http_proxy"]).port
    assert port is not None
    with Asking() as client:
        client.connect(port, asks, DEPTH)
        seen = Summary.of(client.run(300))
    print(json.dumps(asdict(replace(seen, cpu_s=time.process_time()))))


if __name__ == "__main__":
    _main()
