# SPDX-License-Identifier: MIT
"""The stages of a client's socket: HTTP, then after CONNECT a TLS handshake and HTTP again, or a tunnel.

Rule 1: a socket is of one stage at a time. A stage ends once: it says `ended`, or names the one that follows.
Rule 2: a stage sees to its own time limits when it is asked to; the server's one timer asks all.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol

from aptfreeze.serve.boundary import Boundary
from aptfreeze.serve.limits import Limits
from aptfreeze.values import immutable


class Stage(Protocol):
    """What a server knows of a connection."""

    @property
    def is_idle(self) -> bool:
        """Whether nothing is under way for the client that we know of."""
        ...

    def expire(self, now: float) -> None:
        """End it if its client is overdue at `now`, by the loop's clock."""
        ...

    def drain(self) -> None:
        """End when what is under way is done."""
        ...

    def abort(self) -> None:
        """Reset now; nothing if it has ended."""
        ...


@immutable
class Surroundings:
    """What a stage needs of the server that it belongs to."""

    peer: str
    """The client's address, for people."""
    boundary: Boundary
    limits: Limits
    loop: asyncio.AbstractEventLoop
    ended: Callable[[Stage], None]
    """To be called when the socket is closed."""
    next: Callable[[Stage, Stage], None]
    """To be called when the socket is another stage's."""
