# SPDX-License-Identifier: MIT
"""A session: what it tells, and what it remembers."""

import pytest

from aptfreeze.deb.release import IndexName
from aptfreeze.environment.records import AskedIndex, Kind
from aptfreeze.freeze.catalog import IndexEntry
from aptfreeze.freeze.digest import Digest, Wanted
from aptfreeze.freeze.generation import Pin, SuiteKey
from aptfreeze.freeze.outcome import PinnedPackage
from aptfreeze.serve.session import Session


def test_everything_is_told_once(session: Session, told: list[str]) -> None:
    for _ in range(2):
        session.notice("a notice")
        session.verdict("a verdict")
        session.failure("a failure")
    assert told == ["a notice", "a verdict", "a failure"]
    assert (session.notices, session.verdicts, session.failures) == (["a notice"], ["a verdict"], ["a failure"])


def test_hosts_that_are_not_frozen_are_counted_here_and_in_the_record(session: Session) -> None:
    for host in ("a.example.org", "b.example.org", "a.example.org"):
        session.passed(host)
    assert session.not_frozen == {"a.example.org": 2, "b.example.org": 1}
    assert session.record.usage().not_frozen == {"a.example.org": 2, "b.example.org": 1}


def test_an_index_brings_its_architecture_into_use(session: Session, key: SuiteKey) -> None:
    session.index_used(key, IndexName("main", "arm64", "main/binary-arm64/Packages"))
    session.index_used(key, IndexName("", "", "Packages"))
    assert session.architectures == {"arm64"}
    assert session.record.usage().indexes == (
        AskedIndex(key.repository, key.suite, "main/binary-arm64/Packages"),
        AskedIndex(key.repository, key.suite, "Packages"),
    )


@pytest.mark.parametrize(("architecture", "kind"), [("amd64", Kind.BINARY), ("source", Kind.SOURCE)])
def test_a_served_file_is_recorded_under_its_own_name(
    session: Session, key: SuiteKey, pin: Pin, architecture: str, kind: Kind
) -> None:
    sha256 = Digest.of(b"content")
    entry = IndexEntry(Wanted(Digest.parse("sha512:" + "a" * 128), 7), "hello", "1:2.0", architecture)
    session.served(PinnedPackage(key, pin, entry, key.repository, "pool/hello"), sha256)
    (package,) = session.record.usage().packages
    assert (package.name, package.version, package.sha256, package.size) == ("hello", "1:2.0", sha256, 7)
    assert package.kind is kind


def test_a_retracted_pin_is_gone_and_makes_what_was_remembered_stale(session: Session, key: SuiteKey, pin: Pin) -> None:
    session.provisional.add(key)
    session.pinned_now[key] = pin
    before = session.retractions
    session.retract(key)
    assert key not in session.generation.pins
    assert key not in session.provisional | session.pinned_now.keys()
    assert session.dropped == {key}
    assert session.retractions == before + 1


def test_clients_cannot_fill_the_memory_with_what_is_said_of_them(session: Session) -> None:
    for number in range(3000):
        session.passed(f"{number}.example.org")
        session.passed("0.example.org")
        session.verdict(f"verdict {number}")
        session.notice(f"notice {number}")
        session.failure(f"failure {number}")

    assert len(session.not_frozen) == 1001
    assert (session.not_frozen["0.example.org"], session.not_frozen["further hosts"]) == (3001, 2000)
    assert [len(said) for said in (session.verdicts, session.notices, session.failures)] == [1000, 1000, 1000]


def test_single_files_that_others_pinned_are_added_and_nothing_is_changed(session: Session) -> None:
    mine, theirs = Digest.of(b"mine"), Digest.of(b"theirs")
    session.adopt({"www.example.org/a": mine})
    session.adopt({"www.example.org/a": theirs, "www.example.org/b": theirs})
    assert dict(session.generation.extra) == {"www.example.org/a": mine, "www.example.org/b": theirs}
