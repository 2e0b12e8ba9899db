# SPDX-License-Identifier: MIT
"""How much CPU a server needs for a file that it holds: `aptfreeze serve` beside nginx, by the same client.

usage: hits.py [ROUNDS]

One client holds 16 connections and asks on all of them, then reads all answers: the server always has work. With
`pipelined`, each connection asks ten files at once, as apt does. What counts is the CPU of the server (user and system,
all of its threads), which depends less on what else the machine does than the wall clock; each figure is the median of
the rounds, in which the servers take turns.

nginx (if it is installed) serves the same bytes as files, without an access log, from one worker.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from aptfreeze.archive.objects import Objects

CONNECTIONS = 16
FILES = 64
SCENARIOS = {"10 KB": (10_000, 1, 300), "10 KB, pipelined": (10_000, 10, 50), "300 KB": (300_000, 1, 60)}
"""Bytes of a file, requests in flight on a connection, and how often a round repeats that on all connections."""
HOST = "mirror.example.org"
LOCK = """version = 1
generation = "0123456789abcdef0123456789abcdef"
created = 2026-11-24T07:00:00Z

[extra]
"""
NGINX = """
daemon off; pid {folder}/pid; error_log stderr crit; worker_processes 1;
events {{ worker_connections 64; }}
http {{
    access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000; types {{ }}
    client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
    uwsgi_temp_path {folder}; scgi_temp_path {folder};
    server {{ listen 127.0.0.1:{port}; root {folder}; }}
}}
"""


@dataclass
class Server:
    name: str
    port: int
    pids: list[int]

    def cpu(self) -> float:
        """Seconds of all threads so far."""
        tasks = [task for pid in self.pids for task in Path(f"/proc/{pid}/task").iterdir()]
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def path(size: int, number: int) -> str:
    return f"/keys/{size}/{number}"


def content(size: int, number: int) -> bytes:
    return number.to_bytes(4) * (size // 4)


@contextlib.contextmanager
def aptfreeze(folder: Path) -> Iterator[Server]:
    """`aptfreeze serve` of an environment that pins all files, in an archive that holds them."""
    objects, lines = Objects(folder / "archive"), []
    for size, _, _ in SCENARIOS.values():
        for number in range(FILES):
            digest = objects.put(content(size, number))
            lines.append(f'"{HOST}{path(size, number)}" = "{digest}"\n')
    objects.close()
    (folder / "aptfreeze.lock").write_text(LOCK + "".join(sorted(set(lines))))
    ready = folder / "ready.json"
    options = ["--env", folder, "--archive", folder / "archive", "--offline", "--ready-file", ready]
    command = [sys.executable, "-m", "aptfreeze", "serve", *map(str, options), "--listen", "127.0.0.1:0"]
    with running(command, ready) as process:
        port = int(json.loads(ready.read_text())["url"].rpartition(":")[2])
        yield Server("aptfreeze", port, [process.pid])


@contextlib.contextmanager
def nginx(folder: Path) -> Iterator[Server]:
    for size, _, _ in SCENARIOS.values():
        for number in range(FILES):
            file = folder / path(size, number).lstrip("/")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content(size, number))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    folder.chmod(0o755)  # root's nginx has a worker of another user
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, port=port))
    with running(["nginx", "-c", str(folder / "nginx.conf")], folder / "pid") as process:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        while not children.read_text():
            time.sleep(0.01)
        yield Server("nginx", port, [process.pid, *map(int, children.read_text().split())])


@contextlib.contextmanager
def running(command: list[str], ready: Path) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            while not ready.exists() or not ready.read_text():
                if process.poll() is not None:
                    sys.exit(f"{command[0]} ended with {process.returncode}")
                time.sleep(0.01)
            yield process
        finally:
            process.terminate()


def head(size: int, number: int) -> bytes:
    """A request as apt makes it."""
    return (
        f"GET http://{HOST}{path(size, number)} HTTP/1.1\r\nHost: {HOST}\r\n"
        "User-Agent: Debian APT-HTTP/1.3 (2.6.1)\r\n\r\n"
    ).encode()


class Client:
    """The connections to one server."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.connections = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(CONNECTIONS)]
        for connection in self.connections:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = bytearray(4 << 20)

    def answer_size(self, size: int) -> int:
        """Bytes of one answer: the same for all files of a size. Asks for all, so that the server has seen them."""
        connection = self.connections[0]
        for number in range(FILES):
            connection.sendall(head(size, number))
            got = b""
            while not got.endswith(content(size, number)):
                got += connection.recv(1 << 20)
            if not got.startswith(b"HTTP/1.1 200 "):
                sys.exit(f"{self.server.name} answered {got[:200]!r}")
        return len(got)

    def round(self, size: int, depth: int, repeats: int) -> float:
        """Microseconds of the server's CPU for one request."""
        expected = self.answer_size(size) * depth
        batches = [b"".join(head(size, (first + n) % FILES) for n in range(depth)) for first in range(FILES)]
        began = self.server.cpu()
        for repeat in range(repeats):
            for number, connection in enumerate(self.connections):
                connection.sendall(batches[(repeat + number) % FILES])
            for connection in self.connections:
                left = expected
                while left:
                    got = connection.recv_into(self.buffer, min(left, len(self.buffer)), socket.MSG_WAITALL)
                    if not got:
                        sys.exit(f"{self.server.name} closed a connection")
                    left -= got
        return (self.server.cpu() - began) / (repeats * CONNECTIONS * depth) * 1e6


def table(rounds: int) -> None:
    servers = [aptfreeze, nginx] if shutil.which("nginx") else [aptfreeze]
    with contextlib.ExitStack() as stack:
        folders = [Path(stack.enter_context(tempfile.TemporaryDirectory())) for _ in servers]
        clients = [Client(stack.enter_context(s(folder))) for s, folder in zip(servers, folders, strict=True)]
        print(f"{rounds} rounds, {CONNECTIONS} connections, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
        print(f"{'CPU of one hit, µs':22}" + "".join(f"{each.server.name:>12}" for each in clients) + f"{'ratio':>8}")
        for name, scenario in SCENARIOS.items():
            took: list[list[float]] = [[] for _ in clients]
            for _ in range(rounds):
                for client, times in zip(clients, took, strict=True):
                    times.append(client.round(*scenario))
            figures = [statistics.median(times) for times in took]
            ratio = f"{figures[0] / figures[1]:8.2f}" if len(figures) > 1 else ""
            print(f"{name:22}" + "".join(f"{figure:12.1f}" for figure in figures) + ratio, flush=True)


if __name__ == "__main__":
    table(int(sys.argv[1]) if len(sys.argv) > 1 else 15)
