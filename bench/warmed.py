# SPDX-License-Identifier: MIT
"""All proxies at once, each with the same files in its cache."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from bench.asking import Ask, Asking
from bench.content import Content, File
from bench.context import Context
from bench.link import UNLIMITED
from bench.processes import Server


@contextmanager
def warmed(context: Context, content: Content) -> Iterator[list[Server]]:
    """Every proxy runs and has served all of it before."""
    content.place(context.upstream.folder)
    with ExitStack() as stack:
        servers = []
        for peer in context.peers:
            folder = stack.enter_context(context.fresh())
            content.pin(folder / "environment", context.link)
            servers.append(stack.enter_context(peer.start(folder, context.link)))
            fill(context, servers[-1], list(content.all_files))
        yield servers


def fill(context: Context, server: Server, files: Sequence[File]) -> None:
    """Ask for all of them, until nothing is asked of the mirror any more."""
    context.link.shape(UNLIMITED)
    for _ in range(3):
        context.link.counts()
        with Asking() as client:
            client.connect(server.port, [Ask(context.link.url + file.path, file.size, file.data) for file in files])
            wrong = [answer for answer in client.run(60) if answer.error]
        if wrong:
            sys.exit(f"{server.name} answered {wrong[0].ask.url}: {wrong[0].error}")
        if not context.link.counts().requests:
            return
    context.tell(f"{server.name} asks the mirror again for what it has")
