# SPDX-License-Identifier: MIT
"""CONNECT: which clients' https is served frozen, and which goes by in a tunnel.

Rule 1: apt's is served frozen, whatever the host, with a certificate that our own authority made: apt names itself in
the head of its CONNECT. So is every client's to a host of [tls] intercept. The rest is not read: a tunnel.
Rule 2: inside, the same handler answers, and the CONNECT says the host: a request that names another one is refused.
Rule 3: a tunnel is what passes through: judged, counted, and refused like any other (`policy`). One to a host that has
frozen repositories is told: who takes them so gets around the freezing.
"""

import asyncio
import socket
from concurrent.futures import Executor
from functools import partial

from aptfreeze.deb.paths import Location, PathError
from aptfreeze.errors import OfflineError, RefusedError
from aptfreeze.fetch.hosts import Hosts
from aptfreeze.fetch.mirrors import Mirrors
from aptfreeze.fetch.places import shown
from aptfreeze.fetch.url import Endpoint
from aptfreeze.http.message import BadRequest, Headers, Request, response_head
from aptfreeze.serve.answers import MistakenRequest
from aptfreeze.serve.certificates import Certificates
from aptfreeze.serve.policy import Passage
from aptfreeze.serve.reply import Handler, Inline, Reply
from aptfreeze.serve.session import Session
from aptfreeze.settings import InterceptSettings, is_listed

_APT = ("Debian APT-HTTP/", "APT-HTTP/")
_ESTABLISHED = response_head(200, "Connection established", [])


def is_from_apt(request: Request) -> bool:
    return (request.headers.get("User-Agent") or "").startswith(_APT)


class Connects:
    """Decides about each CONNECT and makes its answer. Holds no state of its own."""

    def __init__(
        self,
        session: Session,
        settings: InterceptSettings,
        certificates: Certificates,
        mirrors: Mirrors,
        passage: Passage,
        hosts: Hosts,
        threads: Executor,
        relays: Executor,
        *,
        offline: bool,
    ) -> None:
        """`relays` connect tunnels, and may all be busy with what passes through; `threads` make certificates."""
        self._session = session
        self._settings = settings
        self._certificates = certificates
        self._mirrors = mirrors
        self._passage = passage
        self._hosts = hosts
        self._threads = threads
        self._relays = relays
        self._offline = offline

    async def answer(self, request: Request) -> Reply:
        """RefusedError if it must not be, MistakenRequest, UpstreamError if nobody is at the other end of a tunnel."""
        endpoint = _endpoint(request)
        if self._is_intercepted(endpoint.host, request):
            return await self._intercepted(endpoint, request)
        return await self._tunnelled(endpoint, request)

    def reads(self, request: Request) -> bool:
        """Whether it is a CONNECT that is intercepted, so that what is asked inside can be judged by itself.

        MistakenRequest.
        """
        return request.method == "CONNECT" and self._is_intercepted(_endpoint(request).host, request)

    def _is_intercepted(self, host: str, request: Request) -> bool:
        if is_listed(host, self._settings.tunnel):
            return False
        return is_from_apt(request) or is_listed(host, self._settings.intercept)

    # Served frozen.

    async def _intercepted(self, endpoint: Endpoint, request: Request) -> Reply:
        from aptfreeze.serve.handshake import secured  # start-up time: ssl

        only = self._settings.certificates_for
        if only and not is_listed(endpoint.host, only):
            raise RefusedError(
                f"{endpoint.host} cannot be frozen by https: [tls] certificates_for does not list it",
                hint=f'list "{endpoint.host}" there, or, to have it passed through unfrozen, in [tls] tunnel',
            )
        context = self._certificates.at_hand(endpoint.host)
        if context is None:
            make = partial(self._certificates.context, endpoint.host)
            context = await asyncio.get_running_loop().run_in_executor(self._threads, make)
        name = shown(endpoint.host, endpoint.port)
        within = partial(Inside, _prefix(endpoint), request.headers.get("Proxy-Authorization"))
        upgrade = secured(context, within, partial(self._failed, name))
        return Reply(_ESTABLISHED, Inline(), upgrade=upgrade)

    def _failed(self, name: str, reason: str) -> None:
        self._session.notice(
            f"a client asked for https://{name} and broke the TLS handshake off: {reason}\n"
            'Hint: it has to trust the authority that "aptfreeze ca" prints'
        )

    # Passed through.

    async def _tunnelled(self, endpoint: Endpoint, request: Request) -> Reply:
        from aptfreeze.serve.tunnel import tunnelled  # start-up time

        name = shown(endpoint.host, endpoint.port)
        check = self._passage.enter(endpoint.host, endpoint.port, request.client)
        if self._has_frozen(name):
            agent = (request.headers.get("User-Agent") or "a client").partition(" ")[0]
            self._session.notice(
                f"{agent} reads https://{name} in a tunnel, past the frozen repositories of that host\n"
                f'Hint: list "{endpoint.host}" in [tls] intercept and let it trust the authority of "aptfreeze ca", '
                "or let it use http"
            )
        if self._offline:
            raise OfflineError(
                f"https://{name} is not frozen, and --offline forbids a tunnel to it",
                hint="run once without --offline, or do without it",
            )
        opening = asyncio.get_running_loop().run_in_executor(self._relays, partial(self._hosts.tunnel, endpoint, check))
        try:
            server = await asyncio.shield(opening)
        except asyncio.CancelledError:  # the client left
            opening.add_done_callback(_close_if_opened)
            raise
        return Reply(_ESTABLISHED, Inline(), done=partial(_answered, server), upgrade=tunnelled(server, self._passed))

    def _has_frozen(self, name: str) -> bool:
        """Whether the host is one of [mirrors] or of the lock file."""
        pinned = {key.repository.partition("/")[0] for key in self._session.generation.pins}
        return name in pinned | self._mirrors.hosts

    def _passed(self, received: int) -> None:
        self._session.traffic.passed_through += received


