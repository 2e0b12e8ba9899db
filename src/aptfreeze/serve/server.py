# SPDX-License-Identifier: MIT
"""The listening sockets and all connections of one server, whatever stage each is in.

Rule 1: no task per connection: connections live by callbacks of the loop that `serve` runs in, so that nothing of one
client can end another. `serve` itself belongs into the caller's TaskGroup.
Rule 2: who is not accepted waits in the kernel's queue. Accepting pauses at `Limits.connections` or half of the
descriptors that the process may have, and for a moment when the system has none, or no memory, left; that is said
once, until it is over.
Rule 3: one timer looks for overdue clients, and only while there are connections.

Mutable state: `_listeners`, `_connections`, `_accepting` (whether the loop watches the listeners), the two timers.
"""

import asyncio
import errno
import logging
import resource
import socket
import sys

from aptfreeze.errors import UsageError
from aptfreeze.serve.boundary import Boundary
from aptfreeze.serve.connection import Connection
from aptfreeze.serve.limits import Limits
from aptfreeze.serve.reply import Handler
from aptfreeze.serve.stage import Stage, Surroundings
from aptfreeze.serve.stream import PlainStream

_log = logging.getLogger(__name__)
_BACKLOG = 1024
_ACCEPTED_AT_ONCE = 64
_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_NO_SUCH_FAMILY = frozenset({errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT})


