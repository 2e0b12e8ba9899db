# SPDX-License-Identifier: MIT
"""The history: told once, read again, never in the way."""

import logging
from datetime import UTC, datetime
from pathlib import Path

import pytest

from aptfreeze.environment.log import Event, EventKind, Journal, read
from aptfreeze.environment.process import Process

NOW = datetime(2026, 11, 24, 7, tzinfo=UTC)
PROCESS = Process("aptfreeze run", 7, 1, "")


def test_events_come_back_in_order(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "log", PROCESS, lambda: NOW)
    journal.tell("ab", EventKind.CREATED)
    journal.tell("ab", EventKind.DROPPED, "a.example.org/x stable", "mid-sync")

    assert list(read(tmp_path / "log")) == [
        Event(NOW, EventKind.CREATED, "ab", '"aptfreeze run" (process 7)'),
        Event(NOW, EventKind.DROPPED, "ab", '"aptfreeze run" (process 7)', "a.example.org/x stable", "mid-sync"),
    ]


def test_events_of_a_later_version_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "log").write_text('{"at":"2026-11-24T07:00:00+00:00","event":"teleported","by":"x"}\n{"at":3}\n')
    Journal(tmp_path / "log", PROCESS, lambda: NOW).tell("ab", EventKind.CREATED)

    assert [event.kind for event in read(tmp_path / "log")] == [EventKind.CREATED]


def test_a_log_that_cannot_be_written_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        Journal(Path("/dev/full"), PROCESS, lambda: NOW).tell("ab", EventKind.CREATED)
    assert "No space left on device" in caplog.text
