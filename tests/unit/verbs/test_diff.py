# SPDX-License-Identifier: MIT
"""What `diff` tells of two states, as text and as data."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from aptfreeze.archive.objects import Objects
from aptfreeze.environment import generations
from aptfreeze.environment.config import Surroundings
from aptfreeze.environment.opened import Opened, open_environment
from aptfreeze.environment.records import AskedIndex, Record, ServedPackage
from aptfreeze.errors import IntegrityError, UsageError
from aptfreeze.freeze.digest import Digest
from aptfreeze.freeze.generation import Generation, Pin, ReleasePair, SuiteKey
from aptfreeze.freeze.lockfile import dump, state_digest
from aptfreeze.verbs import diff
from aptfreeze.verbs.diff import States

MAIN = SuiteKey("mirror.example.org/debian", "bookworm")
BACKPORTS = SuiteKey("mirror.example.org/debian", "bookworm-backports")
PACKAGES = "main/binary-amd64/Packages"
URL = "mirror.example.org/key.asc"
DATE = datetime(2026, 11, 1, 7, tzinfo=UTC)
OLD_ID, NEW_ID = "4f1c" + "0" * 28, "beef" + "0" * 28


@pytest.fixture
def opened(tmp_path: Path) -> Opened:
    (tmp_path / "environment").mkdir()
    flags = {"archive.path": str(tmp_path / "archive"), "offline": True}
    return open_environment("aptfreeze diff", Surroundings({"HOME": "/"}, tmp_path / "environment"), flags)


def deb(name: str, version: str) -> str:
    """A stanza of a package whose file is its own name and version."""
    data = f"{name} {version}".encode()
    return (
        f"Package: {name}\nVersion: {version}\nArchitecture: amd64\nFilename: {name}\nSize: {len(data)}\n"
        f"SHA256: {Digest.of(data).hex}\n"
    )


def pin(opened: Opened, day: int, *stanzas: str, held: bool = True) -> Pin:
    """Of a state of that day with these packages; `held`: the archive has their index."""
    objects, data = Objects(opened.settings.archive.path), "\n".join(stanzas).encode()
    if held:
        objects.put(data)
    release = f"Codename: bookworm\nSHA256:\n {Digest.of(data).hex} {len(data)} {PACKAGES}\n".encode()
    return Pin(ReleasePair(objects.put(release), None), datetime(2026, 11, day, 10, 16, tzinfo=UTC))


def two(opened: Opened, before: dict[SuiteKey, Pin], after: dict[SuiteKey, Pin]) -> States:
    """An earlier generation that this checkout knows, and the current one."""
    old, new = Generation(OLD_ID, DATE, before), Generation(NEW_ID, DATE + timedelta(days=1), after)
    opened.store.init()
    for each in (old, new):
        generations.write_copy(opened.environment, each)
    generations.write_lock(opened.environment, new)
    return States(old, new)


def record(opened: Opened, *packages: ServedPackage) -> None:
    """A run of the earlier generation."""
    told = Record(opened.environment.records, OLD_ID, opened.process, DATE)
    told.asked(AskedIndex(MAIN.repository, MAIN.suite, PACKAGES))
    for each in packages:
        told.served(each)
    told.flush()


def served(name: str, version: str) -> ServedPackage:
    digest = Digest.of(f"{name} {version}".encode())
    return ServedPackage(name, version, "amd64", MAIN.repository, MAIN.suite, name, digest, 3)


# --- which two ---


def test_without_words_it_is_the_one_before_and_the_current_one(opened: Opened) -> None:
    expected = two(opened, {}, {MAIN: pin(opened, 1)})
    assert diff.states(opened, []) == expected


def test_one_word_is_compared_with_the_current_one_and_two_with_each_other(opened: Opened, tmp_path: Path) -> None:
    expected = two(opened, {}, {MAIN: pin(opened, 1)})
    (tmp_path / "old.lock").write_text(dump(expected.before))
    assert diff.states(opened, [str(tmp_path / "old.lock")]) == expected
    assert diff.states(opened, ["beef", "4f1c"]) == States(expected.after, expected.before)


def test_without_an_earlier_one_it_says_what_to_name(opened: Opened) -> None:
    opened.store.init()
    with pytest.raises(UsageError, match="no generation that was made before") as raised:
        diff.states(opened, [])
    assert raised.value.hint is not None
    assert "HEAD~1" in raised.value.hint


# --- whole suites ---


def test_what_changed_in_each_suite(opened: Opened) -> None:
    found = two(
        opened,
        {MAIN: pin(opened, 1, deb("bash", "5.1"), deb("gone", "1"))},
        {MAIN: pin(opened, 21, deb("bash", "5.2"), deb("new", "1")), BACKPORTS: pin(opened, 20)},
    )
    suites = diff.diff(opened, found)
    diff.check(suites)

    assert list(diff.lines(found, suites)) == [
        "generation 4f1c00000000 of 2026-11-01 07:00 UTC -> beef00000000 of 2026-11-02 07:00 UTC",
        f"{MAIN}: 2026-11-01 10:16 UTC -> 2026-11-21 10:16 UTC, 1 added, 1 removed, 1 upgraded",
        "  ^ bash amd64 5.1 -> 5.2 (bash)",
        "  - gone amd64 1",
        "  + new amd64 1",
        f"{BACKPORTS}: not pinned -> 2026-11-20 10:16 UTC",
    ]


def test_only_indexes_that_builds_asked_for_are_compared(opened: Opened) -> None:
    """The archive has no others, so that it would be told here."""
    data = deb("x", "1").encode()
    objects = Objects(opened.settings.archive.path)
    objects.put(data)
    pins = []
    for day in (1, 2):
        lines = [f" {Digest.of(data).hex} {len(data)} {PACKAGES}", f" {'a' * 64} {day} contrib/binary-amd64/Packages"]
        release = "\n".join(["SHA256:", *lines, ""]).encode()
        pins.append(Pin(ReleasePair(objects.put(release), None), DATE))
    found = two(opened, {MAIN: pins[0]}, {MAIN: pins[1]})

    (without,) = diff.diff(opened, found)
    record(opened)
    (asked,) = diff.diff(opened, found)
    assert without.problem is not None
    assert "contrib/binary-amd64/Packages" in without.problem.message
    assert (asked.problem, asked.changes) == (None, ())


def test_what_cannot_be_compared_is_said_and_fails_at_the_end(opened: Opened) -> None:
    found = two(
        opened,
        {MAIN: pin(opened, 1, deb("x", "1")), BACKPORTS: pin(opened, 1, deb("y", "1"))},
        {MAIN: pin(opened, 2, deb("x", "2"), held=False), BACKPORTS: pin(opened, 2, deb("y", "2"))},
    )
    suites = diff.diff(opened, found)

    told = list(diff.lines(found, suites))
    assert f"{MAIN}: 2026-11-01 10:16 UTC -> 2026-11-02 10:16 UTC, NOT COMPARED: " in told[1]
    assert told[3] == "  ^ y amd64 1 -> 2 (y)"
    assert "is not in the archive" in diff.data(found, suites)["suites"][0]["problem"]
    with pytest.raises(IntegrityError, match=f"1 suite could not be compared: {MAIN} ") as raised:
        diff.check(suites)
    assert raised.value.hint is not None


def test_equal_states_and_single_files(opened: Opened) -> None:
    main = {MAIN: pin(opened, 1, deb("x", "1"))}
    found = two(opened, main, main)
    assert list(diff.lines(found, diff.diff(opened, found)))[1:] == ["nothing differs"]
    moved = States(found.before.with_extra(URL, Digest.of(b"1")), found.after.with_extra(URL, Digest.of(b"2")))
    (line,) = list(diff.lines(moved, diff.diff(opened, moved)))[1:]
    assert line == f"{URL}: {Digest.of(b'1').hex[:12]} -> {Digest.of(b'2').hex[:12]}"


def test_data_has_the_same(opened: Opened) -> None:
    found = two(opened, {MAIN: pin(opened, 1, deb("x", "1"))}, {MAIN: pin(opened, 2, deb("x", "2"))})
    data = json.loads(json.dumps(diff.data(found, diff.diff(opened, found))))

    assert data["before"] == {
        "generation": OLD_ID,
        "created": "2026-11-01T07:00:00+00:00",
        "state": str(state_digest(found.before)),
    }
    (suite,) = data["suites"]
    assert (suite["repository"], suite["suite"], suite["problem"]) == (MAIN.repository, "bookworm", None)
    assert (suite["pinned_before"], suite["date_after"]) == (True, "2026-11-02T10:16:00+00:00")
    assert suite["counts"] == {"added": 0, "removed": 0, "upgraded": 1, "downgraded": 0, "replaced": 0}
    assert [each["after"] for each in suite["changes"]] == ["2"]
    assert data["extra"] == []


# --- what builds used ---


def test_only_what_runs_used(opened: Opened) -> None:
    found = two(
        opened,
        {MAIN: pin(opened, 1, deb("x", "1"), deb("y", "1"), deb("unused", "1"))},
        {MAIN: pin(opened, 2, deb("x", "2"), deb("y", "1"), deb("unused", "2"))},
    )
    record(opened, served("x", "1"), served("y", "1"))
    used = diff.diff_used(opened, found)

    assert list(diff.used_lines(found, used))[1:] == [
        "2 packages used before: 1 upgraded; 3 bytes, 3 bytes of it to fetch",
        "^ x amd64 1 -> 2 (x) 3 bytes",
    ]
    data = json.loads(json.dumps(diff.used_data(found, used)))
    assert (data["packages"], data["size"], data["to_download"], data["counts"]["upgraded"]) == (2, 3, 3, 1)
    assert [(each["package"], each["after"]) for each in data["changes"]] == [("x", "2")]
    assert data["after"]["generation"] == NEW_ID


def test_without_a_record_nothing_is_known_of_what_was_used(opened: Opened) -> None:
    found = two(opened, {}, {MAIN: pin(opened, 1)})
    with pytest.raises(IntegrityError, match=f"no run of generation {OLD_ID} is recorded"):
        diff.diff_used(opened, found)
