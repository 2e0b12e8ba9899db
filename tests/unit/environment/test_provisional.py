# SPDX-License-Identifier: MIT
"""Provisional pins come back with their story, and a damaged file says what to do."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from aptfreeze.environment.process import Process
from aptfreeze.environment.provisional import Provisional, load, save
from aptfreeze.errors import UsageError
from aptfreeze.freeze.digest import Digest
from aptfreeze.freeze.generation import BarePackages, InRelease, Pin, SuiteKey

NOW = datetime(2026, 11, 24, 7, 0, 0, 5, tzinfo=UTC)


def test_they_come_back(tmp_path: Path) -> None:
    process = Process("aptfreeze run", 7, 1, "m")
    pins = {
        SuiteKey("a.example.org/x", "stable"): Provisional(Pin(InRelease(Digest.of(b"1")), None), NOW, process),
        SuiteKey("a.example.org/y", "./"): Provisional(
            Pin(BarePackages(Digest.of(b"2"), "Packages"), None), NOW, process, is_told=True
        ),
    }
    save(tmp_path / "p", pins)

    assert load(tmp_path / "p") == pins
    assert load(tmp_path / "none") == {}


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"pins": [{}]}', '{"pins": [{"line": ""}]}', "[" * 100_000])
def test_a_damaged_file_is_told_with_what_to_do(tmp_path: Path, text: str) -> None:
    (tmp_path / "p").write_text(text)
    with pytest.raises(UsageError, match=str(tmp_path / "p")):
        load(tmp_path / "p")
