# SPDX-License-Identifier: MIT
"""Ranges of ids in /etc, and how they are mapped."""

import os
from pathlib import Path

import pytest

from aptfreeze.errors import AptfreezeError
from aptfreeze.launch.account import Account
from aptfreeze.launch.idmap import Range, Ranges, free_range, map_own, map_ranges, parse_range, read_ranges

BUILDER = Account("builder", 1000, 1001, "/home/builder", "/bin/sh")
RANGES = Ranges(Range(100000, 65536), Range(200000, 65536))


@pytest.mark.parametrize("name", ["builder", "1000"])
def test_a_range_is_given_by_name_or_number(name: str) -> None:
    assert parse_range(f"other:100:200\n{name}:100000:65536\n", BUILDER) == Range(100000, 65536)


def test_the_largest_of_several_counts() -> None:
    assert parse_range("builder:100000:1\nbuilder:200000:65536\nbuilder:300000:2\n", BUILDER) == Range(200000, 65536)


@pytest.mark.parametrize("text", ["", "other:1:2\n", "builder:1\n", "builder:x:2\n", "builder:1:2:3\n", "builder\n"])
def test_no_range_for_others_and_none_from_what_is_no_range(text: str) -> None:
    assert parse_range(text, BUILDER) is None


def test_both_files_have_to_have_one(tmp_path: Path) -> None:
    assert read_ranges(BUILDER, tmp_path) is None
    (tmp_path / "subuid").write_text("builder:100000:65536\n")
    (tmp_path / "subgid").write_text("")
    assert read_ranges(BUILDER, tmp_path) is None
    (tmp_path / "subgid").write_text("builder:200000:65536\n")
    assert read_ranges(BUILDER, tmp_path) == RANGES


def test_a_free_range_is_behind_all_that_are_given(tmp_path: Path) -> None:
    assert free_range(tmp_path) == Range(100000, 65536)
    (tmp_path / "subuid").write_text("one:100000:65536\nnonsense\n")
    (tmp_path / "subgid").write_text("other:500000:10\n")
    assert free_range(tmp_path) == Range(500010, 65536)


def programs(folder: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    for name in ("newuidmap", "newgidmap"):
        (folder / name).write_text(f"#!/bin/sh\n{body}\n")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


def test_0_is_the_user_and_1_is_where_the_range_begins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs(tmp_path, monkeypatch, f'echo "$(basename "$0") $*" >> {tmp_path}/told')

    map_ranges(77, BUILDER, RANGES)

    assert (tmp_path / "told").read_text().splitlines() == [
        "newuidmap 77 0 1000 1 1 100000 65536",
        "newgidmap 77 0 1001 1 1 200000 65536",
    ]


def test_a_refusal_is_told_in_the_program_s_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs(tmp_path, monkeypatch, "echo newuidmap: write to uid_map failed >&2; exit 1")

    with pytest.raises(AptfreezeError, match="ids of builder cannot be mapped: newuidmap: write to") as refused:
        map_ranges(77, BUILDER, RANGES)
    assert refused.value.hint is not None
    assert "uidmap" in refused.value.hint


def test_the_own_ids_stay_what_they_are(tmp_path: Path) -> None:
    map_own(BUILDER, tmp_path)

    assert {file.name: file.read_text() for file in tmp_path.iterdir()} == {
        "setgroups": "deny",
        "uid_map": "1000 1000 1",
        "gid_map": "1001 1001 1",
    }
