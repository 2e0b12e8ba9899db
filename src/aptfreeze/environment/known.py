# SPDX-License-Identifier: MIT
"""An archive that is opened for an environment, which the archive then knows; see `archive.registry`.

Rule 1: a start with what is known already reads the lock file and writes nothing: 0.1 ms.
Rule 2: what cannot be noted (a full disk) is a warning and hinders nothing; where an archive can only be read, nothing
is noted, since nothing is removed from there.
"""

import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from aptfreeze.archive.growth import Descriptor
from aptfreeze.archive.layout import Layout
from aptfreeze.archive.registry import Place, Registry
from aptfreeze.environment.folder import Environment
from aptfreeze.environment.secure import schemes
from aptfreeze.environment.store import EnvironmentStore
from aptfreeze.errors import StorageError
from aptfreeze.fetch.opened import OpenArchive, open_archive
from aptfreeze.settings import Settings

_logger = logging.getLogger(__name__)


@contextmanager
def open_archive_for(store: EnvironmentStore, settings: Settings) -> Iterator[OpenArchive]:
    """As `open_archive`, with what is known here of hosts; the archive knows the environment, and what it pins."""
    with open_archive(settings, schemes(store)) as archive:
        if archive.objects.read_only:
            yield archive
            return
        knowing = Knowing(archive.objects.layout, store.environment)
        knowing.note()
        store.listeners.append(knowing.note)
        try:
            yield archive
        finally:
            store.listeners.remove(knowing.note)
            knowing.note()
            knowing.close()


class Knowing:
    """Mutable state, under the lock: what the lock file was when it was noted last, and the copies that are held."""

    def __init__(self, layout: Layout, environment: Environment) -> None:
        self._registry = Registry(layout)
        self._environment = environment
        self._noted: bytes | None = None
        self._held: list[Descriptor] = []
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"<Knowing {self._environment.root}, {len(self._held)} lock files>"

    def note(self) -> None:
        """Have the archive know the lock file as it is now; nothing happens if there is none."""
        try:
            found = self._environment.lock_file.read_bytes()
        except OSError:
            return  # whoever needs it says so
        with self._lock:
            if found != self._noted:
                try:
                    self._held.append(self._registry.note(place_of(self._environment), found))
                except (StorageError, OSError) as error:
                    _logger.warning("the archive does not know of %s: %s", self._environment.root, error)
                self._noted = found

    def close(self) -> None:
        """What was noted stays known, but no more because of this process."""
        for held in self._held:
            held.close()


def place_of(environment: Environment) -> Place:
    """Where an environment is, as this machine sees it. Raises OSError."""
    status = environment.root.stat()
    return Place(os.uname().nodename, str(environment.root), (status.st_dev, status.st_ino))
