# SPDX-License-Identifier: MIT
"""Which version is newer: a table, and what dpkg says of any two."""

import shutil
import subprocess

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from aptfreeze.deb.version import sort_key

ASCENDING = [
    "0",
    "0-1",
    "0.1",
    "1.0~rc1-1",
    "1.0~rc1-1+b1",
    "1.0~rc2",
    "1.0",
    "1.0-1~bpo12+1",
    "1.0-1",
    "1.0-1+b1",
    "1.0-1+deb12u1",
    "1.0-1+deb12u2",
    "1.0-1+deb12u10",
    "1.0-1.1",
    "1.0-2",
    "1.0a-1",
    "1.0+dfsg-1",
    "1.0.1-1",
    "1.9",
    "1.10",
    "10",
    "1:0.1",
    "2:0",
]


def test_newer_versions_come_later() -> None:
    descending = ASCENDING[::-1]
    assert sorted(descending, key=sort_key) == ASCENDING


@pytest.mark.parametrize(
    ("one", "other"), [("1.0", "0:1.0"), ("1.0", "1.0-0"), ("1.0", "1.00"), ("1.0", "1.00-000"), ("a", "a0")]
)
def test_some_differ_in_text_alone(one: str, other: str) -> None:
    assert one != other
    assert sort_key(one) == sort_key(other)


def test_a_number_may_be_as_long_as_it_likes() -> None:
    assert sort_key("9" * 10_000) < sort_key("1" + "0" * 10_000)


VERSIONS = st.from_regex(r"([0-9]{1,2}:)?[0-9][0-9a-zA-Z.+~]{0,6}(-[0-9a-zA-Z.+~]{1,4})?", fullmatch=True)


@pytest.mark.skipif(shutil.which("dpkg") is None, reason="no dpkg to ask")
@settings(max_examples=100, deadline=None)
@given(VERSIONS, VERSIONS)
@example("1.0-1+deb12u9", "1.0-1+deb12u10")
@example("1.0~", "1.0")
@example("0~", "0")
@example("0", "0~")
@example("0-1", "0-0~")
@example("1.a", "1.+")
def test_dpkg_agrees(one: str, other: str) -> None:
    is_older = subprocess.run(["dpkg", "--compare-versions", one, "lt", other]).returncode == 0
    assert (sort_key(one) < sort_key(other)) is is_older
