# SPDX-License-Identifier: MIT
"""One mirror host: who of all that ask it goes next, on which of its warm connections.

Rule 1: every thread that wants an answer has a `Ticket`. Tickets wait by priority, then by age; demanded ones first.
Rule 2: a ticket that is given a line (a connection) has its request sent at once, and reads its own answer when it is
the first of that line: requests are pipelined, and each thread's code is straight.
Rule 3: a line that breaks gives its further tickets back to the queue, at their old age. They have failed nothing.
Rule 4: no further request is sent behind so many bytes that another connection would answer sooner.
Rule 5: what is wanted for later (SOURCES) takes nothing away: it is asked when nothing else is under way, and read no
further while something is; TCP's flow control stops the server meanwhile.

Mutable state, under the lock: the waiting tickets, the lines with the tickets that each owes an answer.
"""

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from aptfreeze.errors import UpstreamError
from aptfreeze.fetch.connection import Connection, Head
from aptfreeze.fetch.failures import (
    ClosingError,
    ForgoneError,
    LostConnectionError,
    PassingError,
    UnreachableError,
    UntrustedError,
)
from aptfreeze.fetch.line import Line, Response, Ticket
from aptfreeze.fetch.lines import Lines
from aptfreeze.fetch.priority import Asker, Priority
from aptfreeze.fetch.turns import Standing

__all__ = ["Host", "Response"]

_RESENDS = 10
_DOWN_S = 30.0
"""After a host could not be reached, fell silent, or is not who it should be, others are asked first for so long."""
_CLOSING = "closing: nothing more is fetched"
_FAMILIAR = 4
"""A server that closes after fewer answers although more were asked does not like pipelining."""
_STANDSTILL_S = 10.0
"""The longest pause in reading an answer: servers hang up on who takes nothing for a minute or so."""
_LOOK_AGAIN_S = 0.02


