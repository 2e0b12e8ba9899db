# SPDX-License-Identifier: MIT
"""What a handler gives a connection to send: a `Reply`, now or as a future, and the three kinds of body.

Rule 1: a head is complete (status line to empty line) and says nothing of the connection: no `Connection` and no
`Keep-Alive` field. The connection adds what its client needs, so that a prepared head serves every client.
Rule 2: a body is as long as its head says. The answer to HEAD has an empty body, given so by the handler.
Rule 3: the connection takes a reply over with everything in it and tells its end once, by `done`, whatever happens:
sent, cut in the middle, or never begun because the client left.
"""

import asyncio
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from aptfreeze.archive.growth import Growth
from aptfreeze.http.message import BadRequest, Request
from aptfreeze.values import immutable

if TYPE_CHECKING:
    from aptfreeze.serve.stage import Stage, Surroundings


@immutable
class Inline:
    """A body that is at hand."""

    data: bytes = b""


@immutable
class FileBody:
    """The bytes `[start, end)` of a file that may still be growing.

    Sent as far as `growth.ready` allows. If the growth fails before the end is sent, or the file turns out to be
    shorter, the connection is reset: the client sees a truncated body, never a clean end.
    """

    growth: Growth
    start: int
    end: int

    @property
    def size(self) -> int:
        return self.end - self.start


@immutable
class PipeBody:
    """Bytes that somebody writes into a pipe, up to its end of file: a body, or head and body if `Reply.head` is empty.

    The connection makes the read end `fd` non-blocking and never closes it: its owner does, in `Reply.done`.
    """

    fd: int
    ended_well: Callable[[], bool] | None = None
    """Asked at the pipe's end of file: False resets the connection, so that a truncated message shows as such."""


Body = Inline | FileBody | PipeBody


Upgrade = Callable[[socket.socket, "Surroundings"], "Stage"]
"""Begins another stage on the client's socket, as soon as the answer is sent; raises nothing."""


# Not frozen: one is made for each request, and frozen slots make that three times as slow.
@dataclass(slots=True)
class Reply:
    """One answer."""

    head: bytes
    body: Body
    close: bool = False
    """End the connection after this answer, and drop what was asked behind it. Not for error statuses as such: apt
    stops pipelining when a connection closes on it."""
    done: Callable[[int, bool], None] | None = None
    """Called once in the event loop: bytes of the body that were handed to the kernel, and whether that was all."""
    upgrade: Upgrade | None = None
    """In the answer to CONNECT: what the connection is from then on."""


class Handler(Protocol):
    """Who answers. Both methods run in the event loop and must not block.

    An exception out of them, out of a future or out of `Reply.done` is logged, and answered with 500 where nothing
    was answered yet.
    """

    def answer(self, request: Request) -> Reply | asyncio.Future[Reply]:
        """The reply, or a future of it that belongs to this request alone: it is cancelled when the client left.

        Called for every request as soon as it arrived, also for those behind a slow one: answers go out in order.
        """
        ...

    def refuse(self, bad: BadRequest) -> Reply:
        """The reply to what was no acceptable request; the connection ends after it."""
        ...
