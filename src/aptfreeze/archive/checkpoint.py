# SPDX-License-Identifier: MIT
"""How far a check of the whole archive has come, so that an interrupted one goes on there: `ARCHIVE/fsck.json`.

Rule 1: it says what was found to be in order up to a file; losing it costs time, nothing else. So one that cannot be
read counts as none, and one that cannot be written is not written.
Rule 2: what was found to be wrong is only named: whoever goes on looks at it again.
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from aptfreeze.archive.layout import Layout
from aptfreeze.errors import StorageError
from aptfreeze.values import immutable

_VERSION = 1
_LONGEST = timedelta(days=7)
"""What was in order a week ago need not be so today."""


@immutable
class Counts:
    """What was looked at so far; sizes in bytes."""

    objects: int = 0
    size: int = 0
    """Of the objects."""
    aliases: int = 0
    tables: int = 0
    quarantined: int = 0
    quarantined_size: int = 0
    writable: int = 0
    """Objects that somebody may write to."""
    linked: int = 0
    """Objects with another name besides."""


@immutable
class Checkpoint:
    began: datetime
    position: str = ""
    """The last file that was looked at, in the order of `survey.files`."""
    is_finished: bool = False
    """Whether everything was looked at; what is left is to repair what was found."""
    counts: Counts = Counts()
    suspects: tuple[str, ...] = ()
    """The files that were found to be wrong."""


def load(layout: Layout, now: datetime) -> Checkpoint | None:
    """That of the check that goes on; None if there is none, or if it began more than a week ago."""
    with suppress(OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        found = _parsed(json.loads(_path(layout).read_bytes()))
        if timedelta() <= now - found.began <= _LONGEST:
            return found
    return None


def _parsed(record: Mapping[str, Any]) -> Checkpoint:
    if record["version"] != _VERSION:
        raise ValueError("of another version")
    return Checkpoint(
        datetime.fromisoformat(record["began"]),
        str(record["position"]),
        bool(record["finished"]),
        Counts(**{name: int(count) for name, count in record["counts"].items()}),
        tuple(map(str, record["suspects"])),
    )


def save(layout: Layout, checkpoint: Checkpoint) -> None:
    record = {
        "version": _VERSION,
        "began": checkpoint.began.isoformat(),
        "position": checkpoint.position,
        "finished": checkpoint.is_finished,
        "counts": asdict(checkpoint.counts),
        "suspects": checkpoint.suspects,
    }
    with suppress(StorageError):
        layout.write(_path(layout), json.dumps(record).encode())


def remove(layout: Layout) -> None:
    with suppress(OSError):
        _path(layout).unlink(missing_ok=True)


def _path(layout: Layout) -> Any:
    return layout.root / "fsck.json"
