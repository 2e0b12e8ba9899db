# SPDX-License-Identifier: MIT
"""What is no apt request: passed through, counted by host, and never frozen.

A thread copies the server's answer into a pipe, ready framed for this client; the connection empties the pipe as
fast as the client reads. Nothing of it is kept.
"""

import asyncio
import os
import socket
from concurrent.futures import Executor
from functools import partial

from aptfreeze.deb.paths import Location
from aptfreeze.errors import OfflineError
from aptfreeze.fetch.download import Downloads
from aptfreeze.fetch.relay import Relay, forwarded
from aptfreeze.fetch.url import Endpoint
from aptfreeze.http.message import Request
from aptfreeze.serve.answers import text_reply
from aptfreeze.serve.policy import Passage
from aptfreeze.serve.reply import Inline, PipeBody, Reply
from aptfreeze.serve.session import Session


class PassThrough:
    """Holds no state of its own.

    `threads` are its own: each answer occupies one for as long as the client reads.
    """

    def __init__(
        self, session: Session, downloads: Downloads, passage: Passage, threads: Executor, *, offline: bool
    ) -> None:
        self._session = session
        self._downloads = downloads
        self._passage = passage
        self._threads = threads
        self._offline = offline

    def refuse(self, request: Request, hint: str = "") -> Reply:
        """The reply to what cannot be passed on."""
        self._session.traffic.refused += 1
        text = f"{request.method} is not passed through{hint}"
        return text_reply(501, text, text)

    async def forward(self, request: Request, location: Location) -> Reply:
        """A request that may have a body: from now on, the connection is between the client and that server.

        Only a whole host can be allowed so: what else the client sends there, nobody sees.
        """
        from aptfreeze.serve.tunnel import tunnelled  # start-up time

        endpoint = Endpoint.parse(location.raw_url)
        if endpoint.is_secure:  # what follows is encrypted, and for us: nobody else could go on with it
            setting = f'list "{endpoint.host}" in [tls] tunnel'
            return self.refuse(
                request, f" inside of https that is served frozen; {setting}, and all its https passes by"
            )
        check = self._passage.enter(endpoint.host, endpoint.port, request.client)
        self._refuse_offline(location)
        opening = asyncio.get_running_loop().run_in_executor(
            self._threads,
            forwarded,
            self._downloads.hosts,
            location.raw_url,
            request.method,
            request.headers,
            check,
        )
        try:
            server, head = await asyncio.shield(opening)
        except asyncio.CancelledError:  # the client left
            opening.add_done_callback(_unwanted)
            raise

        def done(_: int, is_complete: bool) -> None:
            if not is_complete:
                server.close()

        upgrade = tunnelled(server, self._forwarded, head + request.early)
        return Reply(b"", Inline(), close=True, done=done, upgrade=upgrade)

    def _forwarded(self, received: int) -> None:
        self._session.traffic.passed_through += received

    async def relay(self, request: Request, location: Location) -> Reply:
        """The answer of the server itself; RefusedError if it is not to be had, UpstreamError if there is none."""
        endpoint = Endpoint.parse(location.raw_url)
        check = self._passage.enter(endpoint.host, endpoint.port, request.client, location.path)
        self._refuse_offline(location)
        relay = Relay(self._downloads.hosts, location.raw_url, request.method, request.headers, request.version, check)
        run = asyncio.get_running_loop().run_in_executor
        try:
            head = await run(self._threads, relay.open)
        except asyncio.CancelledError:  # the client left
            relay.abort()
            raise
        read_fd, write_fd = os.pipe()
        run(self._threads, relay.copy, write_fd)
        body = PipeBody(read_fd, lambda: relay.ended_well)
        return Reply(head, body, relay.closes, partial(self._ended, relay, read_fd))

    def _refuse_offline(self, location: Location) -> None:
        if self._offline:
            raise OfflineError(
                f"{location.text} is not frozen, and --offline forbids to fetch it",
                hint="run once without --offline, or do without it",
            )

    def _ended(self, relay: Relay, read_fd: int, sent: int, is_complete: bool) -> None:
        self._session.traffic.passed_through += sent
        if not is_complete:
            relay.abort()
        os.close(read_fd)


def _unwanted(opening: "asyncio.Future[tuple[socket.socket, bytes]]") -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result()[0].close()
