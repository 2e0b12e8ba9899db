# SPDX-License-Identifier: MIT
"""A session with one pinned suite, and an archive with downloads."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from aptfreeze.environment.process import Process
from aptfreeze.environment.records import Record
from aptfreeze.fetch.opened import OpenArchive, open_archive
from aptfreeze.freeze.digest import Digest
from aptfreeze.freeze.generation import Generation, InRelease, Pin, SuiteKey
from aptfreeze.rows import from_values
from aptfreeze.serve.session import Session
from aptfreeze.settings import Sourced
from support.defaults import defaults

NOW = datetime(2026, 11, 24, 7, tzinfo=UTC)


@pytest.fixture
def key() -> SuiteKey:
    return SuiteKey("mirror.example.org/debian", "bookworm")


@pytest.fixture
def pin() -> Pin:
    return Pin(InRelease(Digest.of(b"")), NOW)


@pytest.fixture
def told() -> list[str]:
    """What was shown to a person."""
    return []


@pytest.fixture
def session(told: list[str], key: SuiteKey, pin: Pin) -> Session:
    generation = Generation("0" * 32, NOW).with_pin(key, pin)
    return Session(generation, Record(None, generation.id, Process.current("test"), NOW), told.append)


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[OpenArchive]:
    values = defaults() | {
        "archive.path": Sourced(tmp_path / "archive"),
        "fetch.retries": Sourced(0),
    }
    with open_archive(from_values(values)) as archive:
        yield archive
