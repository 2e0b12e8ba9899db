# SPDX-License-Identifier: MIT
"""Sessions in short."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from aptfreeze.environment.process import Process
from aptfreeze.environment.records import AskedIndex, Record, ServedPackage, Totals
from aptfreeze.environment.sessions import summaries
from aptfreeze.freeze.digest import Digest

NOW = datetime(2026, 11, 24, 7, tzinfo=UTC)
ID = "4f1c9a0e2b7d4e5f8a6b3c2d1e0f9a8b"


def record(folder: Path, *, started: datetime = NOW, generation: str = ID, has_ended: bool = True) -> Record:
    record = Record(folder, generation, Process("aptfreeze run -- make", 1, 2, "m"), started)
    record.asked(AskedIndex("mirror.example.org/debian", "bookworm", "main/binary-amd64/Packages"))
    for name in ("a", "b"):
        path = f"pool/{name}.deb"
        record.served(
            ServedPackage(name, "1", "amd64", "mirror.example.org/debian", "bookworm", path, Digest.of(b""), 0)
        )
    record.passed("other.example.org")
    record.count(Totals(1, 10, 0, 0))
    record.flush()
    record.passed("other.example.org")
    record.count(Totals(3, 100, 50, 2))
    record.flush()
    if has_ended:
        record.close(NOW, Digest.of(b"state"))
    return record


def test_a_session_in_short(tmp_path: Path) -> None:
    made = record(tmp_path)

    [found] = summaries(tmp_path)

    assert (found.id, found.generation, found.started) == (made.session_id, ID, NOW)
    assert (found.command, found.packages, found.has_ended) == ("aptfreeze run -- make", 2, True)
    assert found.totals == Totals(3, 100, 50, 2)
    assert found.not_frozen == {"other.example.org": 2}


def test_those_of_all_generations_oldest_first(tmp_path: Path) -> None:
    record(tmp_path, started=NOW, generation="b" * 32, has_ended=False)
    record(tmp_path, started=NOW - timedelta(hours=1))
    record(tmp_path, started=NOW + timedelta(hours=1))

    assert [(each.started - NOW, each.has_ended) for each in summaries(tmp_path)] == [
        (timedelta(hours=-1), True),
        (timedelta(), False),
        (timedelta(hours=1), True),
    ]


def test_torn_lines_are_passed_over(tmp_path: Path) -> None:
    made = record(tmp_path, has_ended=False)
    path = tmp_path / ID / f"{made.session_id}.jsonl"
    path.write_bytes(path.read_bytes() + b'{"totals": {"requ\n[]\n3\n{"end"')
    (tmp_path / ID / "torn.jsonl").write_text('{"session": {"star')

    assert [(each.totals.requests, each.has_ended) for each in summaries(tmp_path)] == [(3, False)]


def test_no_record_at_all(tmp_path: Path) -> None:
    assert list(summaries(tmp_path / "records")) == []
