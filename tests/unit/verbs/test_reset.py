# SPDX-License-Identifier: MIT
"""Pins are forgotten: all of them, or those that are named."""

from pathlib import Path

import pytest

from aptfreeze.errors import UsageError
from aptfreeze.verbs.reset import reset
from support.environments import MAIN, SECURITY, open_in, pin, with_pins


def test_without_words_everything_is_forgotten(tmp_path: Path) -> None:
    opened = open_in(tmp_path)
    pinned = with_pins(opened, {MAIN: pin(1), SECURITY: pin(2)})

    before, after = reset(opened, [])

    assert before == pinned
    assert not after.pins
    assert after.id != before.id
    assert opened.store.load() == after


def test_a_named_suite_alone_is_forgotten(tmp_path: Path) -> None:
    opened = open_in(tmp_path)
    with_pins(opened, {MAIN: pin(1), SECURITY: pin(2)})

    _, after = reset(opened, ["bookworm-security"])

    assert dict(after.pins) == {MAIN: pin(1)}


def test_a_word_that_names_nothing_forgets_nothing(tmp_path: Path) -> None:
    opened = open_in(tmp_path)
    pinned = with_pins(opened, {MAIN: pin(1)})

    with pytest.raises(UsageError, match="'trixie' names no pinned suite"):
        reset(opened, ["bookworm", "trixie"])

    assert opened.store.load() == pinned
