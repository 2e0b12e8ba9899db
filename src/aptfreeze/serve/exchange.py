# SPDX-License-Identifier: MIT
"""A request in the handler's hands, and what its answer means for the connection that it came over (RFC 9112 9)."""

import asyncio
from dataclasses import dataclass

from aptfreeze.http.message import Request
from aptfreeze.serve.reply import Reply


@dataclass(slots=True)
class Exchange:
    """A request that the handler has, and its answer; without a request: the answer to what was none."""

    request: Request | None
    answer: Reply | asyncio.Future[Reply]

    @property
    def is_due(self) -> bool:
        return isinstance(self.answer, Reply) or self.answer.done()

    def keeps_alive(self, reply: Reply) -> bool:
        """Whether another request may follow. CONNECT ends HTTP on a connection, whatever the answer."""
        request = self.request
        return request is not None and request.keep_alive and request.method != "CONNECT" and not reply.close

    def head(self, reply: Reply, keeps_alive: bool) -> bytes:
        """The reply's head with the field `Connection` where RFC 9112 9.3 and 9.6 want it: for an end, and for 1.0."""
        if (
            not reply.head
            or reply.upgrade is not None
            or (keeps_alive and self.request is not None and self.request.version != "1.0")
        ):
            return reply.head
        option = b"keep-alive" if keeps_alive else b"close"
        return reply.head[:-2] + b"Connection: " + option + b"\r\n\r\n"
