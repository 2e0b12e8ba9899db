# SPDX-License-Identifier: MIT
"""In which order earlier sessions are looked at, and that most of them are not read."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from aptfreeze.environment.earlier import Earlier, earlier, latest
from aptfreeze.environment.process import Process
from aptfreeze.environment.records import Record, ServedPackage, load
from aptfreeze.freeze.digest import Digest

NOW = datetime(2026, 11, 24, 7, tzinfo=UTC)
PRESENT, PAST = "ab" * 16, "cd" * 16
MINE, OTHERS = "aptfreeze run -- build a", "aptfreeze run -- build b"


def record(folder: Path, minute: int, generation_id: str = PRESENT, command: str = MINE, *, served: bool = True) -> str:
    """A session's id; `minute` is the version of what it was served."""
    written = Record(folder, generation_id, Process(command, 7, 1, ""), NOW + timedelta(minutes=minute))
    if served:
        place = ("mirror.example.org/debian", "bookworm", "pool/x.deb")
        written.served(ServedPackage("x", str(minute), "amd64", *place, Digest.of(b"x"), 1))
    written.flush()
    return written.session_id


def found(folder: Path, session_id: str = "") -> list[Earlier]:
    return list(earlier(folder, session_id=session_id, generation_id=PRESENT, command=MINE))


def minutes(sessions: list[Earlier]) -> list[int]:
    return [int(session.usage.packages[0].version) for session in sessions]


def test_the_same_command_counts_more_than_the_generation_and_that_more_than_the_time(tmp_path: Path) -> None:
    record(tmp_path, 1)
    record(tmp_path, 2)
    record(tmp_path, 3, PAST)
    record(tmp_path, 4, command=OTHERS)
    record(tmp_path, 5, PAST, OTHERS)
    record(tmp_path, 6, PAST)
    sessions = found(tmp_path)
    assert minutes(sessions) == [2, 1, 6, 3, 4, 5]
    assert [session.generation_id for session in sessions] == [PRESENT, PRESENT, PAST, PAST, PRESENT, PAST]
    assert [session.is_alike for session in sessions] == [True, True, False, False, False, False]


def test_the_present_session_and_those_that_were_served_nothing_are_left_out(tmp_path: Path) -> None:
    own = record(tmp_path, 3)
    record(tmp_path, 2, served=False)
    record(tmp_path, 1)
    assert minutes(found(tmp_path, own)) == [1]


def test_no_record_is_no_error_and_what_is_torn_has_no_command(tmp_path: Path) -> None:
    assert found(tmp_path / "absent") == []
    folder = tmp_path / PAST
    folder.mkdir()
    for name, text in (("1", ""), ("2", '{"session": 7}\n'), ("3", "garbage\n"), ("4", '["session"]\n')):
        (folder / f"{name}.jsonl").write_text(text)
    record(tmp_path, 1)
    assert minutes(found(tmp_path)) == [1]


def test_of_hundreds_the_oldest_are_never_read(tmp_path: Path) -> None:
    record(tmp_path, 0)  # as like as can be, but too long ago
    for minute in range(1, 251):
        record(tmp_path, minute, PAST, OTHERS)
    assert minutes(found(tmp_path)) == list(range(250, 210, -1))


def test_a_record_is_read_when_it_is_wanted(tmp_path: Path) -> None:
    sessions = [record(tmp_path, number) for number in range(3)]
    reading = earlier(tmp_path, session_id="", generation_id=PRESENT, command=MINE)
    assert next(reading).session_id == sessions[2]
    (tmp_path / PRESENT / f"{sessions[1]}.jsonl").unlink()
    assert next(reading).session_id == sessions[0]


def test_the_latest_usage_is_that_of_the_generation_itself_else_of_the_one_used_last(tmp_path: Path) -> None:
    assert latest(tmp_path, PRESENT) is None
    record(tmp_path, 1, PRESENT)
    record(tmp_path, 5, PAST)

    assert latest(tmp_path, PRESENT) == (PRESENT, load(tmp_path, PRESENT))
    assert latest(tmp_path, "ef" * 16) == (PAST, load(tmp_path, PAST))
