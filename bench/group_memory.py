# SPDX-License-Identifier: MIT
"""What a proxy holds of the memory, and whether it answers many connections.

Each connection asks for one file of 10 KB and stays open; an active one asks for files of 300 KB, one after the other.
A client counts as not answered after five seconds. Every server begins with a limit of 1024 open files, as a login
shell or a service has it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator

from bench.asking import Ask, Asking
from bench.content import Content, File
from bench.context import Context
from bench.processes import Server
from bench.real import build_once
from bench.report import Row
from bench.warmed import fill

_CONTENT = Content({10_000: 64, 300_000: 64})
_SMALL, _MIDDLE = _CONTENT.files(10_000), _CONTENT.files(300_000)
_IDLE, _ACTIVE, _ASKED_EACH = 500, 50, 40
_LIMIT_S = 5.0


class _Rows:
    def __init__(self) -> None:
        self.fresh = Row("memory, just started", "MB")
        self.used = Row("memory, after a cold build of 180 MB", "MB")
        self.active = Row(f"memory, {_IDLE} idle and {_ACTIVE} active connections", "MB")
        self.idle = Row(f"memory, {2 * _IDLE} idle connections", "MB")
        self.unanswered = Row(f"connections of {2 * _IDLE + _ACTIVE} that were not answered", "")

    def judged(self) -> Iterator[Row]:
        self.fresh.must_be(40)
        self.active.must_be(60)
        self.idle.must_be(60)
        self.unanswered.must_be(0)
        yield from (self.fresh, self.used, self.active, self.idle, self.unanswered)


def measure(context: Context) -> Iterator[Row]:
    _CONTENT.place(context.upstream.folder)
    rows = _Rows()
    for number in range(context.rounds):
        for peer in context.peers:
            with context.fresh() as folder, peer.start(folder, context.link) as server:
                rows.fresh.add(peer.name, server.memory())
                build_once(context, server)
                rows.used.add(peer.name, server.memory())
            with context.fresh() as folder:
                _CONTENT.pin(folder / "environment", context.link)
                with peer.start(folder, context.link) as server:
                    _connections(context, server, rows)
        context.tell(f"memory, round {number + 1}: {rows.idle.latest()}; unanswered {rows.unanswered.latest()}")
    yield from rows.judged()


def _connections(context: Context, server: Server, rows: _Rows) -> None:
    fill(context, server, list(_CONTENT.all_files))
    with Asking() as idle:
        unanswered = _opened(context, idle, server, _IDLE)
        missed, memory = _active(context, server)
        unanswered += missed + _opened(context, idle, server, _IDLE)
        rows.active.add(server.name, memory)
        rows.idle.add(server.name, server.memory())
    rows.unanswered.add(server.name, unanswered)


def _active(context: Context, server: Server) -> tuple[int, float]:
    """How many active connections had an answer missing, and the most memory meanwhile."""
    seen, ended = [0.0], threading.Event()

    def watch() -> None:
        while not ended.wait(0.05):
            seen.append(server.memory())

    watching = threading.Thread(target=watch)
    with Asking() as client:
        for number in range(_ACTIVE):
            files = [_MIDDLE[(number + n) % len(_MIDDLE)] for n in range(_ASKED_EACH)]
            client.connect(server.port, [_ask(context, file) for file in files])
        watching.start()
        answers = client.run(_LIMIT_S)
        ended.set()
        watching.join()
    unanswered = [answers[n : n + _ASKED_EACH] for n in range(0, len(answers), _ASKED_EACH)]
    return sum(any(answer.error for answer in each) for each in unanswered), max(seen)


def _opened(context: Context, client: Asking, server: Server, count: int) -> int:
    """Open so many connections; how many of them were not answered."""
    for number in range(count):
        client.connect(server.port, [_ask(context, _SMALL[number % len(_SMALL)])])
    return sum(bool(answer.error) for answer in client.run(_LIMIT_S))


def _ask(context: Context, file: File) -> Ask:
    return Ask(context.link.url + file.path, file.size)
