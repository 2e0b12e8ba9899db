# SPDX-License-Identifier: MIT
"""What is told of a file's place; that it is the right one is asked in tests/unit/verbs/test_which.py."""

from datetime import UTC, datetime

from aptfreeze.describe.closure import Part, Piece
from aptfreeze.describe.needs import Found, Need
from aptfreeze.describe.whereabouts import Place, Whereabouts
from aptfreeze.environment.process import Process
from aptfreeze.environment.records import Session
from aptfreeze.freeze.catalog import IndexEntry
from aptfreeze.freeze.digest import Digest, Wanted
from aptfreeze.freeze.generation import SuiteKey
from aptfreeze.freeze.outcome import SuiteFile

ID = "4f1c9a0e2b7d4e5f8a6b3c2d1e0f9a8b"
DIGEST = Digest.of(b"x")
WANTED = Wanted(DIGEST, 1200)
ENTRY = IndexEntry(WANTED, "hello", "1.0", "amd64", "hi", "1.0-1")
SUITE = SuiteKey("mirror.example.org/debian", "bookworm")
PIECE = Piece(Part.PACKAGE, "hello 1.0 amd64", (SuiteFile(WANTED, "pool/hello.deb"),), SUITE, entry=ENTRY)
FOUND = Found(DIGEST, PIECE, index="main/binary-amd64/Packages")


def session(hour: int) -> Session:
    return Session(str(hour), datetime(2026, 11, 24, hour, tzinfo=UTC), Process("aptfreeze run -- make", 1, 2, "m"))


def text(*places: Place, elsewhere: tuple[Need, ...] = (), unread: tuple[str, ...] = ()) -> str:
    return "\n".join(Whereabouts("hello", ID, DIGEST, True, places, elsewhere, unread).lines())


def test_one_place() -> None:
    assert text(Place(FOUND, True, (session(7), session(9)))) == (
        "package hello 1.0 amd64\n"
        "  mirror.example.org/debian bookworm: main/binary-amd64/Packages\n"
        "  mirror.example.org/debian/pool/hello.deb\n"
        f"  {DIGEST}, 1.2 kB, archived\n"
        "  source hi 1.0-1\n"
        "  served to 2 sessions, the last one of 2026-11-24 09:00 UTC: aptfreeze run -- make"
    )


def test_not_held_and_not_served() -> None:
    told = text(Place(FOUND, False, ()), unread=("main/binary-i386/Packages of x",)).splitlines()

    assert told[3].endswith(", NOT archived")
    assert told[-2:] == [
        "  served to no session of this generation",
        "not looked into, since the archive lacks it: main/binary-i386/Packages of x",
    ]


def test_nothing_of_it() -> None:
    assert text(elsewhere=(Need("/other", ID, True, FOUND),)) == (
        "hello: nothing of generation 4f1c9a0e2b7d, as far as the archive holds its indexes\n"
        f"  {DIGEST}, archived\n"
        "  package hello 1.0 amd64 (mirror.example.org/debian/pool/hello.deb) of /other, generation 4f1c9a0e2b7d"
    )


def test_as_data() -> None:
    data = Whereabouts("hello", ID, None, False, (Place(FOUND, True, (session(7),)),), (), ()).data()

    assert (data["digest"], data["archived"], data["exit_status"]) == (None, False, 0)
    assert data["places"][0]["sessions"] == [
        {"session": "7", "started": "2026-11-24T07:00:00+00:00", "by": "aptfreeze run -- make"}
    ]
    assert Whereabouts("hello", ID, None, False, (), (), ()).data()["exit_status"] == 3
