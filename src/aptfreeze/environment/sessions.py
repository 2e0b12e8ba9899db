# SPDX-License-Identifier: MIT
"""What each session of an environment was, in short: of all generations, without the packages that they were served."""

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import field
from datetime import datetime
from pathlib import Path
from typing import Any

from aptfreeze.environment import files
from aptfreeze.environment.process import Process
from aptfreeze.environment.records import Totals
from aptfreeze.values import immutable

_PACKAGE, _INDEX = b'{"package":', b'{"index":'


@immutable
class Summary:
    """One session."""

    id: str
    generation: str
    started: datetime
    command: str
    has_ended: bool
    """In order; else it still runs, or was killed."""
    packages: int
    """Package files that it was served."""
    totals: Totals
    not_frozen: Mapping[str, int] = field(default_factory=dict)
    """Host to number of requests that passed through."""


def summaries(folder: Path) -> Iterator[Summary]:
    """All sessions on record, oldest first; one whose first line is torn is passed over. UsageError."""
    for path in sorted(folder.glob("*/*.jsonl"), key=lambda path: path.stem):
        with suppress(KeyError, TypeError, ValueError, RecursionError):  # torn and mended, or of a later version
            yield _summary(path)


def _summary(path: Path) -> Summary:
    """Lines of packages are only counted: there may be 100 000."""
    packages, found, hosts = 0, dict[str, Any](), dict[str, int]()
    for line in files.lines(path):
        if line.startswith(_PACKAGE):
            packages += 1
        elif line and not line.startswith(_INDEX):
            with suppress(ValueError, TypeError, KeyError):
                record = json.loads(line)
                found |= record
                if "host" in record:
                    hosts[str(record["host"])] = int(record["requests"])
    session = found["session"]
    return Summary(
        path.stem,
        path.parent.name,
        datetime.fromisoformat(session["started"]),
        Process.from_record(session["by"]).command,
        "end" in found,
        packages,
        Totals(**found.get("totals", {})),
        hosts,
    )
