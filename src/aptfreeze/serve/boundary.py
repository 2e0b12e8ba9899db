# SPDX-License-Identifier: MIT
"""The border between connections and the handler: whatever the handler does, the event loop lives on.

Rule: this module is the one place of the serving side that catches every exception. What it caught is logged with the
request and answered with 500; anything else than an Exception (cancellation, exit) passes.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

from aptfreeze.http.message import BadRequest, Request, response_head
from aptfreeze.serve.reply import Handler, Inline, Reply

_T = TypeVar("_T")
_log = logging.getLogger(__name__)
_APOLOGY = b"aptfreeze: internal error; the server's log has it.\n"


class Boundary:
    """A handler whose exceptions are answers."""

    __slots__ = ("handler",)

    def __init__(self, handler: Handler) -> None:
        self.handler = handler

    def answer(self, request: Request) -> Reply | asyncio.Future[Reply]:
        return _guard(request, self.handler.answer, request) or _internal_error(request)

    def refuse(self, bad: BadRequest) -> Reply:
        return _guard(None, self.handler.refuse, bad) or _internal_error(None)

    def result(self, request: Request | None, answer: Reply | asyncio.Future[Reply]) -> Reply:
        """The reply itself, where a future is done."""
        if isinstance(answer, Reply):
            return answer
        if answer.cancelled():
            return _internal_error(request)
        return _guard(request, answer.result) or _internal_error(request)

    def done(self, reply: Reply, sent: int, complete: bool) -> None:
        """Tell the end of a reply; to be called once for each."""
        if reply.done is not None:
            _guard(None, reply.done, sent, complete)

    def discard(self, answer: Reply | asyncio.Future[Reply]) -> None:
        """Tell the end of an answer of which nothing was sent; a future is cancelled, or discarded when it comes."""
        if isinstance(answer, Reply):
            self.done(answer, 0, False)
        elif not answer.done():
            answer.add_done_callback(self.discard)
            answer.cancel()
        elif not answer.cancelled() and answer.exception() is None:
            self.done(answer.result(), 0, False)


async def answered(request: Request, reply: Awaitable[Reply]) -> Reply:
    """The reply, or 500: for a handler's own task, whose exception would end its TaskGroup and so all clients."""
    return await _attempt(reply, partial(_log_error, request)) or _internal_error(request)


async def attended(what: str, work: Awaitable[None]) -> None:
    """Work beside the requests, for a task of its own: its exception is logged, and ends nothing else."""
    await _attempt(work, partial(_log.exception, "error in the background: %s", what))


async def _attempt(work: Awaitable[_T], log: Callable[[], None]) -> _T | None:
    try:
        return await work
    except Exception:
        log()
        return None


def _guard(request: Request | None, call: Callable[..., _T], *arguments: object) -> _T | None:
    try:
        return call(*arguments)
    except Exception:
        _log_error(request)
        return None


def _log_error(request: Request | None) -> None:
    asked = "" if request is None else f" of {request.method} {request.target[:300]!r}"
    _log.exception("error in the handler%s", asked)


def _internal_error(request: Request | None) -> Reply:
    head = response_head(
        500,
        "Internal Server Error",
        [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(_APOLOGY)))],
    )
    return Reply(head, Inline(b"" if request is not None and request.method == "HEAD" else _APOLOGY))
