# SPDX-License-Identifier: MIT
"""`Growth`: a file whose first `ready` bytes may be sent now.

It is the one thing that readers see of an object: complete, being checked on its first serving, or still arriving.
Rule 1: a `Growth` shows one file for its whole life; what was sent from it is never replaced by other bytes.
Rule 2: it never shows the last bytes of a file, nor any byte of a small one, before the hash matched (`sendable`).
Rule 3: one thread publishes; any number of threads read, subscribe and leave, and none of them can hold it up.
Rule 4: COMPLETE and FAILED are final.

Mutable state: `ready`, `received`, `state`, `size`, `error`, `sha256` (written by the publisher, each by one
assignment, `state` last) and the set of callbacks (under the lock).
"""

import os
import threading
import time
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Self

from aptfreeze.errors import AptfreezeError
from aptfreeze.freeze.digest import Digest

VERIFIED_FIRST = 1 << 20
"""Files up to this many bytes are shown only when verified, so that another supplier can repair them unseen."""
HELD_BACK = 16 << 10
"""Of a larger file so many last bytes wait for the hash: a reader of wrong bytes sees a cut, never an end."""
_STEP = 64 << 10
_STEP_S = 0.5


def sendable(have: int, size: int | None) -> int:
    """How many of the first `have` bytes of a file may be sent before its hash matched."""
    if size is None or size <= VERIFIED_FIRST:
        return 0
    return max(0, min(have, size - HELD_BACK))


class GrowthState(StrEnum):
    GROWING = "growing"
    COMPLETE = "complete"
    FAILED = "failed"


class Descriptor:
    """An open file that closes itself when nobody refers to it any more."""

    __slots__ = ("fd",)

    def __init__(self, fd: int) -> None:
        self.fd = fd

    @classmethod
    def open(cls, path: Path) -> Self:
        """For reading; raises OSError."""
        return cls(os.open(path, os.O_RDONLY | os.O_CLOEXEC))

    def close(self) -> None:
        """Now; more than once does no harm."""
        fd, self.fd = self.fd, -1
        if fd >= 0:
            os.close(fd)

    def __del__(self) -> None:
        self.close()


class Growth:
    """The readers' side is everything up to `wait`; what follows is for the one publisher."""

    __slots__ = (
        "_callbacks",
        "_descriptor",
        "_lock",
        "_published",
        "error",
        "ready",
        "received",
        "sha256",
        "size",
        "state",
    )

    def __init__(self, size: int | None = None) -> None:
        self.size = size
        """In bytes; None until it is known."""
        self.ready = 0
        """The first so many bytes may be sent."""
        self.received = 0
        """Of a download: so many bytes have come, whether they may be sent or not. Told to nobody; for who looks."""
        self.state = GrowthState.GROWING
        self.error: AptfreezeError | None = None
        """Why, once FAILED."""
        self.sha256: Digest | None = None
        """The object's name, once COMPLETE."""
        self._descriptor: Descriptor | None = None
        self._callbacks: set[Callable[[], None]] = set()
        self._lock = threading.Lock()
        self._published = 0.0

    def __repr__(self) -> str:
        return f"<Growth {self.state}, {self.ready} of {self.size} bytes ready, {len(self._callbacks)} readers>"

    @classmethod
    def of_object(cls, sha256: Digest, descriptor: Descriptor, size: int) -> Self:
        """A complete, verified object."""
        growth = cls(size)
        growth.attach(descriptor)
        growth.complete(sha256, size)
        return growth

    def descriptor(self) -> int:
        """The file, open for `pread` and `sendfile`, until this Growth is garbage.

        Only once `ready` is above 0 or the state is COMPLETE: before that, it is not settled which file it will be.
        """
        if self._descriptor is None:
            raise ValueError("nothing is ready yet, so there is no file")
        return self._descriptor.fd

    def subscribe(self, callback: Callable[[], None]) -> None:
        """Have `callback` run in the publishing thread after each change; it must be quick and never raise.

        A change just before is not told again: subscribe first, then look at `ready` and `state`.
        """
        with self._lock:
            self._callbacks.add(callback)

    def unsubscribe(self, callback: Callable[[], None]) -> None:
        """It may still run once, if a change is being told right now."""
        with self._lock:
            self._callbacks.discard(callback)

    def wait(self, timeout_s: float | None = None) -> None:
        """Block this thread until COMPLETE; raises the error of a FAILED one, TimeoutError."""
        if self.state is GrowthState.GROWING:
            self._wait_for_end(timeout_s)
        if self.error is not None:
            raise self.error

    def _wait_for_end(self, timeout_s: float | None) -> None:
        ended = threading.Event()

        def look() -> None:
            if self.state is not GrowthState.GROWING:
                ended.set()

        self.subscribe(look)
        try:
            look()
            if not ended.wait(timeout_s):
                raise TimeoutError(f"{self!r} after {timeout_s} s")
        finally:
            self.unsubscribe(look)

    # --- publisher ---

    def attach(self, descriptor: Descriptor) -> None:
        """Settle which file this is; once, before anything is ready."""
        if self._descriptor is not None:
            raise ValueError("a Growth shows one file for its whole life")
        self._descriptor = descriptor

    def share(self) -> Descriptor:
        """The file itself, for another Growth of the same bytes; as for `descriptor`."""
        self.descriptor()
        assert self._descriptor is not None
        return self._descriptor

    @property
    def is_attached(self) -> bool:
        return self._descriptor is not None

    def publish(self, ready: int) -> None:
        """The first `ready` bytes may be sent; told to the readers every 64 KiB or half second."""
        if ready <= self.ready:
            return
        now = time.monotonic()
        if ready - self.ready >= _STEP or now - self._published >= _STEP_S:
            self.ready = ready
            self._published = now
            self._tell()

    def complete(self, sha256: Digest, size: int) -> None:
        """All bytes are verified; a file must be attached. Nothing happens if it has ended already."""
        with self._lock:
            if self.state is not GrowthState.GROWING:
                return
            self.sha256 = sha256
            self.size = self.ready = self.received = size
            self.state = GrowthState.COMPLETE
        self._tell()

    def fail(self, error: AptfreezeError) -> None:
        """No further byte will be ready; the file stays open. Nothing happens if it has ended already."""
        with self._lock:
            if self.state is not GrowthState.GROWING:
                return
            self.error = error
            self.state = GrowthState.FAILED
        self._tell()

    def _tell(self) -> None:
        with self._lock:
            callbacks = tuple(self._callbacks)
        for callback in callbacks:
            callback()
