# SPDX-License-Identifier: MIT
"""The pieces that a `Host` moves: tickets, the lines that they queue on, and the answer that a ticket gets."""

import threading
from collections import deque
from collections.abc import Callable, Iterator

from aptfreeze.errors import UpstreamError
from aptfreeze.fetch.connection import Connection, Head
from aptfreeze.fetch.failures import PassingError
from aptfreeze.fetch.priority import Asker, Priority

_DRAINED = 256 << 10
"""The rest of an unwanted body, if it is not longer, is read so that the connection can go on."""


class Ticket:
    """A request that waits for its turn; `turn` is set when its thread has something to do."""

    __slots__ = ("age", "asker", "failure", "has_lost", "line", "request", "size", "turn")

    def __init__(self, request: bytes, asker: Asker, size: int, age: int) -> None:
        self.request = request
        self.asker = asker
        self.size = size
        self.age = age
        self.line: Line | None = None
        self.failure: UpstreamError | None = None
        self.has_lost = False
        """Whether a connection that had answered others ended before it answered this one."""
        self.turn = threading.Event()

    def fail(self, failure: UpstreamError) -> None:
        self.failure = failure
        self.turn.set()

    @property
    def rank(self) -> tuple[Priority, int]:
        return (self.asker.priority, self.age)


class Line:
    """A connection, or one that its first ticket is about to open, and the tickets it owes answers to, in order."""

    __slots__ = ("connection", "owed")

    def __init__(self, first: Ticket) -> None:
        self.connection: Connection | None = None
        self.owed: deque[Ticket] = deque([first])

    @property
    def load(self) -> int:
        return sum(ticket.size for ticket in self.owed)

    def is_slow_for(self, ticket: Ticket, behind: int) -> bool:
        """Whether a ticket had better not wait here: behind large files, or behind what no client will ask for.

        Prefetched files are no hindrance: this one gets ahead of those that wait, and what is sent already is short.
        """
        is_behind_sources = any(owed.asker.priority is Priority.SOURCES for owed in self.owed)
        return self.load > behind or (is_behind_sources and ticket.asker.priority is not Priority.SOURCES)


class Response:
    """An answer whose head has come. Valid inside the `with` of `Host.exchange` only."""

    def __init__(self, head: Head, connection: Connection, received: Callable[[int], None]) -> None:
        self.head = head
        self.status = head.status
        self._connection = connection
        self._received = received
        self._pieces = self._counted()
        self.is_read = False
        """Whether the body was read to its end."""

    @property
    def address(self) -> str:
        """Of the server, or the proxy, that it comes from; empty if it has gone."""
        return self._connection.address

    def body(self) -> Iterator[bytes]:
        """The pieces of the body; PassingError if it is cut."""
        return self._pieces

    def _counted(self) -> Iterator[bytes]:
        for piece in self._connection.body():
            self._received(len(piece))
            yield piece
        self.is_read = True

    def drain(self) -> None:
        """Read on if that is cheaper than a new connection. Errors do not matter: the answer is not wanted."""
        if (self.head.content_length or 0) > _DRAINED:
            return
        taken = 0
        try:
            for piece in self._pieces:
                taken += len(piece)
                if taken > _DRAINED:
                    return
        except PassingError:
            return
