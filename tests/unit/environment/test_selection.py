# SPDX-License-Identifier: MIT
"""Which pins a word means."""

from datetime import UTC, datetime

import pytest

from aptfreeze.environment.selection import select
from aptfreeze.errors import UsageError
from aptfreeze.freeze.digest import Digest
from aptfreeze.freeze.generation import Generation, InRelease, Pin, SuiteKey

MAIN = SuiteKey("mirror.example.org/debian", "stable")
UPDATES = SuiteKey("mirror.example.org/debian", "bookworm-updates")
SECURITY = SuiteKey("mirror.example.org/debian-security", "bookworm-security")
FLAT = SuiteKey("vendor.example.org/flat", "./")
URL = "vendor.example.org/key.asc"


def pin(suite: str = "", codename: str = "") -> Pin:
    return Pin(InRelease(Digest.of(b"x")), None, suite, codename)


PINS = {MAIN: pin("stable", "bookworm"), UPDATES: pin(), SECURITY: pin(), FLAT: pin()}
GENERATION = Generation("a" * 32, datetime(2026, 11, 24, tzinfo=UTC), PINS, {URL: Digest.of(b"key")})


def test_without_words_everything_is_meant() -> None:
    chosen = select(GENERATION, [])
    assert set(chosen.keys) == set(PINS)
    assert chosen.urls == (URL,)


@pytest.mark.parametrize(
    ("word", "keys"),
    [
        ("stable", {MAIN}),
        ("bookworm", {MAIN}),
        ("bookworm-updates", {UPDATES}),
        ("mirror.example.org/debian", {MAIN, UPDATES}),
        ("http://mirror.example.org/debian-security/", {SECURITY}),
        ("mirror.example.org/debian bookworm-updates", {UPDATES}),
        ("vendor.example.org/flat", {FLAT}),
        ("vendor.example.org/flat ./", {FLAT}),
    ],
)
def test_a_word_means(word: str, keys: set[SuiteKey]) -> None:
    assert (set(select(GENERATION, [word]).keys), select(GENERATION, [word]).urls) == (keys, ())


def test_several_words_are_added_up_and_files_are_named_by_url() -> None:
    chosen = select(GENERATION, ["bookworm-security", f"https://{URL}", "bookworm-security"])
    assert (chosen.keys, chosen.urls) == ((SECURITY,), (URL,))


@pytest.mark.parametrize("word", ["bullseye", "", "./", "mirror.example.org"])
def test_a_word_that_means_nothing_is_a_mistake_and_told_with_what_there_is(word: str) -> None:
    with pytest.raises(UsageError, match="names no pinned suite") as caught:
        select(GENERATION, [word])
    assert str(SECURITY) in (caught.value.hint or "")


def test_where_nothing_is_pinned_the_way_to_pin_is_told() -> None:
    with pytest.raises(UsageError) as caught:
        select(Generation("a" * 32, datetime(2026, 11, 24, tzinfo=UTC)), ["bookworm"])
    assert "aptfreeze run" in (caught.value.hint or "")
