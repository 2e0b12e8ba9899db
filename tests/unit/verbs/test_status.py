# SPDX-License-Identifier: MIT
"""What `status` tells of an environment, as text and as data."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from aptfreeze.archive.objects import Objects
from aptfreeze.environment.config import Surroundings
from aptfreeze.environment.opened import Opened, open_environment
from aptfreeze.environment.process import Process
from aptfreeze.environment.records import AskedIndex, Record
from aptfreeze.environment.store import EnvironmentStore
from aptfreeze.freeze.digest import Digest
from aptfreeze.freeze.generation import Pin, ReleasePair, SuiteKey
from aptfreeze.freeze.lockfile import dump, state_digest
from aptfreeze.verbs.status import data, lines, status

DATE = datetime(2026, 11, 21, 10, 16, tzinfo=UTC)
NOW = DATE + timedelta(days=3, hours=5)
REPOSITORY = "mirror.example.org/debian"
BOOKWORM = SuiteKey(REPOSITORY, "bookworm")
PACKAGES = "main/binary-amd64/Packages"
RELEASE = f"SHA256:\n {Digest.of(b'packages').hex} 8 {PACKAGES}\n".encode()
PIN = Pin(ReleasePair(Digest.of(RELEASE), Digest.of(b"signature")), DATE, "oldstable", "bookworm", ("A" * 40,))


@pytest.fixture
def opened(tmp_path: Path) -> Opened:
    (tmp_path / "environment").mkdir()
    flags = {"archive.path": str(tmp_path / "archive")}
    return open_environment("aptfreeze status", Surroundings({"HOME": "/"}, tmp_path / "environment"), flags)


def commit(opened: Opened, key: SuiteKey = BOOKWORM, pin: Pin = PIN) -> None:
    generation = opened.store.init()
    opened.store.add_provisional(generation.id, key, pin)
    opened.store.commit(generation.id, {key: pin})


def told(opened: Opened) -> list[str]:
    return list(lines(status(opened, NOW)))


def test_an_environment_without_pins(opened: Opened) -> None:
    generation = opened.store.init()

    assert told(opened) == [
        f"environment  {opened.environment.root} (default)",
        f"generation   {generation.id}, made {generation.created:%Y-%m-%d %H:%M} UTC",
        f"state        {state_digest(generation)}",
        f"archive      {opened.settings.archive.path}",
        "recorded     0 sessions of this generation",
        'nothing is pinned: the first build pins what it asks for ("aptfreeze run -- COMMAND")',
    ]


def test_a_pin_with_its_age_its_signers_and_what_is_archived(opened: Opened) -> None:
    commit(opened)
    objects = Objects(opened.settings.archive.path)
    for each in (RELEASE, b"packages"):
        objects.put(each)
    record = Record(opened.environment.records, opened.store.load().id, opened.process, NOW)
    record.asked(AskedIndex(REPOSITORY, "bookworm", PACKAGES))
    record.flush()

    assert told(opened)[4:] == [
        "recorded     1 session of this generation",
        "",
        f"{REPOSITORY} bookworm (oldstable): of 2026-11-21 10:16 UTC, 3 days old",
        f"  signed by {'A' * 40}",
        "  indexes used: 1 of 1 archived",
        "  package files used: 0 of 0 archived",
    ]


def test_what_is_not_archived_is_said(opened: Opened) -> None:
    commit(opened, pin=replace(PIN, signers=(), date=None))
    opened.store.add_extra(opened.store.load().id, "mirror.example.org/key.asc", Digest.of(b"key"))

    assert told(opened)[6:] == [
        f"{REPOSITORY} bookworm (oldstable): without a date",
        "  UNSIGNED, by [trust] unsigned",
        "  the pinned file itself is NOT in the archive",
        "  indexes used: 0 of 0 archived",
        "  package files used: 0 of 0 archived",
        "",
        "single files: 0 of 1 archived; NOT archived: mirror.example.org/key.asc",
    ]


def test_of_many_missing_ones_three_are_named(opened: Opened) -> None:
    generation = opened.store.init()
    for number in range(5):
        opened.store.add_extra(generation.id, f"mirror.example.org/{number}", Digest.of(b"%d" % number))

    assert told(opened)[-1].endswith(
        "NOT archived: mirror.example.org/0, mirror.example.org/1, mirror.example.org/2 and 2 more"
    )


def test_a_provisional_pin_says_since_when_and_by_whom(opened: Opened) -> None:
    gone = replace(Process.current("aptfreeze run -- make"), started=1)
    store = EnvironmentStore(opened.environment, gone, clock=lambda: NOW - timedelta(minutes=5))
    store.add_provisional(store.init().id, BOOKWORM, PIN)

    lines_told = told(opened)

    assert lines_told[6] == (
        f'{BOOKWORM}: pinned provisionally 5 minutes ago by "aptfreeze run -- make" (process {gone.pid}), which '
        "has ended; no index of it has verified yet, so it is not in the lock file. The next run goes on with it."
    )
    assert lines_told[8] == "what happened:"
    assert f"interrupted {BOOKWORM} " in lines_told[9]


def test_a_lock_file_changed_by_hand_is_noted_with_its_new_id(opened: Opened) -> None:
    commit(opened)
    before = opened.store.load()
    opened.environment.lock_file.write_text(dump(replace(before, pins={})))

    [event] = told(opened)[-1:]

    assert f" new id was {before.id}; changed or removed: {BOOKWORM} (" in event
    assert opened.store.load().id != before.id


def test_as_data_it_is_json_with_the_same_content(opened: Opened) -> None:
    commit(opened)
    generation = opened.store.load()
    opened.store.add_provisional(generation.id, SuiteKey(REPOSITORY, "sid"), replace(PIN, suite="", codename=""))

    found = json.loads(json.dumps(data(status(opened, NOW))))

    assert found["generation"] == generation.id
    assert found["state"] == str(state_digest(generation))
    assert found["archive"] == str(opened.settings.archive.path)
    [suite] = found["suites"]
    assert (suite["repository"], suite["suite"], suite["codename"]) == (REPOSITORY, "bookworm", "bookworm")
    assert (suite["date"], suite["age_s"]) == ("2026-11-21T10:16:00+00:00", 77 * 3600)
    assert (suite["archived"], suite["signers"]) == (False, ["A" * 40])
    assert suite["packages"] == {"archived": 0, "used": 0, "missing": []}
    [provisional] = found["provisional"]
    assert (provisional["suite"], provisional["liveness"]) == ("sid", "running")
    assert found["extra"] == {"archived": 0, "used": 0, "missing": []}
