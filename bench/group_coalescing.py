# SPDX-License-Identifier: MIT
"""Twenty clients ask at once for one file that nobody has yet: what the mirror is asked, and how long they wait.

64 MiB behind a link of 30 ms and 400 Mbit/s per connection. In the last row, aptfreeze is two processes that know
nothing of each other but share an archive, with ten clients each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace

from bench.asking import Answer, Ask, Asking
from bench.content import Content
from bench.context import Context
from bench.link import PER_CONNECTION
from bench.peers import APTFREEZE, Peer, aptfreeze
from bench.processes import Server
from bench.report import Row
from bench.warmed import fill

_RATE = 4 * PER_CONNECTION.connection_rate
_LINK = replace(PER_CONNECTION, name="30 ms, 400 Mbit/s per connection", connection_rate=_RATE)
_CLIENTS = 20
_CONTENT = Content({64 << 20: 1, 1000: 1})
(_FILE,), _OTHER = _CONTENT.files(64 << 20), _CONTENT.files(1000)


class _Rows:
    """What is told of one way to run the proxies."""

    def __init__(self, how: str) -> None:
        self.received = Row(f"fetched from the mirror / size of the file, {how}", "")
        self.requests = Row(f"requests to the mirror, {how}", "")
        self.first = Row(f"slowest first byte, {how}", "s")
        self.last = Row(f"slowest last byte, {how}", "s")
        self.wrong = Row(f"clients that did not get the right bytes, {how}", "")

    def take(self, context: Context, name: str, answers: Sequence[Answer]) -> None:
        counts = context.link.counts()
        self.received.add(name, counts.body_bytes / _FILE.size)
        self.requests.add(name, counts.requests)
        self.first.add(name, max(answer.first_s for answer in answers))
        self.last.add(name, max(answer.last_s for answer in answers))
        self.wrong.add(name, sum(bool(answer.error) for answer in answers))

    def judged(self) -> Iterator[Row]:
        self.received.must_be(1.0)
        self.requests.must_be(1)
        self.first.must_be(0.1)
        self.wrong.must_be(0)
        yield from (self.received, self.requests, self.first, self.last, self.wrong)


def measure(context: Context) -> Iterator[Row]:
    _CONTENT.place(context.upstream.folder)
    one, two = _Rows(f"{_CLIENTS} clients"), _Rows(f"{_CLIENTS} clients, two processes with one archive")
    for number in range(context.rounds):
        for peer in context.peers:
            one.take(context, peer.name, _one_server(context, peer))
        two.take(context, APTFREEZE.name, _two_servers(context))
        context.tell(f"coalescing, round {number + 1}: last byte {one.last.latest()}; of two {two.last.latest()}")
    yield from one.judged()
    yield from two.judged()


def _one_server(context: Context, peer: Peer) -> list[Answer]:
    with context.fresh() as folder:
        _CONTENT.pin(folder / "environment", context.link)
        with peer.start(folder, context.link) as server:
            return _asked(context, [server])


def _two_servers(context: Context) -> list[Answer]:
    with context.fresh() as folder, ExitStack() as stack:
        for name in ("one", "two"):
            _CONTENT.pin(folder / name, context.link)
        starting = [aptfreeze(folder / name, folder / "archive") for name in ("one", "two")]
        return _asked(context, [stack.enter_context(each) for each in starting])


def _asked(context: Context, servers: Sequence[Server]) -> list[Answer]:
    """By all clients at once, shared out among the servers, which know the repository already."""
    for server in servers:
        fill(context, server, _OTHER)
    context.link.shape(_LINK)
    context.link.counts()
    with Asking() as client:
        for number in range(_CLIENTS):
            ask = Ask(context.link.url + _FILE.path, _FILE.size, _FILE.data)
            client.connect(servers[number % len(servers)].port, [ask])
        return client.run(60)
