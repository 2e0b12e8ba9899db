# SPDX-License-Identifier: MIT
"""Changes as lines and as data."""

from dataclasses import replace

from aptfreeze.describe import changelist
from aptfreeze.describe.changes import Change, ChangeKind, UsedChange
from aptfreeze.freeze.generation import SuiteKey

MAIN = SuiteKey("mirror.example.org/debian", "bookworm")
SECURITY = SuiteKey("mirror.example.org/debian-security", "bookworm-security")
UP = Change(ChangeKind.UPGRADED, "libx1", "amd64", "1", "2+b1", "x", "2", 1234)
USED = UsedChange(ChangeKind.UPGRADED, "libx1", "amd64", "1", "2+b1", "x", "2", MAIN, MAIN, 1_500_000, 1_500_000, False)


def change(kind: ChangeKind, before: str | None, after: str | None) -> Change:
    return replace(UP, kind=kind, before=before, after=after)


CHANGES = (
    change(ChangeKind.ADDED, None, "1:2~rc1"),
    change(ChangeKind.REMOVED, "1", None),
    UP,
    change(ChangeKind.DOWNGRADED, "2", "1"),
    change(ChangeKind.REPLACED, "1", "1"),
)


def test_a_line_for_each_kind() -> None:
    assert list(changelist.lines(CHANGES)) == [
        "+ libx1 amd64 1:2~rc1",
        "- libx1 amd64 1",
        "^ libx1 amd64 1 -> 2+b1 (x)",
        "v libx1 amd64 2 -> 1 (x)",
        "= libx1 amd64 1 -> 1 (x)",
    ]


def test_they_are_counted_by_kind() -> None:
    assert changelist.counts_text([*CHANGES, UP]) == "1 added, 1 removed, 2 upgraded, 1 downgraded, 1 replaced"
    assert changelist.counts_text([UP]) == "1 upgraded"
    assert changelist.counts_text([]) == "no package differs"
    assert changelist.counts([UP])[ChangeKind.REMOVED] == 0


def test_an_index_cannot_write_to_the_terminal() -> None:
    odd = replace(UP, package="x\x1b[2J", source="a b", architecture="\n", after="2\r")
    assert list(changelist.lines([odd])) == ["^ x%1B[2J %0A 1 -> 2%0D (a%20b)"]


def test_data_has_the_same() -> None:
    assert changelist.data([UP]) == [
        {
            "change": "upgraded",
            "package": "libx1",
            "architecture": "amd64",
            "before": "1",
            "after": "2+b1",
            "source": "x",
            "source_version": "2",
            "size": 1234,
        }
    ]


def test_of_a_used_package_the_size_and_a_suite_that_matters() -> None:
    told = changelist.used_lines(
        [
            USED,
            replace(USED, to_fetch=0),
            replace(USED, suite_before=SECURITY),
            replace(USED, suite_after=SECURITY, is_security=True),
            replace(USED, suite_before=SECURITY, suite_after=SECURITY, is_security=True),
            replace(USED, kind=ChangeKind.REMOVED, after=None, suite_after=None),
        ]
    )
    assert list(told) == [
        "^ libx1 amd64 1 -> 2+b1 (x) 1.5 MB",
        "^ libx1 amd64 1 -> 2+b1 (x) 1.5 MB archived",
        f"^ libx1 amd64 1 -> 2+b1 (x) 1.5 MB from {MAIN}",
        f"^ libx1 amd64 1 -> 2+b1 (x) 1.5 MB SECURITY from {SECURITY}",
        f"^ libx1 amd64 1 -> 2+b1 (x) 1.5 MB SECURITY from {SECURITY}",
        "- libx1 amd64 1 gone: no pinned suite has it",
    ]


def test_data_of_a_used_package() -> None:
    gone = replace(USED, kind=ChangeKind.REMOVED, after=None, suite_after=None, source="", source_version="", size=0)
    assert changelist.used_data([replace(USED, suite_after=SECURITY, is_security=True), gone]) == [
        {
            "change": "upgraded",
            "package": "libx1",
            "architecture": "amd64",
            "before": "1",
            "after": "2+b1",
            "source": "x",
            "source_version": "2",
            "suite_before": str(MAIN),
            "suite_after": str(SECURITY),
            "size": 1_500_000,
            "to_download": 1_500_000,
            "security": True,
        },
        {
            "change": "removed",
            "package": "libx1",
            "architecture": "amd64",
            "before": "1",
            "after": None,
            "source": "",
            "source_version": "",
            "suite_before": str(MAIN),
            "suite_after": None,
            "size": 0,
            "to_download": 1_500_000,
            "security": False,
        },
    ]
