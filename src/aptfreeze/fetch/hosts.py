# SPDX-License-Identifier: MIT
"""All hosts of one process: a URL goes in, an answer comes out, redirects followed.

Rule 1: redirects change nothing: the bytes are verified, not the place. Which are not followed: see `redirects`. What
somebody outside leads to has connections of its own, since those that are open were not checked. What a server is told
of a user, each hop's own URL decides (see `credentials`).
Rule 2: a proxy changes the way only: each origin has its own queue and connections, also where all lead to one proxy.
"""

import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING
from weakref import WeakSet

from aptfreeze.errors import RefusedError, UpstreamError
from aptfreeze.fetch.connection import Connection, Head
from aptfreeze.fetch.failures import ClosingError, LostConnectionError, NoHttpError, UnconnectedError
from aptfreeze.fetch.host import Host, Response
from aptfreeze.fetch.priority import Asker
from aptfreeze.fetch.proxies import Proxy
from aptfreeze.fetch.redirects import Redirects, followed
from aptfreeze.fetch.request import request
from aptfreeze.fetch.schemes import Schemes
from aptfreeze.fetch.turns import Standing
from aptfreeze.fetch.url import Endpoint
from aptfreeze.fetch.wires import Wires
from aptfreeze.settings import FetchSettings
from aptfreeze.values import immutable

if TYPE_CHECKING:
    from aptfreeze.fetch.addresses import AddressCheck

_REDIRECTS = (301, 302, 303, 307, 308)
_MOST_REDIRECTS = 5
_NO_WAY = (502, 503, 504)
"""What a proxy answers that cannot connect."""


@immutable
class Traffic:
    """What one host was asked and sent."""

    requests: int
    received: int
    """Bytes of bodies."""


