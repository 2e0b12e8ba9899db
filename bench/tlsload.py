# SPDX-License-Identifier: MIT
"""Load by TLS, on a server or through a proxy's CONNECT, which wrk cannot do.

One thread, many connections. It is about as fast as the servers, so that they sleep between requests more often than
under wrk; and it is the same for all of them.
"""

from __future__ import annotations

import selectors
import socket
import ssl
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

from bench.content import File
from bench.processes import Server

_BUFFER = bytearray(64 << 10)
_AGENT = "User-Agent: Debian APT-HTTP/1.3 (2.6.1)"
_PATIENCE_S = 20


@dataclass
class Door:
    """How one server is entered. Mutable: the size of each file's answer, its head included, as `learn` saw it."""

    server: Server
    host: str
    """Whose files they are."""
    is_proxy: bool
    """Whether it is asked for the host by CONNECT."""
    context: ssl.SSLContext
    sizes: dict[File, int] = field(default_factory=dict)

    def enter(self) -> ssl.SSLSocket:
        """A new connection whose handshake is done."""
        plain = socket.create_connection(("127.0.0.1", self.server.port), _PATIENCE_S)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.is_proxy:
            plain.sendall(f"CONNECT {self.host} HTTP/1.1\r\nHost: {self.host}\r\n{_AGENT}\r\n\r\n".encode())
            answer = b""
            while not answer.endswith(b"\r\n\r\n"):
                answer += plain.recv(1) or self._leave("an end instead of an answer to CONNECT")
            if b" 200 " not in answer:
                self._leave(answer.decode())
        return self.context.wrap_socket(plain)

    def request(self, file: File) -> bytes:
        return f"GET {file.path} HTTP/1.1\r\nHost: {self.host}\r\n{_AGENT}\r\n\r\n".encode()

    def learn(self, files: Sequence[File]) -> tuple[str, str]:
        """Ask for each file and compare its bytes; protocol and cipher."""
        with self.enter() as connected:
            for file in files:
                connected.sendall(self.request(file))
                head, _, body = connected.recv().partition(b"\r\n\r\n")
                parts = [body]
                while (left := file.size - sum(map(len, parts))) > 0:
                    parts.append(connected.recv(left) or self._leave(f"an end within {file.path}"))
                if b" 200 " not in head or b"".join(parts) != file.data:
                    self._leave(f"wrong answer to {file.path}: {head.decode()}")
                self.sizes[file] = len(head) + 4 + file.size
            name, version, _ = connected.cipher() or ("", "", 0)
        return version, name

    def visit(self, file: File) -> None:
        """Enter, ask for one file and leave."""
        with self.enter() as connected:
            connected.sendall(self.request(file))
            left = self.sizes[file]
            while left:
                left -= connected.recv_into(_BUFFER, left) or len(self._leave(f"an end within {file.path}"))

    def _leave(self, why: str) -> bytes:
        sys.exit(f"{self.server.name} by TLS: {why}")


@dataclass
class Seen:
    """Of one load: what came, in bytes with heads, and the server's CPU meanwhile, in seconds."""

    requests: int
    received: int
    seconds: float
    cpu_s: float


class _Flow:
    """One connection that asks for the same files over and over. Mutable: whose turn it is, what is missing, counts."""

    def __init__(self, door: Door, files: Sequence[File], depth: int, first: int) -> None:
        turns = [[files[(at + n) % len(files)] for n in range(depth)] for at in range(len(files))]
        self._texts = [b"".join(map(door.request, turn)) for turn in turns]
        self._sizes = [sum(door.sizes[file] for file in turn) for turn in turns]
        self._turn, self._depth, self._left = first, depth, 0
        self.socket = door.enter()
        self.socket.setblocking(False)
        self.requests = self.received = 0

    def ask(self) -> Self:
        self._turn = (self._turn + 1) % len(self._texts)
        self._left = self._sizes[self._turn]
        self.socket.sendall(self._texts[self._turn])  # far less than what a socket takes that has nothing in flight
        return self

    def readable(self) -> None:
        try:
            while self._left > 0:
                if not (got := self.socket.recv_into(_BUFFER)):
                    sys.exit("a server closed a connection by TLS")
                self._left -= got
                self.received += got
        except ssl.SSLWantReadError:
            return
        if self._left:
            sys.exit(f"{-self._left} bytes more than expected by TLS")
        self.requests += self._depth
        self.ask()


def load(door: Door, files: Sequence[File], connections: int, *, depth: int = 1, seconds: float = 1.0) -> Seen:
    """Ask for these files, `depth` at once on each connection, the next ones when all of them have come."""
    flows = [_Flow(door, files, depth, number) for number in range(connections)]
    with selectors.DefaultSelector() as selector:
        cpu, began = door.server.cpu(), time.perf_counter()
        for flow in flows:
            selector.register(flow.ask().socket, selectors.EVENT_READ, flow)
        while (now := time.perf_counter()) < began + seconds:
            for key, _ in selector.select(1):
                key.data.readable()
        cpu = door.server.cpu() - cpu
    for flow in flows:
        flow.socket.close()
    return Seen(sum(flow.requests for flow in flows), sum(flow.received for flow in flows), now - began, cpu)


def visits(door: Door, files: Sequence[File], *, seconds: float = 1.0) -> Seen:
    """Enter for each request anew, one after the other."""
    cpu, began, count = door.server.cpu(), time.perf_counter(), 0
    while (now := time.perf_counter()) < began + seconds:
        door.visit(files[count % len(files)])
        count += 1
    return Seen(
        count, sum(door.sizes[files[n % len(files)]] for n in range(count)), now - began, door.server.cpu() - cpu
    )
