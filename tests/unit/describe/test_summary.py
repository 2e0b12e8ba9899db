# SPDX-License-Identifier: MIT
"""What a run ends with."""

import json
from datetime import UTC, datetime
from typing import Any

from aptfreeze.describe.summary import Summary
from aptfreeze.environment.records import Totals
from aptfreeze.freeze.digest import Digest
from aptfreeze.freeze.generation import Generation, InRelease, Pin, SuiteKey
from aptfreeze.freeze.lockfile import state_digest

CREATED = datetime(2026, 11, 24, 7, tzinfo=UTC)
BOOKWORM = SuiteKey("mirror.example.org/debian", "bookworm")
VENDOR = SuiteKey("vendor.example.org/apt", "./")
SIGNED = Pin(
    InRelease(Digest.of(b"in")), datetime(2026, 11, 21, 10, 16, tzinfo=UTC), "oldstable", "bookworm", ("A" * 40,)
)
UNSIGNED = Pin(InRelease(Digest.of(b"vendor")), None)
GENERATION = Generation("4f1c9a0e2b7d4e5f8a6b3c2d1e0f9a8b", CREATED, {BOOKWORM: SIGNED, VENDOR: UNSIGNED})


def summary(**changed: Any) -> Summary:
    told: dict[str, Any] = {
        "generation": GENERATION,
        "state": state_digest(GENERATION),
        "pinned_now": {VENDOR: UNSIGNED},
        "totals": Totals(requests=12, from_archive=1500, from_mirrors=2_500_000, mirror_requests=1),
        "packages": 3,
        "not_frozen": {},
        "sources_missing": {},
        "notices": (),
        "failures": (),
        "verdicts": (),
        "isolated": False,
        "proved": False,
        "command_status": 0,
        "exit_status": 0,
    }
    return Summary(**told | changed)


def test_it_names_the_state_each_pin_and_what_was_moved() -> None:
    assert list(summary().lines()) == [
        f"generation 4f1c9a0e2b7d, state {state_digest(GENERATION).hex[:12]}",
        "  mirror.example.org/debian bookworm: pinned before, of 2026-11-21 10:16 UTC",
        "  vendor.example.org/apt ./: pinned now, UNSIGNED",
        "12 requests, 3 package files: 1.5 kB from the archive, 2.5 MB from mirrors in 1 request",
    ]


def test_every_host_that_was_not_frozen_is_named() -> None:
    lines = list(summary(not_frozen={"pypi.example.org": 2, "files.example.org": 1}).lines())

    assert lines[-2:] == ["NOT FROZEN: files.example.org, 1 request", "NOT FROZEN: pypi.example.org, 2 requests"]


def test_missing_sources_are_named_with_the_reason() -> None:
    assert list(summary(sources_missing={f"{BOOKWORM} main": "HTTP 404"}).lines())[-1] == (
        "no Sources of mirror.example.org/debian bookworm main: HTTP 404"
    )


def test_a_verdict_says_that_the_run_does_not_count() -> None:
    last = list(summary(verdicts=("stale lists", "denied host"), exit_status=125).lines())[-1]

    assert last == "this run does not count (2 reasons above); exit status 125"


def test_an_isolated_run_says_what_it_proves() -> None:
    assert list(summary(isolated=True).lines())[-1].startswith("isolated: COMMAND had no IP network but this proxy (")
    assert list(summary(isolated=True, proved=True).lines())[-1] == (
        "proved: isolated, locked and offline; by IP, COMMAND got only what the lock and the archive hold"
    )


def test_the_same_as_data_is_json() -> None:
    data = json.loads(json.dumps(summary(command_status=3, exit_status=3, notices=("a remark",)).data()))

    assert data["generation"] == GENERATION.id
    assert data["created"] == "2026-11-24T07:00:00+00:00"
    assert data["state"] == str(state_digest(GENERATION))
    assert data["suites"] == [
        {
            "repository": "mirror.example.org/debian",
            "suite": "bookworm",
            "codename": "bookworm",
            "date": "2026-11-21T10:16:00+00:00",
            "pinned": "before",
            "signers": ["A" * 40],
        },
        {
            "repository": "vendor.example.org/apt",
            "suite": "./",
            "codename": "",
            "date": None,
            "pinned": "now",
            "signers": [],
        },
    ]
    assert (data["requests"], data["packages"], data["mirror_requests"]) == (12, 3, 1)
    assert (data["bytes_from_archive"], data["bytes_from_mirrors"]) == (1500, 2_500_000)
    assert (data["command_status"], data["exit_status"], data["notices"]) == (3, 3, ["a remark"])