class Inside:
    """The handler of the requests in one intercepted connection: they name a path, and the CONNECT the host."""

    def __init__(self, prefix: bytes, authorization: str | None, handler: Handler) -> None:
        """`prefix`: `https://mirror.example.org`; `authorization`: what the CONNECT said to the proxy."""
        self._prefix = prefix
        self._authorization = authorization
        self._handler = handler

    def answer(self, request: Request) -> Reply | asyncio.Future[Reply]:
        target = request.target
        if request.method == "CONNECT":
            return self.refuse(BadRequest(400, "a CONNECT inside of one"))
        if not target.startswith(b"/"):
            if not target.lower().startswith(self._prefix + b"/"):
                return self.refuse(BadRequest(421, f"this connection leads to {self._prefix.decode()}"))
            target = target[len(self._prefix) :]
        headers = request.headers
        if self._authorization is not None:  # RFC 9110 11.7.2: it is for the proxy, and not said again in the tunnel
            headers = Headers([*headers, ("Proxy-Authorization", self._authorization)])
        return self._handler.answer(
            Request(request.method, self._prefix + target, request.version, headers, request.keep_alive, request.client)
        )

    def refuse(self, bad: BadRequest) -> Reply:
        return self._handler.refuse(bad)


def _endpoint(request: Request) -> Endpoint:
    try:
        return Endpoint.parse(Location.parse(b"https://" + request.target + b"/").raw_url)
    except PathError as error:
        raise MistakenRequest(f"the target of CONNECT cannot be understood: {error}") from error


def _prefix(endpoint: Endpoint) -> bytes:
    host = f"[{endpoint.host}]" if ":" in endpoint.host else endpoint.host
    return f"https://{host}{'' if endpoint.port == 443 else f':{endpoint.port}'}".encode()


def _answered(server: socket.socket, sent: int, is_complete: bool) -> None:
    """A tunnel that nobody enters is closed."""
    if not is_complete:
        server.close()


def _close_if_opened(opening: "asyncio.Future[socket.socket]") -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close()
