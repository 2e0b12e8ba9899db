# SPDX-License-Identifier: MIT
"""The check of an object at its first serving in a process, while it is served; and for how long it is trusted then.

Rule 1: an object that this process wrote or checked is trusted as long as device, inode, size, mtime and ctime are
the same, for 7 days.
Rule 2: of a file that is being checked, readers see what `growth.sendable` allows, like of one that arrives.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from aptfreeze.archive.growth import Descriptor, Growth, sendable
from aptfreeze.archive.hashing import Fingerprint
from aptfreeze.errors import AptfreezeError, IntegrityError
from aptfreeze.freeze.digest import Digest, Wanted
from aptfreeze.values import immutable

_TRUSTED_S = 7 * 24 * 3600.0
_INLINE = 64 << 10
"""Bytes; hashing less than this takes no longer than handing it to a thread."""
_PIECE = 256 << 10
_THREADS = 2

Identity = tuple[int, int, int, int, int]


def identity(status: os.stat_result) -> Identity:
    """What changes when a file is replaced or written to."""
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


@immutable
class Subject:
    """One object under one of its names, opened."""

    digest: Digest
    """The name it is asked by; it is checked as well as the sha256."""
    sha256: Digest
    descriptor: Descriptor
    status: os.stat_result


@dataclass(slots=True)
class _Check:
    subject: Subject
    growth: Growth


class Checks:
    """Mutable state, under the lock: the stamps of trusted objects, and the checks that are running."""

    def __init__(self, on_bad: Callable[[Subject, str, bool], None]) -> None:
        """`on_bad(subject, what, went_out)` is called in the checking thread, before the readers are told."""
        self._on_bad = on_bad
        self._stamps: dict[Digest, tuple[Identity, float]] = {}
        self._running: dict[Digest, _Check] = {}
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._pool: ThreadPoolExecutor | None = None

    def trust(self, digest: Digest, status: os.stat_result) -> None:
        """The file was verified just now."""
        self._stamps[digest] = (identity(status), time.monotonic() + _TRUSTED_S)

    def distrust(self, digest: Digest) -> None:
        self._stamps.pop(digest, None)

    def trusts(self, digest: Digest, status: os.stat_result) -> bool:
        stamp, until = self._stamps.get(digest, (None, 0.0))
        return stamp == identity(status) and time.monotonic() < until

    def growth(self, subject: Subject) -> Growth:
        """The object as readers see it: complete if it is trusted, else being checked."""
        if self.trusts(subject.digest, subject.status):
            return Growth.of_object(subject.sha256, subject.descriptor, subject.status.st_size)
        with self._lock:
            running = self._running.get(subject.digest)
            if running is not None and identity(running.subject.status) == identity(subject.status):
                return running.growth
            check = _Check(subject, Growth(subject.status.st_size))
            check.growth.attach(subject.descriptor)
            self._running[subject.digest] = check
        if subject.status.st_size <= _INLINE:
            self._run(check)
        else:
            self._submit(check)
        return check.growth

    def close(self) -> None:
        """Running checks end without a verdict."""
        self._closing.set()
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
        for check in list(self._running.values()):
            self._end(check, _unfinished(check.subject))

    def _submit(self, check: _Check) -> None:
        with self._lock:
            if self._closing.is_set():
                raise IntegrityError(f"{check.subject.digest} cannot be checked: the archive is closed")
            if self._pool is None:
                self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="check")
            self._pool.submit(self._run, check)

    def _run(self, check: _Check) -> None:
        subject, growth = check.subject, check.growth
        try:
            objection = self._objection(check)
        except OSError as error:  # an unreadable sector is as bad as wrong bytes
            objection = f"cannot be read: {error.strerror or error}"
        if self._closing.is_set():  # the hash may be one of the first bytes only
            self._end(check, _unfinished(subject))
        elif objection is None:
            self.trust(subject.digest, subject.status)
            self.trust(subject.sha256, subject.status)
            self._end(check, None)
        else:
            try:
                self._on_bad(subject, objection, growth.ready > 0)
            finally:  # whatever happens, the readers are told
                self._end(check, IntegrityError(f"{subject.digest} is damaged in the archive: {objection}"))

    def _end(self, check: _Check, error: AptfreezeError | None) -> None:
        with self._lock:
            if self._running.get(check.subject.digest) is check:
                del self._running[check.subject.digest]
        if error is None:
            check.growth.complete(check.subject.sha256, check.subject.status.st_size)
        else:
            check.growth.fail(error)

    def _objection(self, check: _Check) -> str | None:
        subject, growth = check.subject, check.growth
        names = Wanted(subject.sha256, subject.status.st_size, (subject.digest,))
        fingerprint = Fingerprint(names.algorithms)
        for piece in pieces(subject.descriptor.fd):
            fingerprint.update(piece)
            growth.publish(sendable(fingerprint.size, growth.size))
            if self._closing.is_set():
                break
        return fingerprint.objection(names)


def _unfinished(subject: Subject) -> IntegrityError:
    return IntegrityError(f"{subject.digest} was not checked to the end: closing")


def pieces(fd: int, start: int = 0) -> Iterator[bytes]:
    """The bytes of an open file, without moving its position. Raises OSError."""
    while piece := os.pread(fd, _PIECE, start):
        start += len(piece)
        yield piece
