# SPDX-License-Identifier: MIT
"""The requests of a build with the mirror's real packages, by a light client instead of apt."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench.asking import DEPTH, Ask, Asking
from bench.context import Context
from bench.processes import Server

_ATTEMPTS = 4


def indexes(context: Context) -> list[Ask]:
    """What `apt-get update` asks for, without translations."""
    suite = context.upstream.folder / "debian/dists" / context.upstream.suite
    return [_ask(context, file) for file in (suite / "InRelease", *suite.glob("main/binary-*/Packages.*"))]


def packages(context: Context) -> list[Ask]:
    return [_ask(context, file) for file in context.upstream.package_files()]


def build_once(context: Context, server: Server) -> None:
    """Ask for all of it, in apt's order."""
    for ask in indexes(context):
        ask_all(server, [ask])
    ask_all(server, packages(context))


@contextmanager
def built(context: Context) -> Iterator[list[Server]]:
    """Every proxy runs and has served all of it before."""
    with ExitStack() as stack:
        servers = []
        for peer in context.peers:
            folder = stack.enter_context(context.fresh())
            servers.append(stack.enter_context(peer.start(folder, context.link)))
            build_once(context, servers[-1])
        yield servers


def _ask(context: Context, file: Path) -> Ask:
    path = str(file.relative_to(context.upstream.folder)).replace("+", "%2b")  # as apt sends it
    return Ask(f"{context.link.url}/{path}", file.stat().st_size)


def ask_all(server: Server, asks: Sequence[Ask]) -> None:
    """What fails is asked again a few times, as apt does: apt-cacher-ng needs it with an empty cache."""
    for _ in range(_ATTEMPTS):
        with Asking() as client:
            client.connect(server.port, asks, DEPTH)
            wrong = [answer for answer in client.run(120) if answer.error]
        asks = [answer.ask for answer in wrong]
        if not asks:
            return
    sys.exit(f"{server.name} answered {wrong[0].ask.url}: {wrong[0].error}")