class Server:
    """Accepts clients and answers them by a handler: `listen`, then `serve`, then from anywhere in the loop `stop`."""

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._listeners: list[socket.socket] = []
        self._connections: set[Stage] = set()
        self._accepting = False
        self._exhausted = False
        self._retry: asyncio.TimerHandle | None = None
        self._sweeper: asyncio.TimerHandle | None = None
        self._stopping = False
        self._most = min(self._limits.connections, _descriptors() // 2)  # the other half: files and downloads
        self._empty = asyncio.Event()
        self._empty.set()
        self._stopped = asyncio.Event()

    def __repr__(self) -> str:
        names = [listener.getsockname() for listener in self._listeners]
        where = ", ".join(f"{name[0]}:{name[1]}" for name in names)
        state = "accepting" if self._accepting else "not accepting"
        return f"<Server on {where or 'nothing'}: {len(self._connections)} connections, {state}>"

    @property
    def connections(self) -> frozenset[Stage]:
        """Those that are open now."""
        return frozenset(self._connections)

    @property
    def addresses(self) -> frozenset[tuple[str, int]]:
        """Addresses and ports that are listened on; `0.0.0.0` and `::` are all of this machine."""
        return frozenset((str(name[0]), int(name[1])) for name in (each.getsockname() for each in self._listeners))

    def listen(self, host: str, port: int) -> int:
        """Listen on every address of host (empty: all of this machine) and a port (0: a free one), which is returned.

        Clients may connect at once; they are answered when `serve` runs. UsageError if the address cannot be had.
        """
        try:
            listeners = _listeners(host, port)
        except OSError as error:
            raise UsageError(
                f"cannot listen on {host or '*'}:{port}: {error.strerror}",
                hint="name an address of this machine and a port that no other program has; port 0 takes a free one",
            ) from error
        self._listeners += listeners
        return int(listeners[0].getsockname()[1])

    def adopt(self, listener: socket.socket) -> int:
        """Accept from a socket that listens already, maybe in another namespace; its port. It is ours now."""
        listener.setblocking(False)
        self._listeners.append(listener)
        return int(listener.getsockname()[1])

    async def serve(self, handler: Handler) -> None:
        """Serve until `stop` is done; if cancelled, every connection is reset."""
        self._loop = asyncio.get_running_loop()
        self._boundary = Boundary(handler)
        self._accept_if_possible()
        try:
            await self._stopped.wait()
        finally:
            self.close()

    async def stop(self, grace_s: float = 5.0) -> None:
        """Accept nobody, answer what was asked, then end; after grace_s seconds what is left is reset."""
        self._stopping = True
        self._pause()
        for connection in self.connections:
            connection.drain()
        try:
            async with asyncio.timeout(grace_s):
                await self._empty.wait()
        except TimeoutError:
            _log.warning("%d connections were not done within %g s; reset", len(self._connections), grace_s)
        self.close()

    def close(self) -> None:
        """Reset every connection, free the ports, and let `serve` return; nothing if it was done before."""
        self._stopping = True
        self._pause()
        for connection in self.connections:
            connection.abort()
        for listener in self._listeners:
            listener.close()
        self._listeners.clear()
        if self._sweeper is not None:
            self._sweeper.cancel()
        self._stopped.set()

    # Accepting.

    def _accept_if_possible(self) -> None:
        if self._accepting or self._stopping or len(self._connections) >= self._most:
            return
        self._accepting = True
        for listener in self._listeners:
            self._loop.add_reader(listener, self._accept, listener)

    def _pause(self) -> None:
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None
        if self._accepting:
            self._accepting = False
            for listener in self._listeners:
                self._loop.remove_reader(listener)

    def _accept(self, listener: socket.socket) -> None:
        for _ in range(_ACCEPTED_AT_ONCE):
            if len(self._connections) >= self._most:
                _log.info("%d connections: further clients wait", len(self._connections))
                self._pause()
                return
            try:
                client, address = listener.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in _EXHAUSTED:
                    self._accept_later(error)
                    return
                continue  # accept(2): errors of the new connection itself are reported here
            self._exhausted = False
            self._open(client, f"{address[0]}:{address[1]}")

    def _accept_later(self, error: OSError) -> None:
        if not self._exhausted:
            self._exhausted = True
            _log.error("no further connection: %s (%d are open); clients wait", error.strerror, len(self._connections))
        self._pause()
        self._retry = self._loop.call_later(self._limits.accept_retry_s, self._accept_if_possible)

    def _open(self, client: socket.socket, peer: str) -> None:
        try:
            stream = PlainStream(client)
        except OSError:  # it was reset before we looked
            client.close()
            return
        surroundings = Surroundings(peer, self._boundary, self._limits, self._loop, self._closed, self._next)
        self._connections.add(Connection(stream, surroundings))
        self._empty.clear()
        if self._sweeper is None:
            self._sweeper = self._loop.call_later(self._limits.sweep_s, self._sweep)

    # Connections that end.

    def _next(self, stage: Stage, following: Stage) -> None:
        self._connections.discard(stage)
        self._connections.add(following)
        if self._stopping:
            following.drain()

    def _closed(self, connection: Stage) -> None:
        self._connections.discard(connection)
        if not self._connections:
            self._empty.set()
        if self._retry is None:
            self._accept_if_possible()

    def _sweep(self) -> None:
        now = self._loop.time()
        for connection in self.connections:
            connection.expire(now)
        self._sweeper = self._loop.call_later(self._limits.sweep_s, self._sweep) if self._connections else None


def allow_connections(limits: Limits | None = None) -> None:
    """Let this process, and what it starts from now on, open as many files as that many connections need.

    Most systems give a process 1024 and let it take more; as far as this one does not, further clients wait.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 4 * (limits or Limits()).connections
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def _descriptors() -> int:
    """How many this process may have open."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return sys.maxsize if soft == resource.RLIM_INFINITY else soft


def _listeners(host: str, port: int) -> list[socket.socket]:
    """A listening socket for each address of host; an address family that this machine lacks is left out."""
    # As bytes: text makes Python load the tables of international names, which takes a millisecond.
    found = socket.getaddrinfo(host.encode() or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    listeners: list[socket.socket] = []
    unusable: OSError | None = None
    for family, _, _, _, address in found:
        try:
            listener = socket.create_server((address[0], port), family=family, backlog=_BACKLOG)
        except OSError as error:
            if error.errno in _NO_SUCH_FAMILY:
                unusable = error
                continue
            for listener in listeners:
                listener.close()
            raise
        listener.setblocking(False)
        listeners.append(listener)
        port = listener.getsockname()[1]  # a free port is chosen once, for all addresses
    if unusable is not None and not listeners:
        raise unusable
    return listeners
