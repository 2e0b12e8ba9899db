# SPDX-License-Identifier: MIT
"""The client of the benchmark that speaks TLS."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from bench.content import Content
from bench.tlsload import Door, load, visits

from aptfreeze.serve.reply import Inline
from support.serving import Running, serving
from support.tls import HOST, Intercepting, client_context

FILES = Content({1000: 3, 40_000: 2})


class Measured:
    """What a door needs of a server."""

    name = "measured"

    def __init__(self, running: Running) -> None:
        self.port = running.port

    def cpu(self) -> float:
        return 1.5


@contextmanager
def door(handler: Intercepting) -> Iterator[Door]:
    context = client_context()
    context.check_hostname = False
    with serving(handler) as running:
        yield Door(Measured(running), f"{HOST}:443", True, context)  # type: ignore[arg-type]  # no process


def holding() -> Intercepting:
    handler = Intercepting()
    for file in FILES.all_files:
        handler.inside.give(file.path, Inline(file.data))
    return handler


def test_it_counts_the_answers_that_came_whole() -> None:
    files = list(FILES.all_files)
    with door(holding()) as entered:
        version, cipher = entered.learn(files)
        assert version == "TLSv1.3"
        assert cipher
        assert all(entered.sizes[file] > file.size for file in files)
        for seen in (load(entered, files, 2, depth=3, seconds=0.1), visits(entered, files, seconds=0.1)):
            assert seen.received >= seen.requests * 1000
            assert seen.cpu_s == 0


def test_wrong_bytes_end_it() -> None:
    handler = holding()
    first = next(FILES.all_files)
    handler.inside.give(first.path, Inline(bytes(first.size)))
    with door(handler) as entered, pytest.raises(SystemExit, match="wrong answer to"):
        entered.learn([first])
