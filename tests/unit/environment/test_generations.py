# SPDX-License-Identifier: MIT
"""The lock file and the copies: what differs, and that nothing unreadable is written."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from aptfreeze.environment.folder import Environment
from aptfreeze.environment.generations import Difference, compare, read_copy, read_lock, write_copy, write_lock
from aptfreeze.errors import UsageError
from aptfreeze.freeze.digest import Digest
from aptfreeze.freeze.generation import Generation, InRelease, Pin, SuiteKey

A, B, C = (SuiteKey("a.example.org/x", suite) for suite in "abc")
ONE, TWO = (Pin(InRelease(Digest.of(text)), None) for text in (b"1", b"2"))
KNOWN = Generation("ab" * 16, datetime(2026, 1, 1, tzinfo=UTC), {A: ONE, B: ONE}, {"a.example.org/k": Digest.of(b"k")})


def test_what_differs() -> None:
    assert compare(KNOWN, KNOWN) == Difference((), ())
    found = replace(KNOWN, pins={A: TWO, C: ONE}, extra={})
    difference = compare(KNOWN, found)

    assert difference == Difference((str(C),), ("a.example.org/k", str(A), str(B)))
    assert str(difference) == f"added: {C}; changed or removed: a.example.org/k, {A}, {B}"


def test_lock_and_copies_come_back(tmp_path: Path) -> None:
    environment = Environment(tmp_path)
    environment.generations.mkdir(parents=True)
    write_lock(environment, KNOWN)
    write_copy(environment, replace(KNOWN, pins={}))

    assert read_lock(environment) == KNOWN
    assert read_copy(environment, KNOWN.id) == replace(KNOWN, pins={})
    assert read_copy(environment, "cd" * 16) is None


def test_a_client_cannot_name_a_file_by_a_generation(tmp_path: Path) -> None:
    environment = Environment(tmp_path)
    environment.generations.mkdir(parents=True)
    (tmp_path / "x.toml").write_text("version = 1")

    assert read_copy(environment, "../../x") is None


def test_a_damaged_copy_is_told_with_what_to_delete(tmp_path: Path) -> None:
    environment = Environment(tmp_path)
    environment.generations.mkdir(parents=True)
    copy = environment.generations / f"{KNOWN.id}.toml"
    copy.write_text("garbage")

    with pytest.raises(UsageError, match="known of a generation is damaged") as caught:
        read_copy(environment, KNOWN.id)
    assert f"delete {copy}" in str(caught.value)


def test_a_lock_that_we_would_refuse_is_not_written(tmp_path: Path) -> None:
    environment = Environment(tmp_path)
    write_lock(environment, KNOWN)
    rivals = {A: ONE, B: replace(ONE, suite="a")}

    with pytest.raises(UsageError, match="one suite under two names"):
        write_lock(environment, replace(KNOWN, pins=rivals))
    assert read_lock(environment) == KNOWN
