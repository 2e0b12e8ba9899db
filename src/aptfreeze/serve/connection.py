# SPDX-License-Identifier: MIT
"""One client connection: a state machine over a non-blocking `Stream`, driven by the event loop's readiness callbacks.

    bytes -> Intake -> backlog -> handler (all at once, up to the queue's limit) -> queue -> Batch -> socket

Rule 1: answers leave strictly in the order of the requests; the handler works on all of them at once.
Rule 2: every event ends in `_advance`, the only place that sends, and that decides whether the connection ends and
what it waits for next. It may be called at any time.
Rule 3: nothing is read while the backlog waits for room in the queue: a client that does not read its answers is held
by TCP, and costs at most one queue, one batch and one read.
Rule 4: the connection stays open after any status unless the client or `Reply.close` ended it; apt's pipeline depends
on that. If we end it, we first send our end and read on until the client's (RFC 9112 9.6): a close with unread bytes
would be a reset, and the last answer lost.
Rule 5: an end of the client's sending is no end of its reading: what was asked before is answered.
Rule 6: after the answer to a CONNECT that has an `upgrade`, the socket is another stage's: see `stage`.

Mutable state: `_backlog`, `_queue`, `_batch` (what is to do, in this order of age from youngest to oldest), `_phase`,
the intake (how far the end has come), `_upgrade` (what comes after), `_reading` and `_writing` (what the loop watches),
and a clock reading for the time limits.
"""

import asyncio
import errno
import logging
from collections import deque
from collections.abc import Callable
from enum import StrEnum

from aptfreeze.http.message import BadRequest, Request
from aptfreeze.serve.exchange import Exchange
from aptfreeze.serve.intake import Intake
from aptfreeze.serve.outgoing import Batch, BodyLost, Progress
from aptfreeze.serve.reply import Reply, Upgrade
from aptfreeze.serve.stage import Surroundings
from aptfreeze.serve.stream import PlainStream, Stream, WantsWrite

_log = logging.getLogger(__name__)
_FILE_FAULTS = frozenset({errno.EIO, errno.ESTALE, errno.EBADF, errno.EINVAL})  # sendfile has them of its input


class Phase(StrEnum):
    """How far a connection's life has come."""

    OPEN = "open"
    LINGERING = "lingering"
    """Our end is sent; what the client still sends is read and dropped."""
    CLOSED = "closed"


# For each hit. Python 3.11 takes 0.05 us to reach a member through its enumeration.
_OPEN, _LINGERING = Phase.OPEN, Phase.LINGERING
_FINISHED, _WAITS_TO_WRITE = Progress.FINISHED, (Progress.SOCKET_FULL, Progress.TURN_OVER)


