# SPDX-License-Identifier: MIT
"""What aptfreeze needs for a file that it holds when apt asks by https, beside nginx as a file server.

apt sends a CONNECT, which aptfreeze answers as if it were the mirror; handshake and requests come inside. nginx is
asked without CONNECT; other proxies do not look inside, so there is nothing to compare. Both have a certificate by the
same authority (ECDSA on P-256); the client is held to TLS 1.3 and makes sure that both chose the same cipher. Like
apt it resumes no session. It is a Python program and about as fast as the servers (`bench/tlsload.py`): their CPU is
what counts, and how many per second is as much the client's limit as theirs. *Pipelined*: ten files at once.
"""

from __future__ import annotations

import ssl
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial

from aptfreeze.trust.authority import Authority, LeafKey
from bench.content import Content
from bench.context import Context
from bench.fileserver import file_server
from bench.peers import APTFREEZE
from bench.report import Row
from bench.tlsload import Door, Seen, load, visits
from bench.warmed import fill

_CONTENT = Content({10_000: 64, 64 << 20: 1})
_SMALL, _LARGE = _CONTENT.files(10_000), _CONTENT.files(64 << 20)
_LARGE_S = 2.0
_CASES = {
    "a hit, 10 KB, 1 connection": partial(load, files=_SMALL, connections=1),
    "a hit, 10 KB, 16 connections": partial(load, files=_SMALL, connections=16),
    "a hit, 10 KB, 1 connection, pipelined": partial(load, files=_SMALL, connections=1, depth=10),
    "a hit, 10 KB, 16 connections, pipelined": partial(load, files=_SMALL, connections=16, depth=10),
    "a new connection with one hit, 10 KB": partial(visits, files=_SMALL),
}


def measure(context: Context) -> Iterator[Row]:
    with _doors(context) as doors:
        for name, ask in _CASES.items():
            yield from _rows(context, doors, name, ask)
        yield from _large(context, doors)


def _rows(context: Context, doors: list[Door], name: str, ask: Callable[[Door], Seen]) -> Iterator[Row]:
    cpu, rate = Row(f"CPU of {name}, by TLS", "µs"), Row(f"{name}, by TLS (more is better)", "1/s")
    for number in range(context.rounds):
        for door in doors:
            seen = ask(door)
            cpu.add(door.server.name, seen.cpu_s / seen.requests * 1e6)
            rate.add(door.server.name, seen.requests / seen.seconds)
        context.tell(f"{cpu.what}, round {number + 1}: {cpu.latest()}")
    cpu.must_be(1.5, times="nginx")
    yield from (cpu, rate)


def _large(context: Context, doors: list[Door]) -> Iterator[Row]:
    cpu, rate = Row("CPU of a hit, 64 MiB, by TLS", "s per GB"), Row("a hit, 64 MiB, by TLS (more is better)", "MB/s")
    for number in range(context.rounds):
        for door in doors:
            seen = load(door, _LARGE, 1, seconds=_LARGE_S)
            cpu.add(door.server.name, seen.cpu_s / seen.received * 1e9)
            rate.add(door.server.name, seen.received / seen.seconds / 1e6)
        context.tell(f"{cpu.what}, round {number + 1}: {cpu.latest()}")
    cpu.must_be(1.5, times="nginx")
    yield from (cpu, rate)


@contextmanager
def _doors(context: Context) -> Iterator[list[Door]]:
    """aptfreeze, and nginx if it is installed; each has served all files."""
    _CONTENT.place(context.upstream.folder)
    authority = Authority.generate("benchmark")
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.load_verify_locations(cadata=authority.certificate.decode())
    client.minimum_version = ssl.TLSVersion.TLSv1_3
    client.check_hostname = False
    with ExitStack() as stack:
        folder = stack.enter_context(context.fresh())
        _CONTENT.pin(folder / "environment", context.link)
        (folder / "authority.pem").write_bytes(authority.pem)
        (folder / "authority.pem").chmod(0o600)
        (folder / "environment/aptfreeze.toml").write_text(f'[tls]\nauthority = "{folder / "authority.pem"}"\n')
        server = stack.enter_context(APTFREEZE.start(folder, context.link))
        fill(context, server, [*_SMALL, *_LARGE])
        leaf = authority.leaf("127.0.0.1", LeafKey.generate())
        others = stack.enter_context(file_server(context, leaf))
        doors = [Door(server, context.link.host, True, client)]
        doors += [Door(other, context.link.host, False, client) for other in others]
        chosen = {door.server.name: door.learn([*_SMALL, *_LARGE]) for door in doors}
        if len(set(chosen.values())) > 1:
            sys.exit(f"not the same TLS, so nothing to compare: {chosen}")
        context.tell(f"{' '.join(chosen['aptfreeze'])}; {ssl.OPENSSL_VERSION}")
        yield doors
