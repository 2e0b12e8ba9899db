# SPDX-License-Identifier: MIT
"""Generations, pins and their names."""

from datetime import UTC, datetime

import pytest

from aptfreeze.freeze.digest import Digest
from aptfreeze.freeze.generation import Generation, InRelease, Pin, SuiteKey

NOW = datetime(2026, 11, 24, 7, tzinfo=UTC)
EMPTY = Generation("0" * 32, NOW)


def pin(text: bytes, suite: str = "", codename: str = "") -> Pin:
    return Pin(InRelease(Digest.of(text)), NOW, suite, codename)


def test_a_key_is_written_as_repository_and_suite() -> None:
    key = SuiteKey("mirror.example.org/debian", "bookworm/updates")
    assert str(key) == "mirror.example.org/debian bookworm/updates"
    assert SuiteKey.parse(str(key)) == key
    assert not key.is_flat
    assert SuiteKey.parse("mirror.example.org/p ./").is_flat


@pytest.mark.parametrize("text", ["", "mirror.example.org/debian", "a b c", " bookworm", "a ", "a/ bookworm"])
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="host/path suite"):
        SuiteKey.parse(text)


def test_a_pin_answers_to_suite_and_codename() -> None:
    assert pin(b"", "oldstable", "bookworm").names == {"oldstable", "bookworm"}
    assert pin(b"").names == frozenset()


def test_a_pocket_does_not_answer_for_its_base_suite() -> None:
    assert pin(b"", "jammy-updates", "jammy").names == {"jammy-updates"}
    assert pin(b"", "jammy", "jammy").names == {"jammy"}


def test_adding_keeps_the_id_and_the_rest() -> None:
    one = EMPTY.with_pin(SuiteKey("h/d", "a"), pin(b"1"))
    two = one.with_pin(SuiteKey("h/d", "b"), pin(b"2")).with_extra("h/key.asc", Digest.of(b"3"))
    assert two.id == EMPTY.id
    assert set(two.pins) == {SuiteKey("h/d", "a"), SuiteKey("h/d", "b")}
    assert two.extra == {"h/key.asc": Digest.of(b"3")}
    assert EMPTY.pins == {}


def test_a_pin_is_never_replaced_by_adding() -> None:
    one = EMPTY.with_pin(SuiteKey("h/d", "a"), pin(b"1"))
    assert one.with_pin(SuiteKey("h/d", "a"), pin(b"1")) == one
    with pytest.raises(ValueError, match="pinned already"):
        one.with_pin(SuiteKey("h/d", "a"), pin(b"2"))
    with pytest.raises(ValueError, match="pinned already"):
        one.with_extra("u", Digest.of(b"1")).with_extra("u", Digest.of(b"2"))