class Host:
    """All connections to one host and port; `connect` opens one (blocking)."""

    def __init__(
        self, name: str, connect: Callable[[], Connection], *, connections: int, depth: int, longest_rest_s: float
    ) -> None:
        """`longest_rest_s`: a longer Retry-After is none of this host's; the one who got it fails."""
        self.name = name
        self.requests = 0
        self.received = 0
        """Bytes of bodies."""
        self._connect = connect
        self._lines = Lines(connections, depth)
        self._waiting: list[Ticket] = []
        self._ages = itertools.count()
        self._lock = threading.Lock()
        self._longest_rest_s = longest_rest_s
        self._down_until = 0.0
        self._rests_until = 0.0
        self._closing = threading.Event()

    @property
    def standing(self) -> Standing:
        now = time.monotonic()
        if now < self._down_until:
            return Standing.AWAY
        return Standing.RESTING if now < self._rests_until else Standing.GOOD

    @property
    def spare(self) -> int:
        """How many connections are worth having, as far as one knows, and have nothing to do."""
        with self._lock:
            return self._lines.pace.allowed - self._lines.busy

    def __repr__(self) -> str:
        owed = sum(len(line.owed) for line in self._lines)
        return f"<Host {len(self._lines)} connections, {owed} requests in flight, {len(self._waiting)} waiting>"

    @contextmanager
    def exchange(self, request: bytes, asker: Asker, size: int = 0) -> Iterator[Response]:
        """Ask and be answered; `size` in bytes is what the answer will have, as far as one knows.

        Waits for its turn, and for the end of a rest. PassingError if the server cannot be reached or cuts the answer,
        ClosingError.
        """
        self._closing.wait(max(0.0, self._rests_until - time.monotonic()))
        ticket = Ticket(request, asker, size, next(self._ages))
        try:
            with self._response(ticket) as response:
                yield response
        except (UnreachableError, UntrustedError):
            self._down_until = time.monotonic() + _DOWN_S
            raise
        except PassingError as error:  # from the caller's block: what it made of the answer
            if error.after_s <= self._longest_rest_s:
                self._rests_until = max(self._rests_until, time.monotonic() + error.after_s)
            raise

    @contextmanager
    def _response(self, ticket: Ticket) -> Iterator[Response]:
        head, connection = self._answered(ticket)
        response = Response(head, connection, lambda size: self._received(ticket, size))
        try:
            yield response
        finally:
            response.drain()
            self._done(ticket, is_usable=response.is_read and connection.is_usable)

    def reconsider(self) -> None:
        """To be called when the priority of something that may wait has risen."""
        with self._lock:
            self._assign()

    def close(self) -> None:
        """Everybody who waits or reads fails now."""
        with self._lock:
            self._closing.set()
            for line in self._lines:
                for ticket in list(line.owed)[1:]:
                    ticket.fail(ClosingError(_CLOSING))
                if line.connection is not None:  # the first ticket's thread is reading, and closes it
                    line.connection.abort()
            for line in [line for line in self._lines if not line.owed]:
                self._break(line)
            self._fail_waiting(ClosingError(_CLOSING))

    # --- one ticket's way, in its own thread ---

    def _answered(self, ticket: Ticket) -> tuple[Head, Connection]:
        """Wait for the turn and for the head; sends again what a dying connection has lost."""
        for _ in range(_RESENDS):
            was_warm = False
            try:
                with ExitStack() as undo:
                    undo.callback(self._done, ticket, is_usable=False)
                    connection = self._turn(ticket)
                    was_warm = connection.answered > 0
                    head = connection.head()
                    undo.pop_all()
                self._down_until = 0.0
                return head, connection
            except LostConnectionError:
                if not was_warm:
                    raise
                ticket.has_lost = True
        raise PassingError(f"{self.name} closed {_RESENDS} connections before it answered")

    def _turn(self, ticket: Ticket) -> Connection:
        """Wait until this ticket is the first of a line; opens the connection of a new one."""
        with self._lock:
            self._waiting.append(ticket)
            self._assign()
        ticket.turn.wait()
        if ticket.failure is not None:
            raise ticket.failure
        line = ticket.line
        assert line is not None
        if line.connection is None:
            self._open(line, ticket)
        assert line.connection is not None
        return line.connection

    def _open(self, line: Line, ticket: Ticket) -> None:
        try:
            connection = self._connect()
        except UpstreamError as error:
            with self._lock:  # who waits for this connection would only wait for the next failure
                self._fail_waiting(error)
            raise
        with self._lock:
            line.connection = connection
            if self._closing.is_set():
                raise ClosingError(_CLOSING)
            self._send(line, ticket)
            self._assign()

    def _done(self, ticket: Ticket, *, is_usable: bool) -> None:
        """The ticket has its answer or has failed: the line goes on with the next one, or breaks."""
        with self._lock:
            if ticket in self._waiting:
                self._waiting.remove(ticket)
            line, ticket.line = ticket.line, None
            ticket.turn.clear()
            if line is not None and line in self._lines:
                was_first = line.owed[0] is ticket
                line.owed.remove(ticket)
                # A line that gets idle after `close` has nobody else who would close it.
                if was_first and (self._closing.is_set() or not is_usable):
                    self._break(line)
                elif was_first and line.owed:
                    line.owed[0].turn.set()
            self._assign()

    def _received(self, ticket: Ticket, size: int) -> None:
        with self._lock:
            self.received += size
            if ticket.asker.priority < Priority.SOURCES:  # those come in fits and starts
                self._lines.pace.received(size, time.monotonic(), busy=self._lines.busy)
        until = time.monotonic() + _STANDSTILL_S
        while self._must_give_way(ticket) and time.monotonic() < until:
            time.sleep(_LOOK_AGAIN_S)

    def _must_give_way(self, ticket: Ticket) -> bool:
        """Whether something better is under way elsewhere, and nothing better waits for this connection."""
        if ticket.asker.priority < Priority.SOURCES:
            return False
        with self._lock:
            behind = [*self._waiting, *(ticket.line.owed if ticket.line else ())]
            is_in_the_way = any(self._is_better(other, ticket) for other in behind)
            return not (self._closing.is_set() or is_in_the_way) and self._is_busy_with_better(ticket)

    # --- decisions, under the lock ---

    def _assign(self) -> None:
        """Give lines to waiting tickets, the best first, as long as there are any."""
        if self._closing.is_set():
            self._fail_waiting(ClosingError(_CLOSING))
        while self._waiting:
            ticket = min(self._waiting, key=lambda waiting: waiting.rank)
            if ticket.asker.priority is Priority.FORGONE:  # they come last: all that are left are
                self._fail_waiting(ForgoneError("nobody wants it any more"))
                return
            if ticket.asker.priority is Priority.SOURCES and self._is_busy_with_better(ticket):
                return
            for line in self._lines.ended():
                self._break(line)
            chosen = self._lines.choose(ticket)
            if chosen is None:
                if not self._lines.may_open(ticket):
                    return
                ticket.line = Line(ticket)
                self._lines.append(ticket.line)
                ticket.turn.set()
            elif self._send(chosen, ticket):
                chosen.owed.append(ticket)
                ticket.line = chosen
                if chosen.owed[0] is ticket:
                    ticket.turn.set()
            else:
                continue
            self._waiting.remove(ticket)

    def _is_busy_with_better(self, ticket: Ticket) -> bool:
        under_way = itertools.chain(self._waiting, *(line.owed for line in self._lines))
        return any(self._is_better(other, ticket) for other in under_way)

    @staticmethod
    def _is_better(other: Ticket, ticket: Ticket) -> bool:
        return other.asker.priority < ticket.asker.priority

    def _fail_waiting(self, failure: UpstreamError) -> None:
        waiting, self._waiting = self._waiting, []
        for ticket in waiting:
            ticket.fail(failure)

    def _send(self, line: Line, ticket: Ticket) -> bool:
        """Under the lock, so that requests go out in the order of `owed`; they fit into the socket's buffer."""
        assert line.connection is not None
        try:
            line.connection.send(ticket.request)
        except LostConnectionError:
            if not line.owed:
                self._break(line)
            elif line.owed[0] is ticket:
                raise
            else:
                line.connection.is_usable = False
                self._give_back(line, keep=1)
            return False
        self.requests += 1
        return True

    def _break(self, line: Line) -> None:
        """Close a line; what it still owes waits again."""
        connection = line.connection
        if connection is not None and line.owed and not connection.is_usable and connection.answered < _FAMILIAR:
            self._lines.depth = 1
        self._give_back(line, keep=0)
        self._lines.remove(line)
        if connection is not None:
            connection.close()

    def _give_back(self, line: Line, *, keep: int) -> None:
        while len(line.owed) > keep:
            ticket = line.owed.pop()
            ticket.line = None
            self._waiting.append(ticket)
