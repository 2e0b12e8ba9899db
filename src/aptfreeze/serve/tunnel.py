# SPDX-License-Identifier: MIT
"""A tunnel: after CONNECT, or the head of a request with a body, what client and server say goes by unread.

Rule 1: what one side sends the other gets, no faster than it takes it: at most one piece of each direction is held.
Rule 2: an end of one direction is passed on as such, and the other goes on (half-closed connections); an error of
either side is a reset for both.
Rule 3: after `Limits.tunnel_s` without a byte in either direction, both are reset: one of them may be gone for good.
Rule 4: one turn moves at most `Limits.turn` bytes; the other connections come in between.

Mutable state: the two flows, each with its piece and its end; what the loop watches; when the last byte moved.
"""

import logging
import socket
from collections.abc import Callable
from functools import partial

from aptfreeze.serve.reply import Upgrade
from aptfreeze.serve.stage import Stage, Surroundings
from aptfreeze.serve.stream import reset

_log = logging.getLogger(__name__)
_PIECE = 256 * 1024


def tunnelled(server: socket.socket, ended: Callable[[int], None], first: bytes = b"") -> Upgrade:
    """What a connection becomes: one end of a tunnel to the server, which gets `first` before what the client sends.

    `ended` is told the bytes that came from there.
    """
    return partial(_begun, server, ended, first)


def _begun(
    server: socket.socket,
    ended: Callable[[int], None],
    first: bytes,
    client: socket.socket,
    surroundings: Surroundings,
) -> Stage:
    return Tunnel(client, server, ended, surroundings, first)


class _Flow:
    """One direction. Mutable: the bytes that the sink has not taken, and how far the end has come."""

    __slots__ = ("_piece", "_sink", "_source", "is_over", "moved", "source_ended")

    def __init__(self, source: socket.socket, sink: socket.socket, first: bytes = b"") -> None:
        self._source = source
        self._sink = sink
        self._piece = memoryview(first)
        self.source_ended = False
        self.is_over = False
        """Whether the sink was told the end."""
        self.moved = 0

    @property
    def waits_for_source(self) -> bool:
        return not self._piece and not self.source_ended

    @property
    def waits_for_sink(self) -> bool:
        return bool(self._piece)

    def advance(self, limit: int) -> None:
        """Move what can be moved, about limit bytes; OSError of either side."""
        end = self.moved + limit
        try:
            while self.moved < end and not self.is_over:
                if not self._piece and not self._filled():
                    return
                sent = self._sink.send(self._piece)
                self._piece = self._piece[sent:]
                self.moved += sent
        except BlockingIOError:
            return

    def _filled(self) -> bool:
        data = b"" if self.source_ended else self._source.recv(_PIECE)
        self._piece = memoryview(data)
        if not data:
            self.source_ended = self.is_over = True
            self._sink.shutdown(socket.SHUT_WR)
        return bool(data)


class Tunnel:
    """A stage of a connection: see `stage`."""

    def __init__(
        self,
        client: socket.socket,
        server: socket.socket,
        ended: Callable[[int], None],
        surroundings: Surroundings,
        first: bytes = b"",
    ) -> None:
        server.setblocking(False)
        self._sockets = (client, server)
        self._up, self._down = _Flow(client, server, first), _Flow(server, client)
        self._ended = ended
        self._surroundings = surroundings
        self._loop = surroundings.loop
        self._moved_at = self._loop.time()
        self._watched: set[tuple[int, bool]] = set()
        self._is_over = False
        self._watch()

    def __repr__(self) -> str:
        return f"<Tunnel {self._surroundings.peer}: {self._up.moved} bytes up, {self._down.moved} down>"

    @property
    def is_idle(self) -> bool:
        return not (self._up.waits_for_sink or self._down.waits_for_sink)

    def expire(self, now: float) -> None:
        if now - self._moved_at > self._surroundings.limits.tunnel_s:
            _log.info("%s: nothing came through its tunnel for %g s", self._surroundings.peer, now - self._moved_at)
            self.abort()

    def drain(self) -> None:
        """Only its two sides know whether they are done: it goes on until it is aborted."""

    def abort(self) -> None:
        if not self._is_over:
            self._leave(reset)

    def _advance(self) -> None:
        before = self._up.moved + self._down.moved
        limit = self._surroundings.limits.turn // 2
        try:
            self._up.advance(limit)
            self._down.advance(limit)
        except OSError as error:
            _log.debug("%s: tunnel lost: %s", self._surroundings.peer, error)
            self.abort()
            return
        if self._up.moved + self._down.moved > before:
            self._moved_at = self._loop.time()
        if self._up.is_over and self._down.is_over:
            self._leave(socket.socket.close)
        else:
            self._watch()

    def _watch(self) -> None:
        client, server = (each.fileno() for each in self._sockets)
        wanted = {
            (client, False): self._up.waits_for_source,
            (server, True): self._up.waits_for_sink,
            (server, False): self._down.waits_for_source,
            (client, True): self._down.waits_for_sink,
        }
        self._watch_only({each for each, is_wanted in wanted.items() if is_wanted})

    def _watch_only(self, wanted: set[tuple[int, bool]]) -> None:
        for descriptor, is_writing in wanted - self._watched:
            (self._loop.add_writer if is_writing else self._loop.add_reader)(descriptor, self._advance)
        for descriptor, is_writing in self._watched - wanted:
            (self._loop.remove_writer if is_writing else self._loop.remove_reader)(descriptor)
        self._watched = wanted

    def _leave(self, close: Callable[[socket.socket], None]) -> None:
        self._is_over = True
        self._watch_only(set())
        for each in self._sockets:
            close(each)
        self._ended(self._down.moved)
        self._surroundings.ended(self)
