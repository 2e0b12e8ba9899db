# SPDX-License-Identifier: MIT
"""What a check of the archive is told as; who needs something is asked for in test_needs.py."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from aptfreeze.archive.checkpoint import Counts
from aptfreeze.archive.examine import Finding, Kind
from aptfreeze.archive.survey import Amount
from aptfreeze.describe.closure import Part, Piece
from aptfreeze.describe.fsck import Checked, Damage, Outcome
from aptfreeze.describe.needs import Found, Need
from aptfreeze.freeze.digest import Digest, Wanted
from aptfreeze.freeze.generation import SuiteKey
from aptfreeze.freeze.outcome import SuiteFile

DIGEST = Digest.of(b"x")
FINDING = Finding(Kind.OBJECT, "objects/sha256/ab/x", 12, "is empty", DIGEST)
PIECE = Piece(
    Part.PACKAGE,
    "hello 1.0 amd64",
    (SuiteFile(Wanted(DIGEST), "pool/hello.deb"),),
    SuiteKey("mirror.example.org/debian", "bookworm"),
)


def need(folder: str, *, is_current: bool = True) -> Need:
    return Need(folder, "4f1c9a0e2b7d4e5f8a6b3c2d1e0f9a8b", is_current, Found(DIGEST, PIECE))


def checked(*damages: Damage, counts: Counts = Counts(3, 1200, 0, 2), is_repair: bool = False) -> Checked:  # noqa: B008
    return Checked(Path("/archive"), datetime(2026, 11, 24, tzinfo=UTC), False, counts, Amount(), damages, is_repair)


def text(found: Checked) -> str:
    return "\n".join(found.lines())


def test_all_is_well() -> None:
    assert text(checked()) == ("archive /archive: 3 objects, 1.2 kB; 2 look-up tables\neverything is as it should be")


def test_asides() -> None:
    counts = Counts(3, 1200, 1, 2, quarantined=1, quarantined_size=5, writable=2, linked=1)

    assert text(checked(counts=counts)).splitlines()[:-1] == [
        "archive /archive: 3 objects, 1.2 kB; 2 look-up tables; 1 alias",
        "1 file in quarantine: 5 bytes",
        "2 objects can be written to: chmod a-w protects them",
        "1 object with another name besides (a hard link): who writes there changes it",
    ]


def test_what_is_bad_is_told_with_all_who_need_it() -> None:
    found = checked(Damage(FINDING, (need("/one"), need("/two", is_current=False))))

    assert text(found).splitlines()[1:] == [
        "BAD: object objects/sha256/ab/x: is empty",
        "  package hello 1.0 amd64 (mirror.example.org/debian/pool/hello.deb), "
        "needed by /one, /two (generation 4f1c9a0e2b7d)",
        "1 file is not as it should be",
        "Hint: aptfreeze fsck --repair",
    ]
    assert found.exit_status == 3


@pytest.mark.parametrize(
    ("outcome", "told", "status"),
    [
        (Outcome.BAD, "BAD", 3),
        (Outcome.MISSING, "MISSING", 3),
        (Outcome.REPAIRED, "repaired", 0),
        (Outcome.DELETED, "deleted", 0),
        (Outcome.PUT_AWAY, "put away", 0),
    ],
)
def test_what_became_of_it(outcome: Outcome, told: str, status: int) -> None:
    found = checked(Damage(FINDING, (), outcome, "nobody has it"), is_repair=True)

    assert f"\n{told}: object objects/sha256/ab/x: is empty\n  no known environment needs it\n" in text(found)
    assert (found.exit_status, bool(found.left)) == (status, bool(status))
    assert found.data()["bad"][0]["outcome"] == outcome


def test_how_many_were_put_right() -> None:
    good, bad = Damage(FINDING, (), Outcome.REPAIRED), Damage(FINDING, (), Outcome.MISSING, "nobody has it")

    assert text(checked(good, is_repair=True)).endswith("1 file put right; everything is as it should be now")
    assert text(checked(good, bad, is_repair=True)).endswith("1 file could not be put right; 1 file was")


def test_as_data() -> None:
    data = checked(Damage(FINDING, (need("/one"),))).data()

    assert (data["archive"], data["objects"], data["bytes"], data["exit_status"]) == ("/archive", 3, 1200, 3)
    [bad] = data["bad"]
    assert (bad["kind"], bad["file"], bad["digest"], bad["size"]) == ("object", FINDING.file, str(DIGEST), 12)
    assert bad["needed_by"] == [
        {
            "environment": "/one",
            "generation": "4f1c9a0e2b7d4e5f8a6b3c2d1e0f9a8b",
            "current": True,
            "part": "package",
            "name": "hello 1.0 amd64",
            "path": "mirror.example.org/debian/pool/hello.deb",
            "repository": "mirror.example.org/debian",
            "suite": "bookworm",
        }
    ]
