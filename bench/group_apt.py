# SPDX-License-Identifier: MIT
"""apt-get and mmdebstrap through each proxy, cold and warm, over three links, beside no proxy at all."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable, Iterator

from bench.clients import apt_seconds, bootstrap_seconds, client
from bench.context import Context
from bench.link import PER_CONNECTION, SHARED, UNLIMITED, Shape
from bench.peers import APTFREEZE, Peer
from bench.processes import Server
from bench.report import Row
from bench.upstream import SET

_COLD = {PER_CONNECTION: 0.60, SHARED: 1.03, UNLIMITED: None}
Timed = Callable[[str, str | None], float]
"""Seconds of a client, by source and proxy."""


def measure(context: Context) -> Iterator[Row]:
    yield from _apt(context)
    yield from _cpu(context)
    yield _known_list(context)
    yield _run(context)
    yield from _bootstrap(context)


def _apt(context: Context) -> Iterator[Row]:
    def timed(source: str, proxy: str | None) -> float:
        return apt_seconds(context.upstream, source, proxy)

    for shape, limit in _COLD.items():
        cold = Row(f"apt-get, cold, {shape.name}", "s")
        warm = Row("apt-get, warm", "s")
        asked = Row("requests to the mirror in a warm run", "")
        _rounds(context, shape, timed, cold, (warm, asked) if shape is UNLIMITED else None)
        if limit is not None:
            cold.must_be(limit, times="direct")
        yield cold
        if shape is UNLIMITED:
            warm.must_be(1.10, times="file://")
            asked.must_be(0)
            yield from (warm, asked)


def _rounds(context: Context, shape: Shape, timed: Timed, cold: Row, warm: tuple[Row, Row] | None) -> None:
    source = f"{context.link.url}/debian"
    for number in range(context.rounds):
        context.link.shape(shape)
        cold.add("direct", timed(source, None))
        for peer in context.peers:
            with context.fresh() as folder, peer.start(folder, context.link) as server:
                cold.add(peer.name, timed(source, server.url))
                if warm:
                    _warm(context, peer, server, timed, *warm)
        if warm:
            warm[0].add("file://", timed(f"file:{context.upstream.folder}/debian", None))
            warm[0].add("direct", timed(source, None))
        context.tell(f"{cold.what}, round {number + 1}: {_last(cold)}")


def _warm(context: Context, peer: Peer, server: Server, timed: Timed, warm: Row, asked: Row) -> None:
    context.link.counts()
    warm.add(peer.name, timed(f"{context.link.url}/debian", server.url))
    asked.add(peer.name, context.link.counts().requests)


def _cpu(context: Context) -> Iterator[Row]:
    """What a cold run costs a proxy: once for each state of a suite, and for each byte of package files."""
    update = Row("CPU of a cold update (aptfreeze: signature, xz, look-up table)", "s")
    fetch = Row("CPU of fetching and serving package files (aptfreeze: and sha256)", "s per GB")
    context.link.shape(UNLIMITED)
    for _ in range(context.rounds):
        for peer in context.peers:
            with context.fresh() as folder, peer.start(folder, context.link) as server:
                apt = client(folder.parent, context.upstream, f"{context.link.url}/debian", server.url)
                began = server.cpu()
                apt.update().ok()
                idle = _idle_cpu(server)
                update.add(peer.name, idle - began)
                context.link.counts()
                apt.install(*SET).ok()
                fetch.add(peer.name, (_idle_cpu(server) - idle) / context.link.counts().body_bytes * 1e9)
    fetch.must_be(4, times="nginx")
    yield from (update, fetch)


def _idle_cpu(server: Server) -> float:
    """What it has used when it is done with what goes on behind its clients."""
    before = -1.0
    while (now := server.cpu()) - before > 0.01:
        before = now
        time.sleep(0.5)
    return now


def _known_list(context: Context) -> Row:
    """The record of an earlier run exists, the archive is empty: a fresh machine with the environment's state."""
    row = Row(f"apt-get, cold, list known from an earlier run, {PER_CONNECTION.name}", "s")
    source = f"{context.link.url}/debian"
    with context.fresh() as folder:
        context.link.shape(UNLIMITED)
        with APTFREEZE.start(folder, context.link) as server:
            apt_seconds(context.upstream, source, server.url)
        context.link.shape(PER_CONNECTION)
        for number in range(context.rounds):
            shutil.rmtree(folder / "archive")
            row.add("direct", apt_seconds(context.upstream, source, None))
            with APTFREEZE.start(folder, context.link) as server:
                row.add("aptfreeze", apt_seconds(context.upstream, source, server.url))
            context.tell(f"{row.what}, round {number + 1}: {_last(row)}")
    row.must_be(0.25, times="direct")
    return row


def _run(context: Context) -> Row:
    """`aptfreeze run` as a whole: it also fetches the index of the source packages."""
    row = Row(f"aptfreeze run -- apt-get, cold, with the Sources index, {SHARED.name}", "s")
    source = f"{context.link.url}/debian"
    context.link.shape(SHARED)
    for number in range(context.rounds):
        row.add("direct", apt_seconds(context.upstream, source, None))
        with context.fresh() as folder:
            wrapper = [sys.executable, "-m", "aptfreeze", "run", "--env", f"{folder}/environment"]
            wrapper += ["--archive", f"{folder}/archive", "--"]
            (folder / "environment").mkdir(parents=True)
            row.add("aptfreeze", apt_seconds(context.upstream, source, None, wrapper))
        context.tell(f"{row.what}, round {number + 1}: {_last(row)}")
    return row


def _bootstrap(context: Context) -> Iterator[Row]:
    """mmdebstrap --variant=minbase: what an image build really does."""
    cold = Row(f"mmdebstrap, cold, {PER_CONNECTION.name}", "s")
    warm = Row("mmdebstrap, warm", "s")
    source = f"{context.link.url}/debian"
    for number in range(context.rounds):
        context.link.shape(PER_CONNECTION)
        cold.add("direct", bootstrap_seconds(context.upstream, source, None))
        warm.add("file://", bootstrap_seconds(context.upstream, f"copy:{context.upstream.folder}/debian", None))
        for peer in context.peers:
            with context.fresh() as folder, peer.start(folder, context.link) as server:
                cold.add(peer.name, bootstrap_seconds(context.upstream, source, server.url))
                warm.add(peer.name, bootstrap_seconds(context.upstream, source, server.url))
        context.tell(f"{cold.what}, round {number + 1}: {_last(cold)}; warm {_last(warm)}")
    warm.must_be(1.10, times="file://")
    yield from (cold, warm)


def _last(row: Row) -> str:
    return ", ".join(f"{column} {figures[-1]:.2f}" for column, figures in row.figures.items())
