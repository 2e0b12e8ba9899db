# SPDX-License-Identifier: MIT
"""Remarks for the summary."""

from aptfreeze.launch.notice import Notice


def test_a_hint_stands_on_a_line_of_its_own() -> None:
    assert str(Notice("it was so", hint="do this")) == "it was so\nHint: do this"
    assert str(Notice("it was so")) == "it was so"
