# SPDX-License-Identifier: MIT
"""The limits of the serving side: how long a client may take, and how much of the process it may use."""

from aptfreeze.values import immutable


@immutable
class Limits:
    """Times in seconds, sizes in bytes. A time limit is enforced with the precision of `sweep_s`."""

    head_s: float = 30.0
    """From the first to the last byte of a request head; however it is dripped."""
    idle_s: float = 300.0
    """How long a connection without any request is kept; apt keeps one open over its whole run."""
    stall_s: float = 300.0
    """How long a client may leave a full socket buffer unread."""
    tunnel_s: float = 900.0
    """How long a tunnel is kept through which nothing comes."""
    linger_s: float = 2.0
    """How long a connection that we ended waits for the client's end, so that it can read the last answer."""
    accept_retry_s: float = 1.0
    """The pause after the system had no descriptor or memory for another connection."""
    connections: int = 1024
    """Further clients wait in the kernel's queue; also those over half of the descriptors that the process may have."""
    queue: int = 64
    """Requests of one connection that are in the handler's hands; apt pipelines 10."""
    turn: int = 512 * 1024
    """The most that one connection sends before the others have their turn."""

    @property
    def sweep_s(self) -> float:
        """How often connections are checked for overdue clients."""
        return min(5.0, self.head_s / 4, self.idle_s / 4, self.stall_s / 4, self.linger_s / 2)
