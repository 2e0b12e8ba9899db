# SPDX-License-Identifier: MIT
"""What became of suites and files, told."""

from datetime import UTC, datetime

from aptfreeze.describe import moves
from aptfreeze.freeze.digest import Digest
from aptfreeze.freeze.generation import Generation, InRelease, Pin, SuiteKey

MAIN = SuiteKey("mirror.example.org/debian", "bookworm")
SECURITY = SuiteKey("mirror.example.org/debian-security", "bookworm-security")
URL = "mirror.example.org/key.asc"
OLD, NEW = Digest.of(b"old"), Digest.of(b"new")


def pin(day: int) -> Pin:
    return Pin(InRelease(Digest.of(str(day).encode())), datetime(2026, 11, day, 10, 16, tzinfo=UTC))


BEFORE = Generation("a" * 32, datetime(2026, 11, 24, tzinfo=UTC), {MAIN: pin(1), SECURITY: pin(2)}, {URL: OLD})
AFTER = Generation("b" * 32, datetime(2026, 11, 25, tzinfo=UTC), {MAIN: pin(21)}, {URL: NEW})


def test_what_moved_and_what_is_gone_is_told() -> None:
    assert list(moves.lines(BEFORE, AFTER)) == [
        "mirror.example.org/debian bookworm: 2026-11-01 10:16 UTC -> 2026-11-21 10:16 UTC",
        "mirror.example.org/debian-security bookworm-security: 2026-11-02 10:16 UTC -> not pinned",
        f"{URL}: {OLD.hex[:12]} -> {NEW.hex[:12]}",
    ]


def test_what_stayed_is_not() -> None:
    assert list(moves.lines(BEFORE, BEFORE)) == []
    assert moves.data(BEFORE, BEFORE)["suites"] == moves.data(BEFORE, BEFORE)["extra"] == []


def test_data_has_the_same() -> None:
    found = moves.data(BEFORE, AFTER)
    assert (found["was"], found["generation"]) == (BEFORE.id, AFTER.id)
    assert found["suites"][0] == {
        "repository": MAIN.repository,
        "suite": "bookworm",
        "before": "2026-11-01T10:16:00+00:00",
        "after": "2026-11-21T10:16:00+00:00",
    }
    assert found["suites"][1]["after"] is None
    assert found["extra"] == [{"url": URL, "before": str(OLD), "after": str(NEW)}]
