# SPDX-License-Identifier: MIT
"""What a client gets, and what is fetched again, when something breaks at a third of a download.

64 MiB behind a link of 30 ms and 400 Mbit/s per connection. *Killed*: the proxy ends by kill -9, is started anew on
what it has on disk, and is asked again. *Reset*: the mirror ends the connection once in the middle of the file, and is
well afterwards. *Gone*: the mirror ends for good; aptfreeze alone can be told of a second one (`[mirrors]`).
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from bench.asking import Answer, Ask, Asking
from bench.content import Content
from bench.context import Context
from bench.link import PER_CONNECTION, Link
from bench.peers import APTFREEZE, Peer
from bench.processes import Server
from bench.report import Row
from bench.warmed import fill

_RATE = 4 * PER_CONNECTION.connection_rate
_LINK = replace(PER_CONNECTION, name="30 ms, 400 Mbit/s per connection", connection_rate=_RATE)
_CONTENT = Content({64 << 20: 1, 1000: 1})
(_FILE,), _OTHER = _CONTENT.files(64 << 20), _CONTENT.files(1000)
_THIRD = _FILE.size // 3


class _Rows:
    def __init__(self, name: str, limit: float | None) -> None:
        self.wrong = Row(f"{name}: answers that were not right", "")
        self.again = Row(f"{name}: fetched after that / size of the file", "")
        self.limit = limit

    def take(self, name: str, answer: Answer, again: float) -> None:
        self.wrong.add(name, bool(answer.error))
        self.again.add(name, again / _FILE.size)

    def judged(self) -> Iterator[Row]:
        self.wrong.must_be(0)
        if self.limit is not None:
            self.again.must_be(self.limit)
        yield from (self.wrong, self.again)


def measure(context: Context) -> Iterator[Row]:
    _CONTENT.place(context.upstream.folder)
    killed, reset, gone = _Rows("proxy killed", 0.70), _Rows("mirror resets", 0.70), _Rows("mirror gone", 0.70)
    for number in range(context.rounds):
        for peer in context.peers:
            killed.take(peer.name, *_killed(context, peer))
            reset.take(peer.name, *_reset(context, peer))
        gone.take(APTFREEZE.name, *_gone(context))
        context.tell(f"faults, round {number + 1}: fetched again {killed.again.latest()}; {reset.again.latest()}")
    for rows in (killed, reset, gone):
        yield from rows.judged()


def _killed(context: Context, peer: Peer) -> tuple[Answer, float]:
    with context.fresh() as folder:
        with _known(context, peer, folder) as server:

            def kill() -> None:
                with suppress(ProcessLookupError):
                    os.killpg(server.process.pid, signal.SIGKILL)

            _at_a_third(context.link, kill, server, context.link.url)
        with peer.start(folder, context.link) as server:
            context.link.counts()
            answer = _ask(server, context.link.url)
            return answer, context.link.counts().body_bytes


def _reset(context: Context, peer: Peer) -> tuple[Answer, float]:
    with context.fresh() as folder, _known(context, peer, folder) as server:
        context.link.cut(after=_THIRD, times=1)
        answer = _ask(server, context.link.url)
        received = context.link.counts().body_bytes
        if answer.error:  # apt asks again
            _ask(server, context.link.url)
            received += context.link.counts().body_bytes
        return answer, received - _THIRD


def _gone(context: Context) -> tuple[Answer, float]:
    repository = _FILE.repository
    with context.fresh() as folder, ExitStack() as stack:
        first = stack.enter_context(Link(context.upstream.folder))
        first.shape(_LINK)
        mirrors = f'"{context.link.host}{repository}" = ["{first.url}{repository}", "{context.link.url}{repository}"]'
        with _known(context, APTFREEZE, folder, f"[mirrors]\n{mirrors}\n") as server:
            answer = _at_a_third(first, stack.close, server, context.link.url)
            return answer, context.link.counts().body_bytes


@contextmanager
def _known(context: Context, peer: Peer, folder: Path, configuration: str = "") -> Iterator[Server]:
    """A proxy that knows the repository, and has nothing of the file."""
    _CONTENT.pin(folder / "environment", context.link)
    (folder / "environment/aptfreeze.toml").write_text(configuration)
    with peer.start(folder, context.link) as server:
        fill(context, server, _OTHER)
        context.link.shape(_LINK)
        context.link.counts()
        yield server


def _at_a_third(link: Link, act: Callable[[], None], server: Server, url: str) -> Answer:
    """Ask for the file, and do that when a third of it was sent."""
    answers: list[Answer] = []
    asking = threading.Thread(target=lambda: answers.append(_ask(server, url)))
    link.counts()
    asking.start()
    sent = 0
    while asking.is_alive() and (sent := sent + link.counts().body_bytes) < _THIRD:
        time.sleep(0.005)
    act()
    asking.join()
    return answers[0]


def _ask(server: Server, url: str) -> Answer:
    with Asking() as client:
        client.connect(server.port, [Ask(url + _FILE.path, _FILE.size, _FILE.data)])
        (answer,) = client.run(60)
        return answer