class Hosts:
    """Mutable state, under the lock: the hosts asked so far, and which of them give no parts; the rest is theirs.

    Credentials are read with the first request.
    """

    def __init__(
        self,
        settings: FetchSettings,
        gentle: Mapping[str, int],
        wires: Wires | None = None,
        redirects: Redirects | None = None,
    ) -> None:
        """`gentle`: servers (`snapshot.example.org`) that get one request at a time over at most so many connections.

        `wires` opens connections; without it, as the defaults of the settings have it. So does `redirects` judge.
        """
        self._settings = settings
        self._gentle = gentle
        self._wires = wires or Wires(settings)
        self._redirects = redirects or Redirects(self._wires.routes)
        self._hosts: dict[tuple[str, bool], Host] = {}
        self._dedicated: WeakSet[Connection] = WeakSet()
        self._without_parts: set[str] = set()
        self._lock = threading.Lock()
        self._is_closed = False
        self._guard: Callable[[Endpoint], AddressCheck] | None = None
        self._schemes = Schemes()

    def heed(self, schemes: Schemes) -> None:
        """From now on, these are told who answers by https, and asked about who speaks no http."""
        self._schemes = schemes

    def guarded(self, guard: "Callable[[Endpoint], AddressCheck]") -> None:
        """From now on, each server is connected to at such addresses only as its check allows."""
        self._guard = guard

    def __repr__(self) -> str:
        return f"<Hosts {self._hosts}>"

    @contextmanager
    def get(
        self,
        url: str,
        asker: Asker,
        *,
        start: int = 0,
        end: int | None = None,
        size: int = 0,
        fields: Mapping[str, str] | None = None,
    ) -> Iterator[Response]:
        """GET, from byte `start` up to `end`; `size` is how many bytes are expected, as far as one knows.

        Any status is given to the caller but a followed redirect, and those that say who asks is not let in (401, 403,
        by https also 400), which are an UpstreamError that tells why. PassingError, UpstreamError.
        """
        asked, is_led = url, False
        for _ in range(_MOST_REDIRECTS + 1):
            endpoint = Endpoint.parse(url)
            proxy = self._wires.proxy_for(endpoint)
            told = {**(fields or {}), **self._wires.credentials.fields(endpoint)}
            asking = request(endpoint, start, told, end=end, proxy=proxy)
            with ExitStack() as exchange:
                response = self._answer(exchange, endpoint, asking, asker, size, is_led)
                if response is None:
                    url = f"https://{endpoint.authority}{endpoint.target}"
                    continue
                if proxy is not None:
                    _judge(response, proxy)
                    self._wires.routes.judge(proxy, response.head.get("ETag") or "")
                if refusal := self._refusal(endpoint, response.head):
                    raise refusal
                location = response.head.get("Location") if response.status in _REDIRECTS else None
                if location is None:
                    yield response
                    return
                is_led = is_led or self._redirects.is_outside(endpoint, response.address)
            url = followed(url, location)
        raise UpstreamError(f"{asked} leads to more than {_MOST_REDIRECTS} redirects")

    def _answer(
        self, exchange: ExitStack, endpoint: Endpoint, asking: bytes, asker: Asker, size: int, is_led: bool
    ) -> Response | None:
        """The answer, valid inside of `exchange`; None: the host is to be asked by https (see `schemes`).

        A server that speaks TLS alone closes, sends an alert, or answers 400.
        """
        try:
            response = exchange.enter_context(self._host(endpoint, is_led).exchange(asking, asker, size))
        except (UnconnectedError, LostConnectionError, NoHttpError):
            if not is_led and self._is_secure_after_all(endpoint):
                return None
            raise
        if endpoint.is_secure:
            self._schemes.answered(endpoint.authority)
        is_odd = response.status == 400 or (response.status in _NO_WAY and self._wires.proxy_for(endpoint))
        return None if is_odd and not is_led and self._is_secure_after_all(endpoint) else response

    def _is_secure_after_all(self, endpoint: Endpoint) -> bool:
        def speaks_https() -> bool:
            try:
                self._queued(Endpoint.parse(f"https://{endpoint.authority}"), None).close()
            except UpstreamError:
                return False
            return True

        return not endpoint.is_secure and self._schemes.is_secure_after_all(endpoint.authority, speaks_https)

    def standing(self, url: str) -> Standing:
        """How good it is to ask the host of this URL at the moment."""
        try:
            host = self._hosts.get((Endpoint.parse(url).server, False))
        except UpstreamError:
            return Standing.AWAY
        return Standing.GOOD if host is None else host.standing

    def parts_at_once(self, url: str) -> int:
        """In how many parts a file of this URL's host had better be asked at the moment; see `split`."""
        host = self._hosts.get((Endpoint.parse(url).server, False))
        if host is None or host.name in self._without_parts or host.name in self._gentle:
            return 1
        return min(self._settings.parts, host.spare)

    def refuse_parts(self, url: str) -> None:
        """The URL's host failed to give a part of a file: it is asked for none again."""
        self._without_parts.add(Endpoint.parse(url).server)

    def reconsider(self) -> None:
        """To be called when the priority of something that may wait has risen."""
        with self._lock:
            hosts = list(self._hosts.values())
        for host in hosts:
            host.reconsider()

    def traffic(self) -> dict[str, Traffic]:
        """By server (`mirror.example.org`, `127.0.0.1:8080`, `https://mirror.example.org`), those asked so far."""
        found: dict[str, Traffic] = {}
        with self._lock:
            for host in self._hosts.values():
                before = found.get(host.name, Traffic(0, 0))
                found[host.name] = Traffic(before.requests + host.requests, before.received + host.received)
        return found

    def dedicated(self, endpoint: Endpoint, check: "AddressCheck | None" = None) -> Connection:
        """A fresh connection for one exchange that is not queued with the others; the caller closes it.

        `check` is called with each address before it is connected to.
        """
        connection = self._connected(endpoint, check)
        with self._lock:
            self._dedicated.add(connection)
            if not self._is_closed:
                return connection
        connection.close()
        raise ClosingError("closing: nothing more is fetched")

    def tunnel(self, endpoint: Endpoint, check: "AddressCheck") -> socket.socket:
        """A plain wire to the endpoint's port, for whatever a client has to say there; blocks. Its owner closes it.

        `check` is called with each address before it is connected to. UnreachableError.
        """
        return self._wires.tunnel(endpoint, check)

    def plain_wire(self, endpoint: Endpoint, check: "AddressCheck | None" = None) -> socket.socket:
        """A socket to an http endpoint, or to the proxy for it; nothing is known here of what becomes of it."""
        wire = self._wires.open(endpoint, check)
        assert isinstance(wire, socket.socket)
        return wire

    def close(self) -> None:
        """Cut every connection; whoever waits fails."""
        with self._lock:
            self._is_closed = True
            hosts = list(self._hosts.values())
            dedicated = list(self._dedicated)
        for host in hosts:
            host.close()
        for connection in dedicated:
            connection.abort()

    def _host(self, endpoint: Endpoint, is_led: bool) -> Host:
        """`is_led`: by somebody outside."""
        name = endpoint.server
        check = self._redirects.check(endpoint) if is_led else None
        key = (name, check is not None)
        with self._lock:
            if self._is_closed:
                raise ClosingError("closing: nothing more is fetched")
            if key not in self._hosts:
                limits = self._settings
                self._hosts[key] = Host(
                    name,
                    lambda: self._queued(endpoint, check),
                    connections=self._gentle.get(name, limits.connections),
                    depth=1 if name in self._gentle else limits.depth,
                    longest_rest_s=limits.retry_after_limit_s,
                )
            return self._hosts[key]

    def proxy_for(self, endpoint: Endpoint) -> Proxy | None:
        """The proxy that requests for this endpoint are put to, if any. UpstreamError if it is of no use to us."""
        return self._wires.proxy_for(endpoint)

    def _refusal(self, endpoint: Endpoint, head: Head) -> UpstreamError | None:
        if head.status in (401, 403):
            return self._wires.credentials.refusal(endpoint, head)
        if head.status == 400 and endpoint.is_secure:
            from aptfreeze.fetch.untrusted import refused_request

            return refused_request(endpoint, head)
        return None

    def _queued(self, endpoint: Endpoint, check: "AddressCheck | None") -> Connection:
        """A connection of a host's queue; what a check refuses is an UpstreamError: another supplier may do."""
        if check is None and self._guard is not None:
            check = self._guard(endpoint)
        try:
            return self._connected(endpoint, check)
        except RefusedError as error:
            raise UpstreamError(error.message, hint=error.hint) from error

    def _connected(self, endpoint: Endpoint, check: "AddressCheck | None") -> Connection:
        proxy = self._wires.proxy_for(endpoint)
        peer = endpoint.server if proxy is None else f"{endpoint.server} by {proxy}"
        return Connection(self._wires.open(endpoint, check), peer)


def _judge(response: Response, proxy: Proxy) -> None:
    """UpstreamError if the proxy refuses us; other errors that may be its own are marked with its name."""
    head = response.head
    if head.status == 407:
        raise proxy.refusal(head.reason)
    if head.status >= 500 or head.status == 403:
        response.head = replace(head, reason=f"{head.reason} through {proxy}".lstrip())
