# SPDX-License-Identifier: MIT
"""What `fetch` ends with."""

import json
from datetime import UTC, datetime

import pytest

from aptfreeze.describe.closure import Part, Piece
from aptfreeze.describe.correspondence import Unlisted
from aptfreeze.describe.fetched import Fetched, Lacking
from aptfreeze.errors import MissingUpstreamError, OfflineError, UpstreamError
from aptfreeze.freeze.digest import Digest, Wanted
from aptfreeze.freeze.generation import Generation, SuiteKey
from aptfreeze.freeze.outcome import SuiteFile

KEY = SuiteKey("mirror.example.org/debian", "bookworm")
GENERATION = Generation("4f1c" * 8, datetime(2026, 11, 24, tzinfo=UTC))
HELLO = Piece(
    Part.PACKAGE,
    "hello 1.0 amd64",
    (SuiteFile(Wanted(Digest.of(b"hello"), 5), "pool/hello.deb"),),
    KEY,
    folders=(KEY.repository,),
)
GONE = Lacking.of(HELLO, MissingUpstreamError("no mirror has it"))
BUSY = Lacking.of(HELLO, UpstreamError("503"))


def fetched(*lacking: Lacking, with_sources: bool = False) -> Fetched:
    received = {"mirror.example.org": 2_000_000, "a.example.org": 700}
    return Fetched(GENERATION, Digest.of(b""), "used", with_sources, 99, 45_200_000, 57, 41, received, lacking)


def test_a_complete_archive() -> None:
    assert list(fetched(with_sources=True).lines()) == [
        "generation 4f1c4f1c4f1c, used with sources: 99 files, 45.2 MB",
        "57 were archived before, 41 were fetched: 700 bytes from a.example.org, 2.0 MB from mirror.example.org",
        "the archive is complete for it",
    ]


def test_what_is_missing_is_named_with_its_reason() -> None:
    assert list(fetched(GONE).lines())[2:] == [
        "MISSING package hello 1.0 amd64 (mirror.example.org/debian/pool/hello.deb): no mirror has it"
    ]


def test_a_source_that_no_suite_lists_is_missing_too() -> None:
    lacking = Lacking.unlisted(Unlisted("bash", "5.2-1", KEY, "bash 5.2-1+b1 amd64"))

    assert list(fetched(lacking).lines())[2:] == [
        "MISSING source bash 5.2-1 (bash): no Sources index at hand of a pinned suite lists this source of "
        "bash 5.2-1+b1 amd64"
    ]


@pytest.mark.parametrize(
    ("lacking", "status"),
    [
        ((), 0),
        ((GONE,), 3),
        ((BUSY,), 4),
        ((BUSY, GONE), 3),
        ((Lacking.of(HELLO, OfflineError("offline")),), 3),
    ],
)
def test_the_exit_status_tells_what_is_gone_from_what_failed_in_passing(
    lacking: tuple[Lacking, ...], status: int
) -> None:
    assert fetched(*lacking).exit_status == status


def test_as_data() -> None:
    found = json.loads(json.dumps(fetched(BUSY).data()))

    assert found["received"] == {"a.example.org": 700, "mirror.example.org": 2_000_000}
    assert (found["files"], found["bytes"], found["held"], found["fetched"]) == (99, 45_200_000, 57, 41)
    assert found["missing"] == [
        {
            "part": "package",
            "name": "hello 1.0 amd64",
            "path": "mirror.example.org/debian/pool/hello.deb",
            "repository": "mirror.example.org/debian",
            "suite": "bookworm",
            "digest": str(Digest.of(b"hello")),
            "size": 5,
            "reason": "503",
            "gone": False,
        }
    ]
