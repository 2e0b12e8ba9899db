# SPDX-License-Identifier: MIT
"""Who uses an archive: a lock that all of its processes share, and that whoever deletes objects wants alone.

Rule 1: the kernel frees a lock when its holder ends, however it ends.
Rule 2: nobody holds the lock alone for longer than a moment: all others wait for it when they begin.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from aptfreeze.archive.flock import is_named, make_lock, try_lock
from aptfreeze.archive.growth import Descriptor
from aptfreeze.archive.layout import Layout
from aptfreeze.errors import StorageError

_LIMIT_S = 30.0
_PAUSE_S = 0.005


class Share:
    """One process's share in an archive. Mutable state: the locked file, None where there can be none."""

    def __init__(self, layout: Layout, *, limit_s: float = _LIMIT_S) -> None:
        """Blocks while somebody has the archive alone; StorageError after `limit_s`.

        Where an archive can only be read, and has no such file, there is no lock: nobody deletes anything there.
        """
        self._layout = layout
        self._file = self._taken(limit_s)

    def __repr__(self) -> str:
        return f"<Share of {self._layout.root}{'' if self._file else ', not locked'}>"

    @contextmanager
    def alone(self) -> Iterator[bool]:
        """Whether no other process uses the archive; if so, none begins to before this context is left.

        What is done inside must be quick.
        """
        if self._file is None:
            yield False
            return
        is_alone = _is_locked(self._file, shared=False)
        if not is_alone:
            self._share(self._file)
        try:
            yield is_alone
        finally:
            self._share(self._file)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def _share(self, file: Descriptor) -> None:
        """Once more: an attempt to be alone may have lost the lock."""
        while not _is_locked(file, shared=True):  # another one tries to be alone at this moment
            time.sleep(_PAUSE_S)

    def _taken(self, limit_s: float) -> Descriptor | None:
        deadline = time.monotonic() + limit_s
        while (file := self._opened()) is not None:
            if not _is_locked(file, shared=True):
                if time.monotonic() >= deadline:
                    raise StorageError(
                        f"another process has had the archive {self._layout.root} alone for {limit_s:g} s",
                        hint='end the "aptfreeze gc" that hangs: whatever it has done is complete',
                    )
                time.sleep(_PAUSE_S)
            elif is_named(file.fd, self._layout.in_use):
                break
        return file

    def _opened(self) -> Descriptor | None:
        try:
            return make_lock(self._layout.in_use)
        except OSError:  # an archive that can only be read
            return None


def _is_locked(file: Descriptor, *, shared: bool) -> bool:
    try:
        return try_lock(file.fd, shared=shared)
    except OSError:  # no locks here: nobody is ever alone
        return shared
