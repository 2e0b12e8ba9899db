# SPDX-License-Identifier: MIT
"""An update as it is told."""

from dataclasses import replace
from datetime import UTC, datetime

from aptfreeze.describe import updates
from aptfreeze.describe.changelogs import Changelog
from aptfreeze.describe.changes import Change, ChangeKind, UsedChange
from aptfreeze.environment.updating import SuiteMove
from aptfreeze.freeze.digest import Digest
from aptfreeze.freeze.generation import BarePackages, InRelease, Pin, SuiteKey

KEY = SuiteKey("mirror.example.org/debian", "bookworm")
SIZE = 2_000_000
UP = UsedChange(
    ChangeKind.UPGRADED,
    "libssl3",
    "amd64",
    "3.0.15",
    "3.0.16",
    "openssl",
    "3.0.16",
    KEY,
    KEY,
    2_000_000,
    2_000_000,
    False,
)


def told(*used: UsedChange) -> list[str]:
    return list(updates.used_lines(used))


def pin(day: int) -> Pin:
    return Pin(InRelease(Digest.of(b"x")), datetime(2026, 11, day, 10, 16, tzinfo=UTC), codename="bookworm")


def change(kind: ChangeKind) -> Change:
    return Change(kind, "x", "amd64", "1", "2", "x", "2", 1)


def test_used_packages_follow_what_they_cost() -> None:
    assert told(UP, replace(UP, package="openssl", to_fetch=0)) == [
        "2 packages that builds here used changed, 4.0 MB, 2.0 MB to download:",
        "  ^ libssl3 amd64 3.0.15 -> 3.0.16 (openssl) 2.0 MB",
        "  ^ openssl amd64 3.0.15 -> 3.0.16 (openssl) 2.0 MB archived",
    ]


def test_nothing_is_told_and_so_is_whose_builds_it_is_about() -> None:
    assert told() == ["no package that builds here used is another one now"]
    (line,) = updates.used_lines([], "0123456789abcdef")
    assert line == "no package that the builds of generation 0123456789ab used is another one now"


def test_a_suite_with_its_dates_and_counts() -> None:
    move = SuiteMove(KEY, pin(1), pin(21), (), "signed by A")
    changes = [change(ChangeKind.UPGRADED), change(ChangeKind.UPGRADED), change(ChangeKind.ADDED)]

    assert updates.suite_line(move, changes, is_security=False) == (
        f"{KEY}: 2026-11-01 10:16 UTC -> 2026-11-21 10:16 UTC, 3 packages changed (1 added, 2 upgraded); signed by A"
    )
    assert updates.suite_line(move, [], is_security=True) == (
        f"{KEY} (security): 2026-11-01 10:16 UTC -> 2026-11-21 10:16 UTC, 0 packages changed; signed by A"
    )
    found = updates.suite_data(move, changes, is_security=False)
    assert (found["upgraded"], found["added"], found["removed"]) == (2, 1, 0)
    assert found["before"] == "2026-11-01T10:16:00+00:00"


def test_where_the_old_indexes_are_gone_nobody_can_tell() -> None:
    move = SuiteMove(KEY, pin(1), pin(21), (), "signed by A")

    assert "changes unknown" in updates.suite_line(move, None, is_security=False)
    assert updates.suite_data(move, None, is_security=False)["upgraded"] is None


def test_a_bare_list_has_no_dates() -> None:
    bare = Pin(BarePackages(Digest.of(b"x"), "Packages"), None)
    move = SuiteMove(KEY, bare, bare, (), "unsigned")

    assert "without a date -> without a date" in updates.suite_line(move, [], is_security=False)
    assert updates.suite_data(move, [], is_security=False)["after"] is None


def test_a_changelog_names_the_packages_it_is_about() -> None:
    found = Changelog("openssl", "3.0.16", ("libssl3", "openssl"), "line one\nline \x1b[31mtwo")

    assert list(updates.changelog_lines([found])) == [
        "",
        "--- openssl 3.0.16 (libssl3, openssl)",
        "line one",
        "line ?[31mtwo",
    ]
    assert updates.changelog_data(found)["packages"] == ["libssl3", "openssl"]
