# SPDX-License-Identifier: MIT
"""The manual page: complete, and without a complaint of man itself where the machine has one."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from aptfreeze import __version__
from aptfreeze.cli.parser import build_parser
from manual import page, roff
from parser_tree import command_line

TREE = command_line(build_parser())
PAGE = page(TREE, __version__)


def test_every_verb_and_flag_is_on_the_page() -> None:
    for verb in TREE.verbs:
        section = PAGE.split(f".SS aptfreeze {roff(verb.name)}\n")[1].split("\n.S")[0]
        for option in verb.options:
            for flag in option.flags:
                assert f"\\fB{roff(flag)}\\fR" in section


def test_text_cannot_become_a_roff_request() -> None:
    assert roff(".TH is text\n'so is this\nC:\\n") == "\\&.TH is text\n\\&'so is this\nC:\\en"


def test_a_flag_can_be_copied_from_the_page() -> None:
    # An unescaped hyphen is rendered as U+2010, which no shell understands.
    assert roff("--offline") == "\\-\\-offline"


@pytest.mark.skipif(shutil.which("groff") is None, reason="needs groff")
def test_groff_has_no_complaint() -> None:
    result = subprocess.run(["groff", "-man", "-ww", "-z", "-Tutf8"], input=PAGE, capture_output=True, text=True)
    assert (result.returncode, result.stderr) == (0, "")
