# SPDX-License-Identifier: MIT
from datetime import UTC, datetime

from aptfreeze.errors import MissingUpstreamError
from aptfreeze.fetch.roots import lost_root, root_file
from aptfreeze.freeze.digest import Digest
from aptfreeze.freeze.generation import BarePackages, InRelease, Pin, ReleasePair, SuiteKey

DATE = datetime(2026, 11, 1, tzinfo=UTC)


def test_the_file_that_a_pin_names() -> None:
    key, flat = SuiteKey("h/debian", "sid"), SuiteKey("h/flat", "./")
    digest = Digest.of(b"")
    assert root_file(key, Pin(InRelease(digest), None)).relative == "dists/sid/InRelease"
    assert root_file(key, Pin(ReleasePair(digest, None), None)).relative == "dists/sid/Release"
    assert root_file(flat, Pin(BarePackages(digest, "Packages.gz"), None)).relative == "Packages.gz"


def test_it_is_in_the_state_of_its_date() -> None:
    key, digest = SuiteKey("h/debian", "sid"), Digest.of(b"")
    assert root_file(key, Pin(InRelease(digest), DATE)).date == DATE
    assert root_file(key, Pin(ReleasePair(digest, None), DATE)).date == DATE
    assert root_file(key, Pin(InRelease(digest), DATE)).origin is None


def test_what_is_lost_is_named_with_what_can_be_done() -> None:
    key, digest = SuiteKey("h/debian", "sid"), Digest.of(b"")
    lost = lost_root(key, root_file(key, Pin(InRelease(digest), DATE)), MissingUpstreamError("no mirror has it"))
    assert f"the pinned dists/sid/InRelease of h/debian sid ({digest}) is not in the archive" in lost.message
    assert "[snapshot] archives" in (lost.hint or "")
