# SPDX-License-Identifier: MIT
"""Pins that clients see and the lock file does not yet: a suite waits here for its first verified index.

Rule 1: they belong to the environment, not to a session: every run of it follows them, so that two builds that start
at once agree, and a build goes on with what a killed one left.
Rule 2: each says since when and by which process, so that `status` can tell a pin in work from a left one.

On disk one JSON object, replaced as a whole: `{"pins": [{"line": <as in the lock file>, "since": ..., "by": ...}]}`.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from aptfreeze.environment import files
from aptfreeze.environment.process import Process
from aptfreeze.errors import UsageError
from aptfreeze.freeze.generation import Pin, SuiteKey
from aptfreeze.freeze.lockfile import parse_pin, pin_line
from aptfreeze.values import immutable


@immutable
class Provisional:
    """One provisional pin and its story."""

    pin: Pin
    since: datetime
    by: Process
    is_told: bool = False
    """Whether the log says already that its process ended without committing it."""


def load(path: Path) -> dict[SuiteKey, Provisional]:
    """All provisional pins; UsageError if the file was damaged by something else than us."""
    data = files.read(path)
    if data is None:
        return {}
    try:
        return dict(_entry(record, path) for record in json.loads(data)["pins"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise UsageError(
            f"{path} is damaged: {error!r:.200}",
            hint="delete it: suites whose pin is not in aptfreeze.lock yet are pinned anew",
        ) from error


def save(path: Path, pins: Mapping[SuiteKey, Provisional]) -> None:
    """Replace all provisional pins; the caller holds the environment's lock."""
    records = [
        {"line": pin_line(key, p.pin), "since": p.since.isoformat(), "by": p.by.to_record(), "told": p.is_told}
        for key, p in sorted(pins.items())
    ]
    files.replace(path, json.dumps({"pins": records}, indent=1).encode() + b"\n")


def _entry(record: dict[str, Any], path: Path) -> tuple[SuiteKey, Provisional]:
    key, pin = parse_pin(record["line"], str(path))
    since = datetime.fromisoformat(record["since"])
    return key, Provisional(pin, since, Process.from_record(record["by"]), bool(record["told"]))
