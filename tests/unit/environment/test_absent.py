# SPDX-License-Identifier: MIT
"""A "no" is remembered."""

from pathlib import Path

import pytest

from aptfreeze.environment.absent import Absences, exported, remember_exported
from aptfreeze.errors import UsageError
from aptfreeze.freeze.digest import Digest

DEBIAN = "mirror.example.org/debian"
ONE, TWO = Digest.of(b"one"), Digest.of(b"two")


def test_it_is_remembered_for_the_next_process(tmp_path: Path) -> None:
    Absences(tmp_path / "absent").remember(DEBIAN, "main/i18n/Translation-de.xz", ONE)

    again = Absences(tmp_path / "absent")

    assert (DEBIAN, ONE) in again
    assert (DEBIAN, TWO) not in again
    assert ("other.example.org/debian", ONE) not in again


def test_it_is_written_once(tmp_path: Path) -> None:
    absences = Absences(tmp_path / "absent")
    for _ in range(3):
        absences.remember(DEBIAN, "x", ONE)

    assert (tmp_path / "absent").read_bytes().count(b"\n") == 1
    assert "1 of" in repr(absences)


def test_without_a_file_it_holds_for_this_process() -> None:
    absences = Absences(None)
    absences.remember(DEBIAN, "x", ONE)
    assert (DEBIAN, ONE) in absences


def test_what_could_not_be_written_is_still_known(tmp_path: Path) -> None:
    absences = Absences(tmp_path / "no/folder")
    with pytest.raises(UsageError):
        absences.remember(DEBIAN, "x", ONE)
    assert (DEBIAN, ONE) in absences


def test_what_is_exported_is_remembered_elsewhere(tmp_path: Path) -> None:
    first, other = Digest.of(b"1"), Digest.of(b"2")
    here = Absences(tmp_path / "here.jsonl")
    for digest in (other, first, Digest.of(b"3")):
        here.remember(DEBIAN, f"dists/{digest.hex[:4]}", digest)

    data = exported(tmp_path / "here.jsonl", [(DEBIAN, each) for each in (first, other)])
    remember_exported(tmp_path / "there.jsonl", data + b'{"repository":1}\ntorn')
    remember_exported(tmp_path / "there.jsonl", data)

    assert (tmp_path / "there.jsonl").read_bytes() == data
    there = Absences(tmp_path / "there.jsonl")
    assert [(DEBIAN, each) in there for each in (first, other, Digest.of(b"3"))] == [
        True,
        True,
        False,
    ]
