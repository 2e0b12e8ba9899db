# SPDX-License-Identifier: MIT
"""The access log: one line for each answer, for whoever wants to know what a client really asked.

    2026-11-24T07:00:00Z GET http://mirror.example.org/debian/dists/bookworm/InRelease 200 151123

Time, method, target as it was sent but for a user and a password, status, bytes of the body that were sent; `-` behind
them for an answer that was cut. Rule: telling costs an append to a list; the file is written by a timer and at the end.
"""

import asyncio
import os
import re
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from aptfreeze.errors import UsageError
from aptfreeze.http.message import BadRequest, Request
from aptfreeze.serve.reply import Handler, Reply

_USER = re.compile(r"^([a-z]+://)[^/?]*@", re.I)
_STATUS = slice(9, 12)
"""Of a status line: `HTTP/1.1 200 ...`."""


class AccessLog:
    """Mutable state: the lines that are not written yet."""

    def __init__(self, path: Path) -> None:
        """Appends to a file; UsageError if it cannot be written."""
        try:
            self._fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except OSError as error:
            raise UsageError(
                f"the access log {path} cannot be written: {error.strerror}", hint="name another file with --access-log"
            ) from error
        self._unwritten: deque[str] = deque()

    def __repr__(self) -> str:
        return f"<AccessLog {len(self._unwritten)} lines to write>"

    def follow(self, request: Request, reply: Reply) -> Reply:
        """The same reply, which tells its end to the log too."""
        reply.done = self._teller(request, reply.head[_STATUS].decode("ascii"), reply.done)
        return reply

    def _teller(
        self, request: Request, status: str, done: Callable[[int, bool], None] | None
    ) -> Callable[[int, bool], None]:
        def tell(sent: int, is_complete: bool) -> None:
            moment = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            target = _USER.sub(r"\1***@", request.target.decode("ascii", "backslashreplace"))
            cut = "" if is_complete else " -"
            self._unwritten.append(f"{moment} {request.method} {target} {status} {sent}{cut}\n")
            if done is not None:
                done(sent, is_complete)

        return tell

    def flush(self) -> None:
        """Write what was told; a full disk loses lines of the log and nothing else."""
        lines = []
        while self._unwritten:
            lines.append(self._unwritten.popleft())
        if lines:
            try:
                os.write(self._fd, "".join(lines).encode())
            except OSError:
                return

    def close(self) -> None:
        self.flush()
        os.close(self._fd)


class Logged:
    """A handler whose answers are told to a log. What is no request has no target, and no line."""

    def __init__(self, handler: Handler, log: AccessLog) -> None:
        self._handler = handler
        self._log = log

    def answer(self, request: Request) -> Reply | asyncio.Future[Reply]:
        answer = self._handler.answer(request)
        if isinstance(answer, Reply):
            return self._log.follow(request, answer)
        # A future of our own: of the handler's, the connection may take the result before any callback has run.
        followed: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        answer.add_done_callback(partial(self._pass_on, request, followed))
        followed.add_done_callback(partial(_cancel_too, answer))
        return followed

    def _pass_on(self, request: Request, followed: asyncio.Future[Reply], answer: asyncio.Future[Reply]) -> None:
        if answer.cancelled():
            followed.cancel()
        elif (error := answer.exception()) is None:
            self._deliver(self._log.follow(request, answer.result()), followed)
        elif not followed.cancelled():
            followed.set_exception(error)

    def _deliver(self, reply: Reply, followed: asyncio.Future[Reply]) -> None:
        if not followed.cancelled():
            followed.set_result(reply)
        elif reply.done is not None:  # the client left, and the answer came all the same
            reply.done(0, False)

    def refuse(self, bad: BadRequest) -> Reply:
        return self._handler.refuse(bad)


def _cancel_too(answer: asyncio.Future[Reply], followed: asyncio.Future[Reply]) -> None:
    if followed.cancelled():
        answer.cancel()
