# SPDX-License-Identifier: MIT
"""A mirror at the other end of a modelled link, in a process of its own.

    with Link(folder) as link:
        link.shape(PER_CONNECTION)
        ...                        # clients use link.url
        link.counts()

usage of the process: python -m bench.link FOLDER; it prints its port, then answers each line of JSON on stdin.

The kernel's own shaper needs a module that many machines lack, so the model is in the server: a request takes half a
round trip to arrive, an answer the other half; answers of a connection follow one another; a connection begins with a
window of ten segments, which doubles each round trip (TCP slow start), up to its rate; all connections together do not
exceed the rate of the link. A new connection costs one round trip.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from email.utils import formatdate, parsedate_to_datetime
from pathlib import Path
from typing import Any, Self
from urllib.parse import unquote

from bench.processes import free_port

_INITIAL_WINDOW = 10 * 1448
_CHUNK = 64 << 10
_CREDIT_S = 0.05
"""A timer that fires late is made up for, up to so much: a real link would have gone on meanwhile."""
_SEND_BUFFER = 256 << 10


@dataclass(frozen=True)
class Shape:
    """A link. Rates in bytes per second; 0: as fast as it goes."""

    name: str
    rtt_s: float
    connection_rate: float
    link_rate: float


_MBIT = 125_000.0
PER_CONNECTION = Shape("30 ms, 100 Mbit/s per connection", 0.030, 100 * _MBIT, 0.0)
SHARED = Shape("30 ms, one link of 100 Mbit/s", 0.030, 100 * _MBIT, 100 * _MBIT)
UNLIMITED = Shape("unlimited", 0.0, 0.0, 0.0)


@dataclass
class Counts:
    """What was asked since they were last read."""

    requests: int = 0
    body_bytes: int = 0
    connections: int = 0


class Link:
    """The process, from outside."""

    def __init__(self, folder: Path) -> None:
        command = [sys.executable, "-m", "bench.link", str(folder)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.host}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def shape(self, shape: Shape) -> None:
        self._tell(shape=asdict(shape))

    def cut(self, *, after: int, times: int) -> None:
        """Reset the next answers (so many times) that are longer, after so many bytes of the body."""
        self._tell(cut={"after": after, "times": times})

    def counts(self) -> Counts:
        """Since they were last read."""
        return Counts(**self._tell(counts=True))

    def _tell(self, **order: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


# --- the process -----------------------------------------------------------------------------------------------------


class _Mirror:
    """Mutable state: shape, counts, cuts to come, when the link is free again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.shape = UNLIMITED
        self.counts = Counts()
        self.cut_after = self.cuts = 0
        self.free = 0.0

    def obey(self, order: Mapping[str, Any]) -> Any:
        if "shape" in order:
            self.shape, self.free = Shape(**order["shape"]), 0.0
        if "cut" in order:
            self.cut_after, self.cuts = order["cut"]["after"], order["cut"]["times"]
        counts = asdict(self.counts)
        if "counts" in order:
            self.counts = Counts()
        return counts

    async def client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.counts.connections += 1
        writer.transport.set_write_buffer_limits(high=_CHUNK)
        writer.get_extra_info("socket").setsockopt(1, 7, _SEND_BUFFER)  # SO_SNDBUF: what is sent is nearly received
        connection = _Connection(self, writer)
        try:
            async with asyncio.TaskGroup() as tasks:
                asked: asyncio.Queue[tuple[float, bytes] | None] = asyncio.Queue()
                tasks.create_task(connection.answer_all(asked))
                await _read_all(reader, asked)
        except* (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


async def _read_all(reader: asyncio.StreamReader, asked: asyncio.Queue[tuple[float, bytes] | None]) -> None:
    """Note when each request came."""
    loop = asyncio.get_running_loop()
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            asked.put_nowait((loop.time(), head))
    except (asyncio.IncompleteReadError, ConnectionError):
        asked.put_nowait(None)


class _Connection:
    """The answers of one connection. Mutable state: when its share of the link is free, the congestion window."""

    def __init__(self, mirror: _Mirror, writer: asyncio.StreamWriter) -> None:
        self._mirror = mirror
        self._writer = writer
        self._loop = asyncio.get_running_loop()
        self._opened = self._loop.time()
        self._free = 0.0
        self._window = float(_INITIAL_WINDOW)

    async def answer_all(self, asked: asyncio.Queue[tuple[float, bytes] | None]) -> None:
        while (item := await asked.get()) is not None:
            arrived, head = item
            rtt = self._mirror.shape.rtt_s
            self._free = max(self._free, max(arrived, self._opened + rtt) + rtt / 2)
            await self._answer(head)
        self._writer.close()

    async def _answer(self, head: bytes) -> None:
        self._mirror.counts.requests += 1
        lines = head.decode("latin-1").split("\r\n")
        fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        target = lines[0].split(" ")[1]
        path = "/" + target.partition("://")[2].partition("/")[2] if "://" in target else target
        try:
            file = (self._mirror.folder / unquote(path).lstrip("/")).open("rb")
        except OSError:
            await self._send(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
            return
        with file:
            await self._answer_file(file.fileno(), fields)

    async def _answer_file(self, descriptor: int, fields: Mapping[str, str]) -> None:
        stat = os.fstat(descriptor)
        since = fields.get("if-modified-since")
        if since and stat.st_mtime <= parsedate_to_datetime(since).timestamp():
            await self._send(b"HTTP/1.1 304 Not Modified\r\n\r\n")
            return
        start, end, size = 0, stat.st_size, stat.st_size
        status = "200 OK"
        extra = ""
        if fields.get("range", "").startswith("bytes="):
            first, _, last = fields["range"].removeprefix("bytes=").partition("-")
            start, end = int(first), min(int(last) + 1 if last else size, size)
            status, extra = "206 Partial Content", f"Content-Range: bytes {start}-{end - 1}/{size}\r\n"
        head = (
            f"HTTP/1.1 {status}\r\nContent-Length: {end - start}\r\n{extra}Accept-Ranges: bytes\r\n"
            f"Last-Modified: {formatdate(stat.st_mtime, usegmt=True)}\r\nContent-Type: application/octet-stream\r\n\r\n"
        )
        await self._send_body(head.encode(), descriptor, start, end)

    async def _send_body(self, head: bytes, descriptor: int, start: int, end: int) -> None:
        mirror, begin = self._mirror, start
        is_cut = mirror.cuts > 0 and end - start > mirror.cut_after
        mirror.cuts -= is_cut
        while start < end or head:
            # A quarter of the window at most: what is sent at once arrives only when the last byte of it does.
            most = min(_CHUNK, int(self._window) // 4) if mirror.shape.rtt_s else _CHUNK
            piece = os.pread(descriptor, min(most, end - start), start)
            await self._send(head + piece)
            start, head = start + len(piece), b""
            mirror.counts.body_bytes += len(piece)
            if is_cut and start - begin >= mirror.cut_after:
                self._writer.transport.abort()
                raise ConnectionResetError

    async def _send(self, data: bytes) -> None:
        shape, now = self._mirror.shape, self._loop.time()
        if shape.rtt_s:
            rate = min(shape.connection_rate or float("inf"), self._window / shape.rtt_s)
            self._free = max(self._free, now - _CREDIT_S) + len(data) / rate
            self._window += len(data)
            if shape.link_rate:
                self._mirror.free = max(self._mirror.free, self._free - len(data) / rate, now - _CREDIT_S)
                self._mirror.free += len(data) / shape.link_rate
                self._free = max(self._free, self._mirror.free)
            wait = self._free + shape.rtt_s / 2 - now
            if wait > 0.001:
                await asyncio.sleep(wait)
        self._writer.write(data)
        await self._writer.drain()


async def _main(folder: Path) -> None:
    mirror = _Mirror(folder)
    loop = asyncio.get_running_loop()
    port = free_port()
    server = await asyncio.start_server(mirror.client, "127.0.0.1", port, backlog=1024)
    print(port, flush=True)
    threading.Thread(target=_obey_all, args=(mirror, loop), daemon=True).start()
    async with server:
        await server.serve_forever()


def _obey_all(mirror: _Mirror, loop: asyncio.AbstractEventLoop) -> None:
    async def obey(order: Mapping[str, Any]) -> Any:
        return mirror.obey(order)

    for line in sys.stdin:
        answer = asyncio.run_coroutine_threadsafe(obey(json.loads(line)), loop).result()
        print(json.dumps(answer), flush=True)
    os._exit(0)  # whoever started us is gone


if __name__ == "__main__":
    asyncio.run(_main(Path(sys.argv[1])))
