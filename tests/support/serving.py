# SPDX-License-Identifier: MIT
"""A real server on a free loopback port, with a handler that a test writes as a table; and what clients read of it."""

import asyncio
import contextlib
import queue
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from aptfreeze.archive.growth import Descriptor, Growth
from aptfreeze.freeze.digest import Digest
from aptfreeze.http.message import BadRequest, Request, response_head
from aptfreeze.serve.limits import Limits
from aptfreeze.serve.reply import Body, Inline, Reply
from aptfreeze.serve.server import Server

_T = TypeVar("_T")
PATIENCE_S = 20.0
"""How long a test waits for what must happen; only a failing test waits so long."""

Answer = Reply | asyncio.Future[Reply]


@dataclass
class Scripted:
    """Answers a target as the script says, everything else by 404 with the target as its body."""

    script: dict[str, Callable[[Request], Answer]] = field(default_factory=dict)
    asked: "queue.Queue[str]" = field(default_factory=queue.Queue)
    """Targets, as they reached the handler."""
    receipts: "queue.Queue[tuple[str, int, bool]]" = field(default_factory=queue.Queue)
    """Target, body bytes sent, complete: in the order in which `Reply.done` was called."""

    def give(self, target: str, body: Body, status: int = 200, *, size: int | None = None, close: bool = False) -> None:
        """From now on, the target has this body."""
        self.script[target] = lambda _: self.reply(target, body, status, size=size, close=close)

    def answer(self, request: Request) -> Answer:
        target = request.target.decode()
        self.asked.put(target)
        make = self.script.get(target)
        return self.reply(target, Inline(target.encode()), 404) if make is None else make(request)

    def refuse(self, bad: BadRequest) -> Reply:
        return self.reply("bad request", Inline(bad.reason.encode()), bad.status, close=True)

    def reply(
        self, target: str, body: Body, status: int = 200, *, size: int | None = None, close: bool = False
    ) -> Reply:
        """A reply that tells its end to `receipts`; a pipe's size has to be said."""
        if isinstance(body, Inline):
            size = len(body.data)
        elif size is None:
            size = body.size  # type: ignore[union-attr]  # a pipe has none, and fails here
        head = response_head(status, "", [("Content-Length", str(size))])
        return Reply(head, body, close, lambda sent, complete: self.receipts.put((target, sent, complete)))

    def receipt(self) -> tuple[str, int, bool]:
        return self.receipts.get(timeout=PATIENCE_S)


@dataclass
class Running:
    """The server and the loop that it runs in, in another thread."""

    server: Server
    port: int
    loop: asyncio.AbstractEventLoop
    is_stopped: bool = False

    def call(self, function: Callable[[], _T]) -> _T:
        """Run a function in the loop, wait for its result."""

        async def run() -> _T:
            return function()

        return asyncio.run_coroutine_threadsafe(run(), self.loop).result(PATIENCE_S)

    def stop(self, grace_s: float) -> None:
        self.is_stopped = True
        asyncio.run_coroutine_threadsafe(self.server.stop(grace_s), self.loop).result(PATIENCE_S)

    def future(self) -> asyncio.Future[Reply]:
        """A future reply, to be resolved with `call`."""
        return self.loop.create_future()

    def connect(self, *, receive_buffer: int | None = None) -> socket.socket:
        with contextlib.ExitStack() as stack:
            client = stack.enter_context(socket.socket())
            if receive_buffer is not None:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            client.settimeout(PATIENCE_S)
            client.connect(("127.0.0.1", self.port))
            stack.pop_all()
        return client

    def ask(self, data: bytes) -> bytes:
        """Everything that one client reads who sends this and then its end."""
        with self.connect() as client:
            client.sendall(data)
            client.shutdown(socket.SHUT_WR)
            return read_all(client)


@contextlib.contextmanager
def serving(handler: Scripted, limits: Limits | None = None, server: Server | None = None) -> Iterator[Running]:
    """Serve in a thread until the block ends; an error of the server is raised there."""
    server = server or Server(limits)
    started: queue.Queue[Running] = queue.Queue()
    failures: list[BaseException] = []

    async def main() -> None:
        async with asyncio.TaskGroup() as tasks:
            port = server.listen("127.0.0.1", 0)
            tasks.create_task(server.serve(handler), name="server")
            started.put(Running(server, port, asyncio.get_running_loop()))

    def run() -> None:
        try:
            asyncio.run(main())
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    running = started.get(timeout=PATIENCE_S)
    try:
        yield running
    finally:
        if not running.is_stopped:
            running.stop(0.0)
        thread.join(PATIENCE_S)
    assert not failures, failures


def get(*targets: str, more: str = "", version: str = "1.1") -> bytes:
    """Pipelined GET requests; `more` are header lines with their line ends."""
    return b"".join(f"GET {t} HTTP/{version}\r\nHost: mirror.example.org\r\n{more}\r\n".encode() for t in targets)


def read_all(client: socket.socket) -> bytes:
    """Up to the clean end of the stream; ConnectionResetError if there is none."""
    pieces = []
    while piece := client.recv(1 << 20):
        pieces.append(piece)
    return b"".join(pieces)


def read_exactly(client: socket.socket, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        piece = client.recv(min(1 << 20, size - len(data)))
        assert piece, f"the stream ended after {len(data)} of {size} bytes: {bytes(data[:200])!r}"
        data += piece
    return bytes(data)


def read_answer(client: socket.socket) -> tuple[int, bytes]:
    """Status and body of one answer with a Content-Length, and not a byte more."""
    head = bytearray()
    while not head.endswith(b"\r\n\r\n"):
        head += read_exactly(client, 1)
    size = next(int(line[15:]) for line in head.decode().split("\r\n") if line.startswith("Content-Length:"))
    return int(head[9:12]), read_exactly(client, size)


def answer(status: int, reason: str, body: bytes, more: str = "") -> bytes:
    """The bytes of an answer of `Scripted`."""
    return f"HTTP/1.1 {status} {reason}\r\nContent-Length: {len(body)}\r\n{more}\r\n".encode() + body


def object_growth(path: Path, data: bytes) -> Growth:
    """A complete file of the archive with these bytes."""
    path.write_bytes(data)
    return Growth.of_object(Digest.of(data), Descriptor.open(path), len(data))


def growing_file(path: Path, size: int) -> tuple[Growth, Callable[[bytes], None]]:
    """A file that grows: what `write` is given is on disk and published when it returns."""
    path.touch()
    growth = Growth(size)
    growth.attach(Descriptor.open(path))

    def write(data: bytes) -> None:
        with path.open("ab") as out:
            out.write(data)
        growth.publish(path.stat().st_size)

    return growth, write


def open_descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def eventually(holds: Callable[[], bool]) -> bool:
    """Whether it becomes true; for counters of the kernel and of other threads that tell nobody."""
    end = time.monotonic() + PATIENCE_S
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.002)
    return True
