# SPDX-License-Identifier: MIT
"""What earlier sessions of an environment were served, those first that the present one is likely to be like.

Rule 1: the same command is the best sign, then the same generation, then a later time.
Rule 2: there may be hundreds of records: each is read when it is wanted and not before, and not all of them are.
"""

from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path

from aptfreeze.environment import files
from aptfreeze.environment.records import Usage, load, read_session
from aptfreeze.values import immutable

_LATEST = 200
"""Sessions that are looked at; more than a day's builds of a large product."""
_READ = 40
"""Sessions that are read as a whole: 5 ms for each that was served 300 package files."""


@immutable
class Earlier:
    """One earlier session that was served package files."""

    session_id: str
    generation_id: str
    is_alike: bool
    """Whether it ran the present session's command in the present session's generation."""
    usage: Usage


def earlier(folder: Path, *, session_id: str, generation_id: str, command: str) -> Iterator[Earlier]:
    """From the records in `folder`, without the present session, which runs `command` in that generation.

    UsageError if they cannot be read.
    """
    latest = sorted(folder.glob("*/*.jsonl"), key=lambda path: path.stem, reverse=True)[:_LATEST]
    unlike = {
        path: (_command(path) != command, path.parent.name != generation_id)
        for path in latest
        if path.stem != session_id
    }
    sessions = (
        Earlier(path.stem, path.parent.name, not any(unlike[path]), read_session(path))
        for path in sorted(unlike, key=unlike.__getitem__)
    )
    yield from islice((each for each in sessions if each.usage.packages), _READ)


def latest(folder: Path, generation_id: str) -> tuple[str, Usage] | None:
    """The usage of a generation, else of the one that was used last, with its id; None if no session is on record."""
    sessions = sorted(folder.glob("*/*.jsonl"), key=lambda path: (path.parent.name == generation_id, path.stem))
    if not sessions:
        return None
    found = sessions[-1].parent.name
    return found, load(folder, found)


def _command(path: Path) -> str:
    """Empty if the record's first line is torn, or of a later version."""
    with suppress(StopIteration, KeyError, TypeError):
        return str(next(files.read_records(path))["session"]["by"]["command"])
    return ""
