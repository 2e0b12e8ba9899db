# SPDX-License-Identifier: MIT
"""Many warm builds at once, each asking for all packages of the set (265 files, 180 MB), ten at a time as apt does.

Fifty times apt is too much for a small machine, so the client is a light one that throws away what it gets; with one
and with ten builds, apt-get itself is measured as well (ten at once in one round only). *One server*: all builds use
one proxy. *Own run*: each build is an `aptfreeze run` of its own, with an environment of its own, on one archive; it
starts, and verifies each file anew. A proxy that is not done after eight seconds is judged by what it did until then.
"""

from __future__ import annotations

import json
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench import asking
from bench.asking import DEPTH, NO_ANSWER, Asking, Summary
from bench.clients import apt_seconds
from bench.context import Context
from bench.link import UNLIMITED
from bench.peers import APTFREEZE
from bench.processes import Server
from bench.real import build_once, built, packages
from bench.report import Row

_BUILDS, _APT = (1, 10, 50), (1, 10)
_LIMIT_S = 8.0


class _Rows:
    """What is told of so many builds at once."""

    def __init__(self, how: str) -> None:
        self.rate = Row(f"{how}: files (more is better)", "MB/s")
        self.requests = Row(f"{how}: requests (more is better)", "1/s")
        self.cpu = Row(f"{how}: CPU", "s per GB")
        self.first = Row(f"{how}: slowest answer, to its first byte", "s")
        self.last = Row(f"{how}: slowest answer, to its last byte", "s")
        self.errors = Row(f"{how}: errors", "")

    def take(self, name: str, seen: Summary, seconds: float, cpu: float) -> None:
        self.rate.add(name, seen.received / seconds / 1e6)
        self.requests.add(name, seen.requests / seconds)
        self.cpu.add(name, cpu / seen.received * 1e9)
        self.first.add(name, seen.slowest_first_s)
        self.last.add(name, seen.slowest_s)
        self.errors.add(name, seen.errors)

    def judged(self) -> Iterator[Row]:
        self.first.must_be(1)
        self.errors.must_be(0)
        yield from (self.rate, self.requests, self.cpu, self.first, self.last, self.errors)


def measure(context: Context) -> Iterator[Row]:
    context.link.shape(UNLIMITED)
    shared = {count: _Rows(f"{_builds(count)}, one server") for count in _BUILDS}
    own = {count: _Rows(f"{_builds(count)}, own run") for count in _BUILDS}
    apt = {count: Row(f"{_builds(count)} with apt-get, one server", "s") for count in _APT}
    with built(context) as servers, context.fresh() as folder:
        with APTFREEZE.start(folder, context.link) as server:
            build_once(context, server)
        for number in range(context.rounds):
            for count, rows in shared.items():
                for server in servers:
                    rows.take(server.name, *_through_one(context, server, count))
            for count, rows in own.items():
                rows.take(APTFREEZE.name, *_each_in_a_run(context, folder, count))
            for count, row in apt.items():
                if count == 1 or number == 0:  # ten at once take long, since apt itself does
                    for server in servers:
                        row.add(server.name, _with_apt(context, server, count))
            rates = [f"{count}: {rows.rate.latest()}" for count, rows in shared.items()]
            context.tell(f"builds, round {number + 1}: MB/s of {'; '.join(rates)}")
    for each in (*shared.values(), *own.values()):
        yield from each.judged()
    yield from apt.values()


def _builds(count: int) -> str:
    return "1 build" if count == 1 else f"{count} builds at once"


def _through_one(context: Context, server: Server, count: int) -> tuple[Summary, float, float]:
    """What the clients saw, in how many seconds, and the CPU of the server."""
    asks = packages(context)
    with Asking() as client:
        for _ in range(count):
            client.connect(server.port, asks, DEPTH)
        began, before = time.perf_counter(), server.cpu()
        answers = client.run(_LIMIT_S)
        seconds = time.perf_counter() - began
        begun = [answer for answer in answers if answer.received or answer.error != NO_ANSWER]
        return Summary.of(begun), seconds, server.cpu() - before


def _each_in_a_run(context: Context, folder: Path, count: int) -> tuple[Summary, float, float]:
    """The same of clients that are the command of an `aptfreeze run` each; its CPU is without theirs."""
    asks = folder / "asks.json"
    asks.write_text(json.dumps([(ask.url, ask.size) for ask in packages(context)]))
    commands = [_run(folder, number, asks) for number in range(count)]
    before, began = _children_cpu(), time.perf_counter()
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) for command in commands]
    seen = [Summary(**json.loads(each.communicate()[0])) for each in running]
    seconds = time.perf_counter() - began
    return sum(seen[1:], seen[0]), seconds, _children_cpu() - before - sum(each.cpu_s for each in seen)


def _run(folder: Path, number: int, asks: Path) -> list[str]:
    environment = folder / f"build-{number}"
    environment.mkdir(exist_ok=True)
    shutil.copy(folder / "environment/aptfreeze.lock", environment)
    command = [sys.executable, "-m", "aptfreeze", "run", "--env", str(environment)]
    command += ["--archive", str(folder / "archive"), "--offline", "--"]
    return [*command, sys.executable, "-I", "-S", str(Path(asking.__file__)), str(asks)]


def _with_apt(context: Context, server: Server, count: int) -> float:
    """Seconds until all are done."""
    source = f"{context.link.url}/debian"
    began = time.perf_counter()
    with ThreadPoolExecutor(count) as threads:
        list(threads.map(lambda _: apt_seconds(context.upstream, source, server.url), range(count)))
    return time.perf_counter() - began


def _children_cpu() -> float:
    """Seconds of all processes that ended and were waited for, and of their children."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
