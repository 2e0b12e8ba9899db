# SPDX-License-Identifier: MIT
"""The TLS handshake with a client that was answered 200 to its CONNECT; what follows is HTTP again.

Rule 1: the client's socket is the one that it connected with, and nothing was read of it behind the CONNECT: a
ClientHello that came in the same packet waits in the kernel.
Rule 2: a handshake that does not end within `Limits.head_s` is reset; so is one that fails, and `failed` is told why:
mostly the client does not trust the certificate.

Mutable state: whether the loop watches the socket for writing, else for reading.
"""

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable
from functools import partial

from aptfreeze.serve.boundary import Boundary
from aptfreeze.serve.connection import Connection
from aptfreeze.serve.reply import Handler, Upgrade
from aptfreeze.serve.stage import Stage, Surroundings
from aptfreeze.serve.stream import reset
from aptfreeze.serve.tlsstream import TlsStream

_log = logging.getLogger(__name__)


def secured(context: ssl.SSLContext, within: Callable[[Handler], Handler], failed: Callable[[str], None]) -> Upgrade:
    """What a connection becomes: TLS with this context, in which `within` the server's handler answers."""
    return partial(_begun, context, within, failed)


def _begun(
    context: ssl.SSLContext,
    within: Callable[[Handler], Handler],
    failed: Callable[[str], None],
    client: socket.socket,
    surroundings: Surroundings,
) -> Stage:
    return Handshake(client, context, within, failed, surroundings)


class Handshake:
    """A stage of a connection: see `stage`."""

    def __init__(
        self,
        client: socket.socket,
        context: ssl.SSLContext,
        within: Callable[[Handler], Handler],
        failed: Callable[[str], None],
        surroundings: Surroundings,
    ) -> None:
        self._within = within
        self._failed = failed
        self._surroundings = surroundings
        self._loop: asyncio.AbstractEventLoop = surroundings.loop
        self._since = self._loop.time()
        self._client = client
        self._context = context
        self._secured: ssl.SSLSocket | None = None
        self._is_over = False
        self._descriptor = client.fileno()
        self._writing = False
        self._loop.add_reader(self._descriptor, self._go_on)  # the client speaks first

    def __repr__(self) -> str:
        return f"<Handshake {self._surroundings.peer}>"

    @property
    def is_idle(self) -> bool:
        return False

    def expire(self, now: float) -> None:
        if now - self._since > self._surroundings.limits.head_s:
            self._fail(f"it did not end within {self._surroundings.limits.head_s:g} s")

    def drain(self) -> None:
        """Nothing was asked yet."""
        self.abort()

    def abort(self) -> None:
        if not self._is_over:
            self._is_over = True
            self._watch_nothing()
            reset(self._secured or self._client)
            self._surroundings.ended(self)

    def _go_on(self) -> None:
        try:
            if self._secured is None:
                self._secured = self._context.wrap_socket(self._client, server_side=True, do_handshake_on_connect=False)
            self._secured.do_handshake()
        except ssl.SSLWantReadError:
            self._watch(writing=False)
        except ssl.SSLWantWriteError:
            self._watch(writing=True)
        except (OSError, ValueError) as error:  # ValueError: a name in the ClientHello that is none
            self._fail(_reason(error))
        else:
            self._done(self._secured)

    def _done(self, client: ssl.SSLSocket) -> None:
        self._is_over = True
        self._watch_nothing()
        own = self._surroundings
        boundary = Boundary(self._within(own.boundary.handler))
        within = Surroundings(own.peer, boundary, own.limits, own.loop, own.ended, own.next)
        own.next(self, Connection(TlsStream(client), within))

    def _fail(self, reason: str) -> None:
        _log.info("%s: TLS handshake failed: %s", self._surroundings.peer, reason)
        self.abort()
        self._failed(reason)

    def _watch(self, *, writing: bool) -> None:
        if writing is not self._writing:
            self._watch_nothing()
            self._writing = writing
            (self._loop.add_writer if writing else self._loop.add_reader)(self._descriptor, self._go_on)

    def _watch_nothing(self) -> None:
        self._loop.remove_reader(self._descriptor)
        self._loop.remove_writer(self._descriptor)


def _reason(error: Exception) -> str:
    """`TLSV1_ALERT_UNKNOWN_CA` to `tlsv1 alert unknown ca`."""
    if isinstance(error, ssl.SSLError) and error.reason:
        return error.reason.replace("_", " ").lower()
    return str(error) or type(error).__name__
