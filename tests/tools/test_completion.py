# SPDX-License-Identifier: MIT
"""The completions: complete, and really used by the shells that the machine has."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from aptfreeze.cli.parser import build_parser
from completion import bash, fish, zsh
from parser_tree import command_line

TREE = command_line(build_parser())


def completed(script: Path, *words: str) -> set[str]:
    """What bash offers for the last of the words."""
    line = f"source {script}; COMP_WORDS=({' '.join(words)} ''); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))"
    ask = f'{line}; _aptfreeze; printf "%s\\n" "${{COMPREPLY[@]}}"'
    return set(subprocess.run(["bash", "-c", ask], capture_output=True, text=True, check=True).stdout.split())


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "aptfreeze"
    path.write_text(bash(TREE))
    return path


def test_bash_offers_every_verb(script: Path) -> None:
    assert {verb.name for verb in TREE.verbs} <= completed(script, "aptfreeze")


def test_bash_offers_every_flag_of_each_verb(script: Path) -> None:
    for verb in TREE.verbs:
        flags = {flag for option in verb.options for flag in option.flags}
        assert completed(script, "aptfreeze", verb.name) == flags


def test_bash_leaves_the_command_of_run_alone(script: Path) -> None:
    assert completed(script, "aptfreeze", "run", "--", "mmdebstrap") == set()


def test_zsh_and_fish_name_every_verb_and_flag() -> None:
    for verb in TREE.verbs:
        assert f"'{verb.name}:" in zsh(TREE)
        assert f" -a {verb.name} " in fish(TREE)
        for flag in (flag for option in verb.options for flag in option.flags if flag.startswith("--")):
            assert f"'{flag}[" in zsh(TREE)
            assert f" -l {flag[2:]} " in fish(TREE)


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_the_shell_can_read_its_file(shell: str, tmp_path: Path) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"needs {shell}")
    path = tmp_path / "completion"
    path.write_text({"zsh": zsh, "fish": fish}[shell](TREE))
    assert subprocess.run([shell, "-n", path]).returncode == 0


@pytest.mark.skipif(shutil.which("fish") is None, reason="needs fish")
def test_fish_offers_verbs_and_asks_for_the_command_of_run(tmp_path: Path) -> None:
    path = tmp_path / "aptfreeze.fish"
    path.write_text(fish(TREE))

    def offered(line: str) -> list[str]:
        command = ["fish", "--no-config", "-c", f"source {path}; complete -C {line!r}"]
        out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        return [each.split("\t")[0] for each in out.splitlines()]

    assert offered("aptfreeze ") == sorted(verb.name for verb in TREE.verbs)
    assert "sha256sum" in offered("aptfreeze run --offline -- sha256s")
