# SPDX-License-Identifier: MIT
"""Which version of a package is expected, given the one of before and what suites have now."""

from datetime import UTC, datetime

import pytest

from aptfreeze.environment.records import Kind, ServedPackage
from aptfreeze.environment.successors import successors
from aptfreeze.freeze.catalog import IndexEntry
from aptfreeze.freeze.digest import Digest, Wanted
from aptfreeze.freeze.generation import InRelease, Pin, SuiteKey
from aptfreeze.freeze.outcome import PinnedPackage

PIN = Pin(InRelease(Digest.of(b"")), datetime(2026, 11, 24, 7, tzinfo=UTC))
MAIN = SuiteKey("mirror.example.org/debian", "bookworm")
SECURITY = SuiteKey("mirror.example.org/debian-security", "bookworm-security")
BACKPORTS = SuiteKey("mirror.example.org/debian", "bookworm-backports")
Offer = tuple[SuiteKey, str]


def served(key: SuiteKey, version: str) -> ServedPackage:
    return ServedPackage("x", version, "amd64", key.repository, key.suite, f"x_{version}", Digest.of(b"x"), 1)


def candidate(key: SuiteKey, version: str, file: str = "x") -> PinnedPackage:
    entry = IndexEntry(Wanted(Digest.of(f"{file} {version}".encode()), 1), "x", version, "amd64")
    return PinnedPackage(key, PIN, entry, key.repository, f"{file}_{version}")


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        ((MAIN, "1"), [(MAIN, "2")], (MAIN, "2")),
        ((MAIN, "1"), [(MAIN, "1"), (SECURITY, "1+deb12u1")], (SECURITY, "1+deb12u1")),
        ((SECURITY, "1+deb12u1"), [(MAIN, "1"), (SECURITY, "1+deb12u2")], (SECURITY, "1+deb12u2")),
        ((SECURITY, "1+deb12u1"), [(MAIN, "1+deb12u1"), (SECURITY, "1+deb12u1")], (SECURITY, "1+deb12u1")),
        ((SECURITY, "1+deb12u1"), [(MAIN, "1+deb12u2")], (MAIN, "1+deb12u2")),
        ((MAIN, "1"), [(MAIN, "10"), (MAIN, "9")], (MAIN, "10")),
        ((MAIN, "9"), [(MAIN, "10"), (MAIN, "9"), (MAIN, "8")], (MAIN, "9")),
        ((MAIN, "1"), [(MAIN, "2"), (BACKPORTS, "3~bpo12+1")], (MAIN, "2")),
        ((BACKPORTS, "3~bpo12+1"), [(MAIN, "2"), (BACKPORTS, "4~bpo12+1")], (BACKPORTS, "4~bpo12+1")),
        ((MAIN, "1"), [(BACKPORTS, "3~bpo12+1")], None),
        ((MAIN, "1"), [], None),
    ],
    ids=[
        "update in the suite",
        "first security update",
        "next security update",
        "both suites have it",
        "point release",
        "newest of several",
        "one of several again",
        "never from backports by itself",
        "from backports as before",
        "only in backports now",
        "gone",
    ],
)
def test_it_is_what_apt_will_choose(before: Offer, now: list[Offer], expected: Offer | None) -> None:
    found = successors(served(*before), [candidate(*offer) for offer in now], {BACKPORTS})
    assert [(each.key, each.entry.version) for each in found] == ([] if expected is None else [expected])


def test_of_a_source_package_it_is_all_files_of_one_version() -> None:
    before = ServedPackage("x", "1", "source", *_place(MAIN), "x_1.dsc", Digest.of(b"x"), 1, Kind.SOURCE)
    now = [candidate(MAIN, version, file) for version in ("2", "3") for file in ("dsc", "tar")]
    assert [each.relative for each in successors(before, now, set())] == ["dsc_3", "tar_3"]


def _place(key: SuiteKey) -> tuple[str, str]:
    return key.repository, key.suite
