# SPDX-License-Identifier: MIT
"""How long a hit of 10 KB takes, alone and beside four cold downloads.

16 connections ask again 5 ms after each answer on average, 3000 times a second in all: ten times what one apt does, and
little enough that the load does not wait for itself. The downloads are as fast as the machine allows; they and the
mirror share its cores with the proxy. wrk tells what a client that asks at a constant rate would have seen: a pause
counts for all requests that fell into it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

from bench.asking import Ask, Asking
from bench.content import Content
from bench.context import Context
from bench.link import UNLIMITED
from bench.load import load
from bench.processes import Server
from bench.report import Row
from bench.warmed import fill

_SMALL_SIZE, _LARGE_SIZE = 10_000, 64 << 20
_CLIENTS, _FILES_EACH = 4, 3
_CONTENT = Content({_SMALL_SIZE: 64, _LARGE_SIZE: _CLIENTS * _FILES_EACH})
_CONNECTIONS, _PAUSE_MS, _LOAD_S = 16, 5, 2


class _Rows:
    def __init__(self, how: str) -> None:
        self.median = Row(f"10 KB hit, median, {how}", "ms")
        self.late = Row(f"10 KB hit, 99th percentile, {how}", "ms")

    def take(self, context: Context, server: Server) -> None:
        seen = load(
            server, context.link, _CONTENT.files(_SMALL_SIZE), _CONNECTIONS, pause_ms=_PAUSE_MS, seconds=_LOAD_S
        )
        self.median.add(server.name, seen.p50_ms)
        self.late.add(server.name, seen.p99_ms)

    def judged(self) -> Iterator[Row]:
        self.late.must_be(3)
        yield from (self.median, self.late)


def measure(context: Context) -> Iterator[Row]:
    _CONTENT.place(context.upstream.folder)
    alone, beside = _Rows("alone"), _Rows("beside four cold downloads")
    rate = Row("these downloads together (more is better)", "MB/s")
    for number in range(context.rounds):
        for peer in context.peers:
            with context.fresh() as folder:
                _CONTENT.pin(folder / "environment", context.link)
                with peer.start(folder, context.link) as server:
                    fill(context, server, _CONTENT.files(_SMALL_SIZE))
                    alone.take(context, server)
                    rate.add(peer.name, _beside_downloads(context, server, beside))
        context.tell(f"latency, round {number + 1}: alone {alone.late.latest()}; beside {beside.late.latest()}")
    yield from (*alone.judged(), *beside.judged(), rate)


def _beside_downloads(context: Context, server: Server, rows: _Rows) -> float:
    """Returns MB/s of the downloads."""
    context.link.shape(UNLIMITED)
    rates: list[float] = []

    def download() -> None:
        with Asking() as client:
            for number in range(_CLIENTS):
                files = _CONTENT.files(_LARGE_SIZE)[number::_CLIENTS]
                client.connect(server.port, [Ask(context.link.url + file.path, file.size) for file in files])
            began = time.perf_counter()
            received = sum(answer.received for answer in client.run(_LOAD_S + 1.0))
            rates.append(received / (time.perf_counter() - began) / 1e6)

    downloading = threading.Thread(target=download)
    downloading.start()
    time.sleep(0.2)
    rows.take(context, server)
    downloading.join()
    return rates[0]
