# SPDX-License-Identifier: MIT
"""Which connection a request is given: the lines of one host, and what is known of their worth."""

from collections.abc import Iterator

from aptfreeze.fetch.line import Line, Ticket
from aptfreeze.fetch.pace import Pace

_ALONE = 10
"""Pipeline depth of a single connection: as deep as apt's own."""


class Lines:
    """Mutable state, under the host's lock: the lines, and how many requests each may have in flight."""

    def __init__(self, connections: int, depth: int) -> None:
        self.pace = Pace(connections)
        self.depth = depth
        self._connections = connections
        self._lines: list[Line] = []

    def __iter__(self) -> Iterator[Line]:
        return iter(self._lines)

    def __len__(self) -> int:
        return len(self._lines)

    def append(self, line: Line) -> None:
        self._lines.append(line)

    def remove(self, line: Line) -> None:
        self._lines.remove(line)

    @property
    def busy(self) -> int:
        """How many owe an answer."""
        return sum(bool(line.owed) for line in self._lines)

    def ended(self) -> list[Line]:
        """Those without work that the server has closed meanwhile."""
        return [line for line in self._lines if not line.owed and not _is_alive(line)]

    def choose(self, ticket: Ticket) -> Line | None:
        """The line for a ticket; None: open one, if that may be, or wait.

        An idle one, as long as more connections are worth it; else the emptiest one that will not keep it waiting.
        Who has lost one gets a new one, and is its first: else a server that closes after each answer could lose the
        same request again and again.
        """
        if ticket.has_lost and len(self._lines) < self._connections:
            return None
        idle = next((line for line in self._lines if not line.owed), None)
        if self.busy < self.pace.allowed:
            return idle
        depth = self.depth if self.depth == 1 or self.pace.allowed > 1 else max(self.depth, _ALONE)
        usable = (line for line in self._lines if line.owed and line.connection and line.connection.is_usable)
        free = [line for line in usable if len(line.owed) < depth and not self._is_slow(line, ticket)]
        return min(free, key=lambda line: len(line.owed), default=idle)

    def may_open(self, ticket: Ticket) -> bool:
        """Whether a further connection may be opened for a ticket that no line is good enough for."""
        if len(self._lines) >= self._connections:
            return False
        if ticket.has_lost or self.busy < self.pace.allowed:
            return True
        if self.busy > self.pace.allowed:
            return False
        # One more, past large files. Behind a connection that is just being opened one waits a moment.
        return all(line.connection is not None and self._is_slow(line, ticket) for line in self._lines)

    def _is_slow(self, line: Line, ticket: Ticket) -> bool:
        return line.is_slow_for(ticket, self.pace.behind)


def _is_alive(line: Line) -> bool:
    return line.connection is not None and line.connection.is_usable and not line.connection.is_stale
