# SPDX-License-Identifier: MIT
"""What is remembered of source packages outside the signed chain."""

from pathlib import Path

from aptfreeze.environment.outside import OutsideSource, OutsideSources
from aptfreeze.freeze.digest import Digest

ARCHIVE = "http://snapshot.example.org/archive/debian"


def source(version: str = "1.0", data: bytes = b"dsc") -> OutsideSource:
    return OutsideSource("hello", version, Digest.of(data), ARCHIVE)


def test_what_is_remembered_is_known_to_the_next_process(tmp_path: Path) -> None:
    OutsideSources(tmp_path / "outside.jsonl").remember(source())

    known = OutsideSources(tmp_path / "outside.jsonl")

    assert known.get("hello", "1.0") == source()
    assert known.get("hello", "2.0") is None


def test_the_last_one_counts_and_the_same_is_written_once(tmp_path: Path) -> None:
    known = OutsideSources(tmp_path / "outside.jsonl")
    for each in (source(), source(), source(data=b"other")):
        known.remember(each)

    assert OutsideSources(tmp_path / "outside.jsonl").get("hello", "1.0") == source(data=b"other")
    assert len((tmp_path / "outside.jsonl").read_text().splitlines()) == 2


def test_lines_of_later_versions_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "outside.jsonl").write_text('{"source": "a"}\n{"source":"a","version":"1","dsc":5,"archive":""}\n')

    assert OutsideSources(tmp_path / "outside.jsonl").get("a", "1") is None


def test_without_a_file_it_is_known_to_this_process() -> None:
    known = OutsideSources(None)
    known.remember(source())

    assert known.get("hello", "1.0") == source()
