# SPDX-License-Identifier: MIT
"""What counts as a name of this machine."""

from __future__ import annotations

from pathlib import Path

from check_portable import complaints, local_paths


def test_the_line_and_the_word_are_named() -> None:
    text = "one\nURIs: http://mirror.example.net/debian\n"
    assert list(complaints(text, ["mirror.example.net"])) == ["2: names this machine: mirror.example.net"]


def test_a_checkout_below_home_forbids_only_itself() -> None:
    assert local_paths(Path("/home/ada/aptfreeze")) == {"/home/ada/aptfreeze"}


def test_a_top_folder_that_other_machines_lack_is_forbidden_as_a_whole() -> None:
    assert local_paths(Path("/scratch/ada/aptfreeze")) == {"/scratch/ada/aptfreeze", "/scratch/"}
