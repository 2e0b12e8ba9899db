# SPDX-License-Identifier: MIT
"""What the runs of the current generation were served, and nothing of another one's."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from aptfreeze.environment.config import Surroundings
from aptfreeze.environment.opened import Opened, open_environment
from aptfreeze.environment.records import Record, ServedPackage
from aptfreeze.errors import IntegrityError, UsageError
from aptfreeze.freeze.digest import Digest
from aptfreeze.freeze.lockfile import state_digest
from aptfreeze.verbs.packages import served

NOW = datetime(2026, 11, 24, tzinfo=UTC)


@pytest.fixture
def opened(tmp_path: Path) -> Opened:
    return open_environment("aptfreeze packages", Surroundings({"HOME": "/"}, tmp_path), {})


def package(name: str) -> ServedPackage:
    return ServedPackage(name, "1.0", "amd64", "mirror.example.org/debian", "bookworm", name, Digest.of(b""), 0)


def record(opened: Opened, generation_id: str, *names: str) -> None:
    """A session that was served these packages."""
    told = Record(opened.environment.records, generation_id, opened.process, NOW)
    for name in names:
        told.served(package(name))
    told.close(NOW, Digest.of(b"state"))


def test_the_union_over_the_sessions_of_this_generation(opened: Opened) -> None:
    generation = opened.store.init()
    record(opened, generation.id, "hello", "bash")
    record(opened, generation.id, "hello", "zlib")
    record(opened, "f" * 32, "other")

    assert {each.name for each in served(opened)} == {"hello", "bash", "zlib"}


def test_a_session_that_was_served_nothing_is_an_answer(opened: Opened) -> None:
    record(opened, opened.store.init().id)

    assert served(opened) == ()


def test_no_session_is_an_error_and_never_an_empty_list(opened: Opened) -> None:
    generation = opened.store.init()

    with pytest.raises(IntegrityError, match=f"no run of generation {generation.id} is recorded") as missing:
        served(opened)
    assert "aptfreeze run -- COMMAND" in (missing.value.hint or "")
    assert state_digest(opened.store.load()) == state_digest(generation)


def test_without_a_lock_file_there_is_no_generation(opened: Opened) -> None:
    with pytest.raises(UsageError, match=r"has no aptfreeze\.lock"):
        served(opened)
