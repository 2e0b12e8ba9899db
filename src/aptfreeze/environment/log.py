# SPDX-License-Identifier: MIT
"""The history of an environment's pins: one event a line, only appended, for `status` and `log`.

Nothing is decided from it: the lock file is the truth, and an environment works without its log. So a log that
cannot be written is a warning.
"""

import logging
from collections.abc import Callable, Iterator
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from aptfreeze.environment import files
from aptfreeze.environment.process import Process
from aptfreeze.errors import UsageError
from aptfreeze.values import immutable

_logger = logging.getLogger(__name__)


class EventKind(StrEnum):
    CREATED = "created"
    """A generation without pins was made, since there was no lock file."""
    FOUND = "found"
    """A lock file of a generation that this state had not met: a clone, a checkout."""
    CHANGED = "changed"
    """The lock file was changed by git or by hand, under the same id."""
    NEW_ID = "new id"
    """So that a pin of a known generation was altered or removed: the result is another generation."""
    PROVISIONAL = "provisional"
    """A suite got a pin that waits for its first verified index."""
    COMMITTED = "committed"
    """A pin went into the lock file."""
    DROPPED = "dropped"
    """A provisional pin was given up."""
    EXTRA = "extra"
    """A single file was pinned."""
    UPDATED = "updated"
    """Suites were moved to newer, or dated, states: another generation is current."""
    RESET = "reset"
    """Pins were forgotten: another generation is current."""
    ROLLED_BACK = "rolled back"
    """An earlier generation is current again."""
    MOVED = "moved"
    """What became of one suite or single file by it."""
    INTERRUPTED = "interrupted"
    """A process ended without committing or dropping its provisional pin."""


@immutable
class Event:
    at: datetime
    kind: EventKind
    generation: str
    """The id of the generation it happened to."""
    by: str
    """The command, with its process id."""
    what: str = ""
    """The suite (`host/path suite`) or the url."""
    detail: str = ""
    """The digest, the reason, the earlier id: for people."""


class Journal:
    """The log as one process writes it."""

    def __init__(self, path: Path, process: Process, clock: Callable[[], datetime]) -> None:
        self.process = process
        self.clock = clock
        self._path = path

    def tell(self, generation_id: str, kind: EventKind, what: str = "", detail: str = "") -> None:
        """Add an event that happens now."""
        record = {
            "at": self.clock().isoformat(),
            "event": kind,
            "generation": generation_id,
            "by": str(self.process),
            "what": what,
            "detail": detail,
        }
        try:
            files.append(self._path, [{name: value for name, value in record.items() if value}])
        except UsageError as error:
            _logger.warning("%s", error)


def read(path: Path) -> Iterator[Event]:
    """All events, oldest first; lines that are torn or of a later version's kind are passed over."""
    for record in files.read_records(path):
        try:
            yield Event(
                at=datetime.fromisoformat(record["at"]),
                kind=EventKind(record["event"]),
                generation=str(record.get("generation", "")),
                by=str(record["by"]),
                what=str(record.get("what", "")),
                detail=str(record.get("detail", "")),
            )
        except (KeyError, TypeError, ValueError):
            continue
