# SPDX-License-Identifier: MIT
"""What is told of an archive and of runs."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from aptfreeze.archive.survey import Amount
from aptfreeze.describe.stats import Share, Stats, hit_ratio
from aptfreeze.environment.records import Totals
from aptfreeze.environment.sessions import Summary

NOW = datetime(2026, 11, 24, 7, tzinfo=UTC)


def summary(number: int, totals: Totals, *, has_ended: bool = True, **hosts: int) -> Summary:
    return Summary(str(number), "4f1c", NOW + timedelta(hours=number), "run -- make", has_ended, 3, totals, hosts)


def stats(*sessions: Summary, condemned: Amount = Amount()) -> Stats:  # noqa: B008
    return Stats(
        Path("/archive"),
        {"packages": Amount(2, 3000), "other": Amount()},
        condemned,
        {"quarantine": Amount(1, 5), "temporary": Amount()},
        {"day": Amount(1, 1000), "week": Amount(2, 3000)},
        7_000_000,
        (Share("/one", Amount(2, 3000), Amount(1, 1000)), Share("/two", Amount(), Amount(), "it is damaged")),
        "/one",
        sessions,
    )


def test_as_text() -> None:
    found = stats(
        summary(0, Totals(10, 900, 100, 1), mirror=2), summary(1, Totals(5, 100, 900, 1), has_ended=False, other=1),
        condemned=Amount(1, 1000),
    )  # fmt: skip

    assert list(found.lines()) == [
        "archive /archive: 2 objects, 3.0 kB; 7.0 MB free",
        "  packages: 2 files, 3.0 kB",
        "  of these, needed by nobody and deleted by a later gc: 1 file, 1.0 kB",
        "in quarantine: 1 file, 5 bytes",
        "new in the last day: 1 file, 1.0 kB; in the last week: 2 files, 3.0 kB",
        "environment /one",
        "  needs 2 files, 3.0 kB; alone 1 file, 1.0 kB; shared 1 file, 2.0 kB",
        "environment /two",
        "  what it needs cannot be told: it is damaged",
        "runs on record in /one: 2",
        "  15 requests; 1.0 kB from the archive, 1.0 kB from mirrors (50% of it archived before)",
        "  2026-11-24 07:00 run -- make: 3 package files, "
        "900 bytes from the archive, 100 bytes from mirrors (90% of it archived before)",
        "  2026-11-24 08:00 run -- make: 3 package files, "
        "100 bytes from the archive, 900 bytes from mirrors (10% of it archived before), not ended",
        "  not frozen: mirror (2 requests)",
        "  not frozen: other (1 request)",
    ]


def test_only_the_latest_runs_are_told_one_by_one() -> None:
    told = list(stats(*(summary(number, Totals()) for number in range(12))).lines())

    assert sum("run -- make" in line for line in told) == 10
    assert told[-1] == "  and 2 earlier ones"


def test_without_a_record() -> None:
    assert list(stats().lines())[-1] == "runs on record in /one: 0"


def test_the_hit_ratio() -> None:
    assert hit_ratio(Totals()) is None
    assert hit_ratio(Totals(1, 30, 10, 1)) == 0.75


def test_as_data() -> None:
    data = stats(summary(0, Totals(10, 900, 100, 1), mirror=2)).data()

    assert data["objects"] == {"files": 2, "bytes": 3000}
    assert data["environments"][1]["problem"] == "it is damaged"
    assert (data["environments"][0]["problem"], data["totals"]["hit_ratio"]) == (None, 0.9)
    assert data["sessions"][0] | {"started": ""} == {
        "session": "0",
        "generation": "4f1c",
        "started": "",
        "by": "run -- make",
        "ended": True,
        "packages": 3,
        "not_frozen": {"mirror": 2},
        "requests": 10,
        "from_archive": 900,
        "from_mirrors": 100,
        "mirror_requests": 1,
        "hit_ratio": 0.9,
    }
