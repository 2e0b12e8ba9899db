# SPDX-License-Identifier: MIT
"""Several hashes over one stream of bytes, and what they say of a `Wanted`."""

import hashlib
from collections.abc import Iterable

from aptfreeze.freeze.digest import Algorithm, Digest, Wanted


class Fingerprint:
    """The running hashes of bytes that arrive in pieces, and how many there were."""

    __slots__ = ("_running", "size")

    def __init__(self, algorithms: Iterable[Algorithm]) -> None:
        names = {Algorithm.SHA256, *algorithms}
        self._running = {name: hashlib.new(name, usedforsecurity=False) for name in names}
        self.size = 0

    def update(self, data: bytes | memoryview) -> None:
        for running in self._running.values():
            running.update(data)
        self.size += len(data)

    @property
    def sha256(self) -> Digest:
        return self.digest(Algorithm.SHA256)

    def digest(self, algorithm: Algorithm) -> Digest:
        return Digest(algorithm, self._running[algorithm].hexdigest())

    def objection(self, wanted: Wanted) -> str | None:
        """What differs from what the chain says, for people; None if size and every hash match."""
        if wanted.size is not None and wanted.size != self.size:
            return f"{self.size} bytes instead of {wanted.size}"
        for digest in (wanted.digest, *wanted.also):
            found = self.digest(digest.algorithm)
            if found != digest:
                return f"{found} instead of {digest}"
        return None
