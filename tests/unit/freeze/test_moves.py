# SPDX-License-Identifier: MIT
"""The ways from one generation to another."""

from datetime import UTC, datetime
from types import MappingProxyType

from aptfreeze.freeze import moves
from aptfreeze.freeze.digest import Digest
from aptfreeze.freeze.generation import Generation, InRelease, Pin, SuiteKey
from aptfreeze.freeze.moves import Identity

MAIN = SuiteKey("mirror.example.org/debian", "bookworm")
SECURITY = SuiteKey("mirror.example.org/debian-security", "bookworm-security")
KEY_FILE = "mirror.example.org/key.asc"
NEW = Identity("b" * 32, datetime(2026, 11, 25, tzinfo=UTC))


def pin(text: str, suite: str = "", codename: str = "") -> Pin:
    return Pin(InRelease(Digest.of(text.encode())), None, suite, codename)


def generation(pins: dict[SuiteKey, Pin], extra: dict[str, Digest] | None = None) -> Generation:
    created = datetime(2026, 11, 24, tzinfo=UTC)
    return Generation("a" * 32, created, MappingProxyType(pins), MappingProxyType(extra or {}))


def test_what_moves_takes_the_place_of_what_was_and_the_rest_stays() -> None:
    current = generation({MAIN: pin("old"), SECURITY: pin("same")}, {KEY_FILE: Digest.of(b"old")})

    after = moves.moved(current, {MAIN: pin("new")}, {KEY_FILE: Digest.of(b"new")}, NEW)

    assert after.pins == {MAIN: pin("new"), SECURITY: pin("same")}
    assert after.extra == {KEY_FILE: Digest.of(b"new")}
    assert (after.id, after.created) == (NEW.id, NEW.created)


def test_what_is_forgotten_is_gone_under_a_new_id() -> None:
    current = generation({MAIN: pin("one"), SECURITY: pin("two")}, {KEY_FILE: Digest.of(b"key")})

    after = moves.without(current, [SECURITY], [KEY_FILE], NEW)

    assert (after.id, after.pins, after.extra) == (NEW.id, {MAIN: pin("one")}, {})


def test_going_back_restores_the_id_and_keeps_what_the_earlier_one_never_had() -> None:
    earlier = generation({MAIN: pin("old")})
    current = Generation("c" * 32, NEW.created, {MAIN: pin("new"), SECURITY: pin("added")}, {KEY_FILE: Digest.of(b"k")})

    after = moves.restored(earlier, current)

    assert (after.id, after.created) == (earlier.id, earlier.created)
    assert after.pins == {MAIN: pin("old"), SECURITY: pin("added")}
    assert after.extra == {KEY_FILE: Digest.of(b"k")}


def test_going_back_keeps_no_second_name_of_a_suite_that_it_has() -> None:
    stable = SuiteKey(MAIN.repository, "stable")
    earlier = generation({MAIN: pin("old", "stable", "bookworm")})
    current = Generation("c" * 32, NEW.created, {stable: pin("new", "stable", "trixie")})

    assert moves.restored(earlier, current).pins == earlier.pins


def test_going_back_restores_single_files_too() -> None:
    earlier = generation({}, {KEY_FILE: Digest.of(b"old")})
    current = Generation("c" * 32, NEW.created, {}, {KEY_FILE: Digest.of(b"new")})

    assert moves.restored(earlier, current).extra == {KEY_FILE: Digest.of(b"old")}
