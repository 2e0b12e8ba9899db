# SPDX-License-Identifier: MIT
"""Environments with pins that lead nowhere, for what only moves them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from aptfreeze.environment.config import Surroundings
from aptfreeze.environment.opened import Opened, open_environment
from aptfreeze.freeze.digest import Digest
from aptfreeze.freeze.generation import Generation, InRelease, Pin, SuiteKey

MAIN = SuiteKey("mirror.example.org/debian", "bookworm")
SECURITY = SuiteKey("mirror.example.org/debian-security", "bookworm-security")


def pin(day: int) -> Pin:
    """The state of a day in November 2026."""
    return Pin(InRelease(Digest.of(str(day).encode())), datetime(2026, 11, day, 10, 16, tzinfo=UTC))


def open_in(folder: Path, command: str = "aptfreeze test", **flags: bool) -> Opened:
    folder.mkdir(parents=True, exist_ok=True)
    return open_environment(command, Surroundings({"HOME": str(folder)}, folder), flags)


def with_pins(opened: Opened, pins: Mapping[SuiteKey, Pin]) -> Generation:
    """The same environment, and these suites pinned in it."""
    generation = opened.store.init()
    for key, each in pins.items():
        opened.store.add_provisional(generation.id, key, each)
    return opened.store.commit(generation.id, pins)
