# SPDX-License-Identifier: MIT
"""What gc says."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from aptfreeze.archive.leftovers import Leaving, Leftover
from aptfreeze.archive.registry import Entry, Place
from aptfreeze.archive.survey import Amount
from aptfreeze.describe.garbage import Garbage, Kept, by_kind
from aptfreeze.describe.naming import Item, Kind
from aptfreeze.environment.roots import Root
from aptfreeze.freeze.generation import Generation

NOW = datetime(2026, 11, 24, tzinfo=UTC)
PLACE = Place("builder", "/srv/product", (1, 2))
ENTRY = Entry(PLACE.key, PLACE, "", NOW - timedelta(days=3))
STATE = Generation("a" * 32, NOW)
SIZES = {b"1" * 32: 1000, b"2" * 32: 500, b"3" * 32: 1}
ITEMS = (Item(b"1" * 32, Kind.PACKAGE, "hello 1.0 amd64"), Item(b"2" * 32, Kind.PACKAGE), Item(b"3" * 32, Kind.INDEX))


def found(*kept: Kept, is_dry_run: bool = False, waiting: Amount = Amount()) -> Garbage:  # noqa: B008 - a value
    leftover = Leftover(Leaving.PARTIAL, Path("/archive/partial/x"), 7)
    unneeded = by_kind(ITEMS, SIZES)
    return Garbage(
        "/archive", is_dry_run, kept, unneeded, ITEMS, SIZES, Amount(2, 1500), waiting, (leftover,), ("a notice",), NOW
    )


def test_it_tells_what_stays_for_whom_and_what_goes() -> None:
    kept = [
        Kept(Root("builder:/srv/product", (STATE, STATE), entry=ENTRY), Amount(10, 20_000)),
        Kept(Root("laptop:/x", (STATE,), is_seen=False, entry=ENTRY), Amount(1, 5)),
        Kept(Root("old:/x", (), is_seen=False, entry=ENTRY), Amount()),
        Kept(Root("v1.0", (STATE,)), Amount(0, 0)),
    ]
    assert list(found(*kept, waiting=Amount(1, 1)).lines()) == [
        "archive  /archive",
        "  builder:/srv/product: 1 generation, 10 further objects, 20.0 kB",
        "  laptop:/x (its folder was seen 3 days ago): 1 generation, 1 further object, 5 bytes",
        "  old:/x (its folder was seen 3 days ago): forgotten, needs nothing any more",
        "  v1.0: 0 further objects, 0 bytes",
        "needed   11 objects, 20.0 kB",
        "unneeded 3 objects, 1.5 kB",
        "  packages: 2 files, 1.5 kB",
        "  indexes: 1 file, 1 byte",
        "  unfinished downloads: 1 file, 7 bytes",
        "removed  3 files, 1.5 kB",
        "waiting  1 object, 1 byte: the archive is in use, so a gc in an hour, or later, removes them",
        "a notice",
    ]


def test_a_dry_run_says_that_it_is_one() -> None:
    assert "nothing was removed (--dry-run)" in list(found(is_dry_run=True).lines())
    assert found(is_dry_run=True).data()["deleted"] == {"files": 0, "bytes": 0}


def test_the_same_as_data() -> None:
    data = found(Kept(Root("builder:/srv/product", (STATE,), entry=ENTRY), Amount(10, 20))).data()
    assert data["roots"] == [
        {
            "name": "builder:/srv/product",
            "environment": "/srv/product",
            "host": "builder",
            "seen": "2026-11-21T00:00:00+00:00",
            "reachable": True,
            "forgotten": False,
            "generations": ["a" * 32],
            "further": {"files": 10, "bytes": 20},
        }
    ]
    assert data["unneeded"] == {"packages": {"files": 2, "bytes": 1500}, "indexes": {"files": 1, "bytes": 1}}
    assert data["deleted"] == {"files": 3, "bytes": 1507}
    assert data["leftovers"] == {"unfinished downloads": {"files": 1, "bytes": 7}}
    assert data["objects"][0] == {
        "sha256": "31" * 32,
        "size": 1000,
        "kind": "packages",
        "name": "hello 1.0 amd64",
    }
