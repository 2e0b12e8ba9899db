# SPDX-License-Identifier: MIT
"""The check of a whole archive: every file is examined, several at once, and told in the order of their names.

Rule 1: what was told is looked at to the end, so that an interrupted check goes on behind it.
Rule 2: memory does not grow with the archive: so many files are under way, and only what is wrong is kept.
Rule 3: an interrupt comes out at once, not after the large file that a thread reads.
"""

import os
import time
from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import datetime

from aptfreeze.archive import checkpoint, survey
from aptfreeze.archive.checkpoint import Checkpoint, Counts
from aptfreeze.archive.examine import Finding, Kind, Reading, examine
from aptfreeze.archive.layout import Layout

_UNDER_WAY = 256
"""Files: more than threads, since a large one holds up the telling of those behind it."""
_SAVE_EVERY_S = 5.0


class Inspection:
    """One check. Mutable state: how far it has come (the checkpoint), what was found to be wrong, what was read."""

    def __init__(self, layout: Layout, begun: Checkpoint | None, now: datetime, *, is_saved: bool = True) -> None:
        """`begun`: a check that goes on. Without `is_saved`, nothing is written."""
        self.reading = Reading()
        self.faults: list[Finding] = []
        self.reached = replace(begun, suspects=()) if begun else Checkpoint(now)
        self._again = begun.suspects if begun else ()
        self._layout = layout
        self._is_saved = is_saved

    def __repr__(self) -> str:
        return f"<Inspection at {self.reached.position!r}, {len(self.faults)} faults>"

    def run(self) -> None:
        """To the end. Interrupted, it remembers how far it came, and so it does when it is over."""
        try:
            self._look_again()
            if not self.reached.is_finished:
                self._look_at_all()
                self.reached = replace(self.reached, is_finished=True)
        finally:
            self.save()

    def save(self) -> None:
        if self._is_saved:
            suspects = dict.fromkeys([*(each.file for each in self.faults), *self._again])
            checkpoint.save(self._layout, replace(self.reached, suspects=tuple(suspects)))

    def _look_again(self) -> None:
        """At what the interrupted check found to be wrong: somebody may have put it right."""
        with closing(self._examined(iter(self._again))) as examined:
            self.faults += [found for _, found in examined if found and found.fault]
        self._again = ()

    def _look_at_all(self) -> None:
        saved = time.monotonic()
        with closing(self._examined(survey.files(self._layout.root, after=self.reached.position))) as examined:
            for file, found in examined:
                self._take(file, found)
                if time.monotonic() - saved > _SAVE_EVERY_S:
                    self.save()
                    saved = time.monotonic()

    def _take(self, file: str, found: Finding | None) -> None:
        counts = self.reached.counts
        if found is not None:
            counts = _counted(counts, found)
            if found.fault:
                self.faults.append(found)
        self.reached = replace(self.reached, position=file, counts=counts)

    def _examined(self, files: Iterator[str]) -> Generator[tuple[str, Finding | None], None, None]:
        running: deque[tuple[str, Future[Finding | None]]] = deque()
        with ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="fsck") as pool:
            try:
                for file in files:
                    running.append((file, pool.submit(examine, self._layout, file, self.reading)))
                    if len(running) >= _UNDER_WAY:
                        file, future = running.popleft()
                        yield file, future.result()
                while running:
                    file, future = running.popleft()
                    yield file, future.result()
            except BaseException:
                self.reading.stop.set()
                raise
            finally:
                pool.shutdown(cancel_futures=True)


def _counted(counts: Counts, found: Finding) -> Counts:
    match found.kind:
        case Kind.OBJECT:
            return replace(
                counts,
                objects=counts.objects + 1,
                size=counts.size + found.size,
                writable=counts.writable + found.is_writable,
                linked=counts.linked + found.is_linked,
            )
        case Kind.ALIAS:
            return replace(counts, aliases=counts.aliases + 1)
        case Kind.TABLE:
            return replace(counts, tables=counts.tables + 1)
        case Kind.QUARANTINED:
            size = counts.quarantined_size + found.size
            return replace(counts, quarantined=counts.quarantined + 1, quarantined_size=size)
        case Kind.STRAY:
            return counts
