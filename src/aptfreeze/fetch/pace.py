# SPDX-License-Identifier: MIT
"""How many connections to one host are worth it (pure: the clock is an argument).

A further connection costs a slow start and helps only where the limit is the connection, not the link. So: begin with
one, as deep as a client's pipeline; allow twice as many each time that the total rate has risen with the last ones.
"""

_WINDOW_S = 0.5
_RISE = 1.15


class Pace:
    """Mutable state: bytes of the current window, the best rate so far, how many connections are allowed."""

    def __init__(self, limit: int) -> None:
        self.allowed = 1
        self._limit = limit
        self._best = 0.0
        self._received = 0
        self._since = self._latest = 0.0

    def received(self, count: int, now: float, *, connections: int) -> None:
        """So many bytes came, while so many connections were open."""
        if now - self._latest > _WINDOW_S:  # the host was idle: a pause says nothing about rates
            self._since, self._received = now, 0
        self._latest = now
        self._received += count
        passed = now - self._since
        if passed >= _WINDOW_S:
            self._judge(self._received / passed, connections)
            self._since, self._received = now, 0

    def _judge(self, rate: float, connections: int) -> None:
        if rate > self._best * _RISE:
            self._best = rate
            if connections >= self.allowed:
                self.allowed = min(self._limit, self.allowed * 2)
