# SPDX-License-Identifier: MIT
"""Remarks for the summary."""

import pytest

from aptfreeze.launch.notice import Notice, without_password


@pytest.mark.parametrize(
    ("url", "printed"),
    [
        ("http://me:secret@proxy.example.org:3128/", "http://me:***@proxy.example.org:3128/"),
        ("http://me@proxy.example.org/", "http://me@proxy.example.org/"),
        ("http://proxy.example.org:3128", "http://proxy.example.org:3128"),
        ("http://me:p@ss/word@proxy.example.org", "http://me:***@proxy.example.org"),
        ("me:secret@proxy.example.org:3128", "me:***@proxy.example.org:3128"),
        ("DIRECT", "DIRECT"),
        ("", ""),
    ],
)
def test_a_password_is_never_printed(url: str, printed: str) -> None:
    assert without_password(url) == printed


def test_a_hint_stands_on_a_line_of_its_own() -> None:
    assert str(Notice("it was so", hint="do this")) == "it was so\nHint: do this"
    assert str(Notice("it was so")) == "it was so"
