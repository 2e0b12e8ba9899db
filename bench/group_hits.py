# SPDX-License-Identifier: MIT
"""What a proxy needs for a package file that it holds.

A client asks again at once on each of its connections, so that the server always has work; what counts is the CPU of
the server for one hit. `pipelined`: each connection asks ten files at once, as apt does. The column nginx is the
cheaper one of the caching proxy and of a file server for the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from bench.asking import Ask, Asking
from bench.content import Content, File
from bench.context import Context
from bench.fileserver import file_server
from bench.load import load
from bench.processes import Server
from bench.report import Row
from bench.warmed import fill, warmed

_CONTENT = Content({10_000: 64, 300_000: 64, 64 << 20: 1})
_SMALL, _MIDDLE, _LARGE = (_CONTENT.files(size) for size in (10_000, 300_000, 64 << 20))
_REPEATS = 24
"""Of the large file, 1.6 GB, in so many seconds at most; squid does not get that far."""
_LARGE_S = 3.0


@dataclass
class _Case:
    name: str
    files: list[File]
    connections: int
    depth: int = 1
    limits: dict[str, float] = field(default_factory=dict)
    """The targets, by the column that they are a multiple of."""


_TARGETS = {"nginx": 1.5, "apt-cacher-ng": 0.4}
_CASES = [
    _Case("10 KB, 1 connection", _SMALL, 1),
    _Case("10 KB, 16 connections", _SMALL, 16, limits=_TARGETS),
    _Case("10 KB, 128 connections", _SMALL, 128),
    _Case("10 KB, 16 connections, pipelined", _SMALL, 16, 10, limits=_TARGETS),
    _Case("300 KB, 16 connections", _MIDDLE, 16, limits={"nginx": 1.5}),
]


def measure(context: Context) -> Iterator[Row]:
    with warmed(context, _CONTENT) as servers, file_server(context) as files:
        yield from _many(context, servers, files)
        yield _large(context, servers, files)
    yield _first_in_process(context)


def _many(context: Context, servers: list[Server], files: list[Server]) -> Iterator[Row]:
    for case in _CASES:
        cpu, base = Row(f"CPU of a hit, {case.name}", "µs"), Row("", "")
        rate = Row(f"hits, {case.name} (more is better)", "1/s")
        for number in range(context.rounds):
            for row, server in [*((cpu, server) for server in servers), *((base, server) for server in files)]:
                before = server.cpu()
                seen = load(server, context.link, case.files, case.connections, depth=case.depth)
                row.add(server.name, (server.cpu() - before) / seen.requests * 1e6)
                if row is cpu:
                    rate.add(server.name, seen.requests / seen.seconds)
                if seen.errors:
                    context.tell(f"{server.name}: {seen.errors} errors")
            context.tell(f"{cpu.what}, round {number + 1}: {cpu.latest()}")
        _cheaper(cpu, base)
        for times, limit in case.limits.items():
            cpu.must_be(limit, times=times)
        yield from (cpu, rate)


def _large(context: Context, servers: list[Server], files: list[Server]) -> Row:
    cpu, base = Row("CPU of a hit, 64 MiB", "s per GB"), Row("", "")
    for number in range(context.rounds):
        for row, server in [*((cpu, server) for server in servers), *((base, server) for server in files)]:
            row.add(server.name, _cpu_of_large(server, context, _REPEATS))
        context.tell(f"{cpu.what}, round {number + 1}: {cpu.latest()}")
    _cheaper(cpu, base)
    cpu.must_be(1.25, times="nginx")
    return cpu


def _first_in_process(context: Context) -> Row:
    """What is in the cache from before: aptfreeze hashes it while it sends it."""
    row = Row("CPU of a hit, 64 MiB, the first one after a start (aptfreeze verifies it)", "s per GB")
    for peer in context.peers:
        with context.fresh() as folder:
            _CONTENT.pin(folder / "environment", context.link)
            with peer.start(folder, context.link) as server:
                fill(context, server, _LARGE)
            for _ in range(context.rounds):
                with peer.start(folder, context.link) as server:
                    row.add(server.name, _cpu_of_large(server, context, 1))
    context.tell(f"{row.what}: {row.latest()}")
    return row


def _cpu_of_large(server: Server, context: Context, repeats: int) -> float:
    (file,) = _LARGE
    before = server.cpu()
    with Asking() as client:
        client.connect(server.port, [Ask(context.link.url + file.path, file.size)] * repeats)
        received = sum(answer.received for answer in client.run(_LARGE_S))
    return (server.cpu() - before) / received * 1e9


def _cheaper(row: Row, base: Row) -> None:
    """Have the cheaper nginx in the row."""
    proxy, file_server = row.median("nginx"), base.median("nginx")
    if proxy is not None and file_server is not None and file_server < proxy:
        row.figures["nginx"] = base.figures["nginx"]
