# SPDX-License-Identifier: MIT
"""What git is asked, with a real one."""

import subprocess
from pathlib import Path

import pytest

from aptfreeze.environment.git import ask, merge_base
from support.aptfreeze import Aptfreeze
from support.branches import Branches


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A repository."""
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True, timeout=30)
    return tmp_path


def test_what_it_prints(folder: Path) -> None:
    assert ask(folder, "rev-parse", "--is-inside-work-tree") == (b"true\n", "")


def test_why_it_failed(folder: Path) -> None:
    assert ask(folder, "rev-parse", "--verify", "nope") == (None, "Needed a single revision")
    assert ask(folder, "config", "--get", "no.such") == (None, "git ended with status 1")
    assert ask(folder, "cat-file", "blob", "a\0b") == (None, "git cannot be asked (embedded null byte)")


def test_no_git(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(folder))

    assert ask(folder, "status") == (None, "git is not installed")


def test_the_base_of_an_unfinished_merge(tmp_path: Path) -> None:
    branches = Branches(Aptfreeze(tmp_path / "product"))
    branches.commit("base\n")
    branches.branch("feature", "theirs\n")
    branches.commit("ours\n")

    assert merge_base(branches.product.lock_file) is None
    branches.merge("feature").fails(1)
    assert merge_base(branches.product.lock_file) == b"base\n"