class Connection:
    """Serves one client until either side ends, or another stage begins; the surroundings are told, once."""

    def __init__(self, stream: Stream, surroundings: Surroundings) -> None:
        self._stream = stream
        self._descriptor = stream.fileno()
        self._surroundings = surroundings
        self._peer = surroundings.peer
        self._boundary = surroundings.boundary
        self._limits = surroundings.limits
        self._loop = surroundings.loop
        self._intake = Intake(stream, surroundings.peer.rpartition(":")[0], self._loop.time)
        self._backlog: deque[Request | BadRequest] = deque()
        self._queue: deque[Exchange] = deque()
        self._batch: Batch | None = None
        self._phase = Phase.OPEN
        self._upgrade: Upgrade | None = None
        self._reading = False
        self._writing = False
        self._moved_at = self._loop.time()
        self._watch(reading=True, writing=False)

    def __repr__(self) -> str:
        waits = [name for name, flag in (("reading", self._reading), ("writing", self._writing)) if flag]
        sending = "" if self._batch is None else f", sending {len(self._batch)} ({self._batch.sent} bytes sent)"
        waiting = len(self._queue) + len(self._backlog)
        return f"<Connection {self._peer} {self._phase}: {waiting} waiting{sending}; {' and '.join(waits) or 'paused'}>"

    @property
    def is_idle(self) -> bool:
        """Whether no request waits for its answer or a part of it."""
        return self._batch is None and not self._queue and not self._backlog

    # What happens to a connection: the client sends or reads, a source has more, time passes, the server stops.

    def _readable(self) -> None:
        try:
            if self._phase is _LINGERING:
                if not self._intake.drop():
                    self.close()
                return
            self._backlog.extend(self._intake.receive())
        except WantsWrite:
            self._watch(reading=False, writing=True)
            return
        except BlockingIOError:
            return
        except OSError as error:
            self._lost(error)
            return
        self._advance()

    def _answered(self, _: asyncio.Future[Reply]) -> None:
        self._source_ready()

    def _source_ready(self) -> None:
        if not self._writing:  # else the socket is full, and its own callback goes on
            self._advance()

    def expire(self, now: float) -> None:
        """End the connection if its client is overdue at `now`, by the loop's clock."""
        limits = self._limits
        if self._phase is Phase.LINGERING:
            if now - self._moved_at > limits.linger_s:
                self.close()
        elif self._writing:
            if now - self._moved_at > limits.stall_s:
                _log.info("%s: has not read for %.0f s; reset", self._peer, limits.stall_s)
                self.abort()
        elif (since := self._intake.head_since) is not None:
            if self._reading and now - since > limits.head_s:
                self._backlog.append(self._intake.give_up(limits.head_s))
                self._advance()
        elif self.is_idle and now - max(self._intake.read_at, self._moved_at) > limits.idle_s:
            self.close()

    def drain(self) -> None:
        """Answer what was asked so far, then end."""
        if self.is_idle and self._phase is Phase.OPEN:
            self.close()
        else:
            self._intake.is_over = True
            self._advance()

    # What it then does.

    def _advance(self) -> None:
        try:
            if self._phase is _OPEN:
                self._go_on()
        except BodyLost as error:
            _log.warning("%s: answer cut, %s", self._peer, error)
            self.abort()
        except OSError as error:
            self._lost(error)

    def _go_on(self) -> None:
        self._admit()
        progress = self._send()
        if self._intake.is_over and self.is_idle:
            self._end()
        else:
            self._watch(
                reading=not self._intake.is_over and not self._backlog,
                writing=progress in _WAITS_TO_WRITE,
            )

    def _send(self) -> Progress:
        """Send until nothing is due, the socket is full, the source is empty or the turn is over."""
        left = self._limits.turn
        while True:
            batch = self._batch or self._gather()
            if batch is None:
                return _FINISHED
            if left <= 0:
                return Progress.TURN_OVER
            before = batch.sent
            progress = batch.advance(self._stream, left)
            if (sent := batch.sent - before) > 0:
                left -= sent
                self._moved_at = self._loop.time()
            if progress is not _FINISHED:
                return progress
            self._settle(batch, finished=True)

    def _admit(self) -> None:
        """Give the handler the requests that have room in the queue."""
        while self._backlog and len(self._queue) < self._limits.queue:
            message = self._backlog.popleft()
            if isinstance(message, BadRequest):
                self._queue.append(Exchange(None, self._boundary.refuse(message)))
                continue
            answer = self._boundary.answer(message)
            self._queue.append(Exchange(message, answer))
            if not isinstance(answer, Reply):
                answer.add_done_callback(self._answered)
            if not message.keep_alive or message.method == "CONNECT":
                self._intake.is_over = True
                self._backlog.clear()

    def _gather(self) -> Batch | None:
        """The answers at the head of the queue that are due, as many as one batch takes."""
        if not self._queue or not self._queue[0].is_due:
            return None
        batch = self._batch = Batch(self._loop, self._source_ready)
        while self._queue and self._queue[0].is_due and not batch.is_full:
            exchange = self._queue.popleft()
            reply = self._boundary.result(exchange.request, exchange.answer)
            keeps_alive = exchange.keeps_alive(reply)
            batch.add(reply, exchange.head(reply, keeps_alive))
            if not keeps_alive:
                self._intake.is_over = True
                self._upgrade = reply.upgrade
                self._drop_queue()
        self._admit()  # into the room that is free now, however long this batch will take
        return batch

    def _settle(self, batch: Batch, *, finished: bool) -> None:
        self._batch = None
        batch.close()
        for reply, sent, complete in batch.receipts(finished):
            self._boundary.done(reply, sent, complete)

    def _drop_queue(self) -> None:
        self._backlog.clear()
        while self._queue:
            self._boundary.discard(self._queue.popleft().answer)

    def _watch(self, *, reading: bool, writing: bool) -> None:
        if reading is not self._reading:
            self._reading = reading
            if reading:
                self._intake.resume()
                self._loop.add_reader(self._descriptor, self._readable)
            else:
                self._loop.remove_reader(self._descriptor)
        if writing is not self._writing:
            self._writing = writing
            if writing:
                self._moved_at = self._loop.time()
                self._loop.add_writer(self._descriptor, self._advance)
            else:
                self._loop.remove_writer(self._descriptor)

    # How it ends.

    def _end(self) -> None:
        """Everything is answered: a clean end that the client can read up to. OSError of the peer."""
        if self._upgrade is not None:
            self._hand_over(self._upgrade)
        elif self._intake.client_ended:
            self.close()
        else:
            self._stream.finish()
            self._phase = Phase.LINGERING
            self._moved_at = self._loop.time()
            self._watch(reading=True, writing=False)

    def _hand_over(self, upgrade: Upgrade) -> None:
        assert isinstance(self._stream, PlainStream)  # the handler refuses what would lead out of TLS
        self._phase = Phase.CLOSED
        self._watch(reading=False, writing=False)
        self._surroundings.next(self, upgrade(self._stream.detach(), self._surroundings))

    def _lost(self, error: OSError) -> None:
        """The client is gone, or a file that was being sent could not be read."""
        level = logging.WARNING if error.errno in _FILE_FAULTS else logging.DEBUG
        _log.log(level, "%s: connection lost: %s", self._peer, error)
        self.abort()

    def close(self) -> None:
        """End now; nothing if it has ended."""
        self._leave(self._stream.close)

    def abort(self) -> None:
        """Reset now: the client reads an error, never a clean end; nothing if it has ended."""
        self._leave(self._stream.abort)

    def _leave(self, close_stream: Callable[[], None]) -> None:
        if self._phase is Phase.CLOSED:
            return
        self._phase = Phase.CLOSED
        self._watch(reading=False, writing=False)
        close_stream()
        if self._batch is not None:
            self._settle(self._batch, finished=False)
        self._drop_queue()
        self._surroundings.ended(self)
