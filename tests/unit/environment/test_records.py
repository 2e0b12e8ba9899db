# SPDX-License-Identifier: MIT
"""What sessions were served, told once each and added up, also after a kill."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from aptfreeze.environment.process import Process
from aptfreeze.environment.records import (
    AskedIndex,
    Kind,
    Record,
    ServedPackage,
    Totals,
    Usage,
    architectures,
    load,
    load_indexes,
)
from aptfreeze.errors import UsageError
from aptfreeze.freeze.digest import Digest

NOW = datetime(2026, 11, 24, 7, tzinfo=UTC)
PROCESS = Process("aptfreeze run", 7, 1, "")
ID, OTHER = "ab" * 16, "cd" * 16
DEBIAN = "mirror.example.org/debian"
BASH = ServedPackage("bash", "5.2-1", "amd64", DEBIAN, "bookworm", "pool/main/b/bash.deb", Digest.of(b"bash"), 10)
ZLIB = ServedPackage("zlib", "1.2", "source", DEBIAN, "bookworm", "pool/z.dsc", Digest.of(b"z"), 5, Kind.SOURCE)
INDEX = AskedIndex(DEBIAN, "bookworm", "main/binary-amd64/Packages.xz")


def start(folder: Path | None, generation_id: str = ID, minute: int = 0) -> Record:
    return Record(folder, generation_id, PROCESS, NOW + timedelta(minutes=minute))


def test_a_session_comes_back(tmp_path: Path) -> None:
    record = start(tmp_path)
    record.asked(INDEX)
    record.served(ZLIB)
    record.served(BASH)
    record.passed("example.org")
    record.passed("example.org")
    record.count(Totals(4, 100, 200, 2))
    record.close(NOW + timedelta(hours=1), Digest.of(b"state"))

    usage = load(tmp_path, ID)

    assert usage.packages == (ZLIB, BASH), "in the order of asking"
    assert usage.indexes == (INDEX,)
    assert usage.not_frozen == {"example.org": 2}
    assert usage.totals == Totals(4, 100, 200, 2)
    [session] = usage.sessions
    assert (session.id, session.started, session.by) == (record.session_id, NOW, PROCESS)
    assert (session.ended, session.state) == (NOW + timedelta(hours=1), Digest.of(b"state"))
    assert session.totals == usage.totals


def test_what_is_told_again_is_written_once_and_what_grows_as_its_last_value(tmp_path: Path) -> None:
    record = start(tmp_path)
    for number in range(1, 4):
        record.served(BASH)
        record.asked(INDEX)
        record.passed("example.org")
        record.count(Totals(requests=number))
        record.flush()
    record.flush()

    [path] = tmp_path.glob("*/*.jsonl")
    assert path.read_text().count("bash.deb") == 1
    assert path.read_text().count("Packages.xz") == 1
    assert len(path.read_text().splitlines()) == 1 + 2 + 3 + 3
    usage = load(tmp_path, ID)
    assert (usage.not_frozen, usage.totals) == ({"example.org": 3}, Totals(requests=3))


def test_sessions_of_a_generation_are_united(tmp_path: Path) -> None:
    first, second, elsewhere = start(tmp_path), start(tmp_path, minute=1), start(tmp_path, OTHER, minute=2)
    for record, packages in ((first, [BASH]), (second, [ZLIB, BASH]), (elsewhere, [replace(BASH, version="6")])):
        for package in packages:
            record.served(package)
        record.passed("example.org")
        record.count(Totals(1, 2, 3, 4))
        record.close(NOW, Digest.of(b"state"))

    usage = load(tmp_path, ID)

    assert usage.packages == (BASH, ZLIB)
    assert usage.not_frozen == {"example.org": 2}
    assert usage.totals == Totals(2, 4, 6, 8)
    assert [session.id for session in usage.sessions] == [first.session_id, second.session_id]


def test_nothing_recorded_is_an_empty_usage(tmp_path: Path) -> None:
    assert load(tmp_path / "none", ID) == Usage()
    assert architectures(tmp_path / "none") == frozenset()


def test_the_architectures_of_all_sessions_are_known_without_reading_them(tmp_path: Path) -> None:
    first, elsewhere = start(tmp_path), start(tmp_path, OTHER, minute=1)
    for record, architecture in ((first, "amd64"), (first, "arm64"), (elsewhere, "arm64")):
        record.asked(AskedIndex(DEBIAN, "bookworm", f"main/binary-{architecture}/Packages.xz"))
        record.asked(AskedIndex(DEBIAN, "bookworm", "main/source/Sources.xz"))
        record.flush()
    for record_file in tmp_path.glob("*/*.jsonl"):
        record_file.unlink()

    assert architectures(tmp_path) == {"amd64", "arm64"}
    assert len((tmp_path / "architectures.jsonl").read_text().splitlines()) == 2, "each is told once"


def test_a_killed_session_has_no_end_and_keeps_what_was_flushed(tmp_path: Path) -> None:
    record = start(tmp_path)
    record.served(BASH)
    record.served(ZLIB)
    record.flush()
    [path] = tmp_path.glob("*/*.jsonl")
    path.write_bytes(path.read_bytes()[:-20])

    usage = load(tmp_path, ID)

    assert usage.packages == (BASH,)
    assert usage.sessions[0].ended is None


def test_lines_of_a_later_version_are_passed_over(tmp_path: Path) -> None:
    record = start(tmp_path)
    record.served(BASH)
    record.flush()
    [path] = tmp_path.glob("*/*.jsonl")
    with path.open("a") as file:
        file.write('{"weather": "fine"}\n{"package": {"name": "x"}}\n{"index": []}\n{"totals": 3}\n{"end": "x"}\n')

    assert load(tmp_path, ID) == record.usage()


def test_a_failed_flush_is_made_good_by_the_next(tmp_path: Path) -> None:
    folder = tmp_path / "records"
    folder.write_text("in the way")
    record = start(folder)
    record.served(BASH)
    record.count(Totals(1))
    with pytest.raises(UsageError):
        record.flush()
    folder.unlink()

    record.flush()

    assert load(folder, ID) == record.usage()


def test_a_record_of_a_read_only_environment_is_kept_in_memory(tmp_path: Path) -> None:
    record = start(None)
    record.served(BASH)
    record.close(NOW, Digest.of(b"state"))

    assert record.usage().packages == (BASH,)
    assert "1 items" in repr(record)


def test_indexes_of_all_generations_are_in_the_order_of_their_sessions(tmp_path: Path) -> None:
    other = AskedIndex(INDEX.repository, INDEX.suite, "contrib/binary-amd64/Packages")
    for record, index in ((start(tmp_path, ID, minute=5), other), (start(tmp_path, OTHER, minute=1), INDEX)):
        record.served(BASH)
        record.asked(index)
        record.asked(INDEX)
        record.close(NOW, Digest.of(b"state"))
    with next(tmp_path.glob(f"{ID}/*.jsonl")).open("a") as file:
        file.write('{"index":{"of":"a later version"}}\n{"index":')

    assert load_indexes(tmp_path) == Usage(indexes=(INDEX, other))
    assert load_indexes(tmp_path / "none") == Usage()
