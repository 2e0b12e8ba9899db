# SPDX-License-Identifier: MIT
"""How many connections to one host are worth it (pure: the clock is an argument).

A further connection costs a slow start and helps only where the limit is the connection, not the link. On a link that
one connection fills, several make things worse: what was asked first no longer comes first. So: begin with one, try
twice as many as soon as their rate is known, and go back if the total has not risen.

Rule 1: rates are compared by the third best stretch of each: a stretch in which clients asked for little says nothing,
and one or two may be a burst of what a socket had held back.
Rule 2: that more do not help is decided only while the link is about as full as it was with fewer.
Rule 3: nothing is for ever: after a minute it is tried again.
"""

_STRETCH_S = 0.1
_PROOFS = 3
_RISE = 1.3
_FULL = 0.8
_STEADY = 1.15
"""A rate that is above the best before by no more than this is no slow start any more."""
_ATTEMPTS = 8
"""So many full stretches without a rise, and it will not come."""
_SETTLED_S = 60.0
_LEAST_BEHIND = 1 << 20
_BEHIND_S = 2.0
"""What a link that is full brings in so long is one pipeline: files that overtake others on a second connection leave
the client, who wants them in its order, with nothing to ask for meanwhile. Another client waits so long at most."""


class Pace:
    """Mutable state: the current stretch, the best rates by number of connections, what is allowed and since when."""

    def __init__(self, limit: int) -> None:
        self.allowed = 1
        """So many connections are worth it, as far as one knows."""
        self._limit = limit
        self._best: dict[int, list[float]] = {}
        self._full = 0
        """Stretches with as many connections as are allowed now, in which the link was full."""
        self._settled_at: float | None = None
        self._received = 0
        self._idlest = self._busiest = 0
        self._since = self._latest = 0.0

    def __repr__(self) -> str:
        rates = ", ".join(f"{count}: {self._rate(count) / 1e6:.1f} MB/s" for count in self._best)
        return f"<Pace {self.allowed} of {self._limit}; {rates}>"

    @property
    def behind(self) -> int:
        """Bytes; behind more of them on one connection another one answers sooner."""
        if self._settled_at is None:
            return _LEAST_BEHIND
        return max(_LEAST_BEHIND, int(self._rate(self.allowed) / self.allowed * _BEHIND_S))

    def received(self, count: int, now: float, *, busy: int) -> None:
        """So many bytes came, while so many connections had something to do."""
        if now - self._latest > _STRETCH_S:  # the host was idle: a pause says nothing about rates
            self._begin(now)
        self._latest = now
        self._received += count
        self._busiest = max(self._busiest, busy)
        self._idlest = min(self._idlest, busy)
        passed = now - self._since
        if passed >= _STRETCH_S:
            if self._busiest >= self.allowed:
                self._judge(self._received / passed, now)
            self._begin(now)

    def _begin(self, now: float) -> None:
        self._since, self._received, self._busiest, self._idlest = now, 0, 0, self._limit

    def _rate(self, connections: int) -> float:
        """What so many have reached for sure, in bytes per second; 0 if that is not known yet."""
        best = self._best.get(connections, [])
        return best[-1] if len(best) == _PROOFS else 0.0

    def _judge(self, rate: float, now: float) -> None:
        before = self._rate(self.allowed)
        self._best[self.allowed] = sorted([*self._best.get(self.allowed, []), rate], reverse=True)[:_PROOFS]
        if self._settled_at is not None:
            if now - self._settled_at < _SETTLED_S:
                return
            self._settled_at, self._best, self._full, before = None, {}, 0, 0.0
        with_fewer, reached = self._rate(self.allowed // 2), self._rate(self.allowed)
        self._full += self._idlest >= self.allowed and rate > with_fewer * _FULL
        if reached > before * _STEADY:
            return
        if reached > with_fewer * _RISE:
            self._allow(min(self._limit, self.allowed * 2))
        elif self._full >= _ATTEMPTS:
            self._settled_at = now
            self._allow(max(1, self.allowed // 2))

    def _allow(self, count: int) -> None:
        if count != self.allowed:
            self.allowed, self._full = count, 0
