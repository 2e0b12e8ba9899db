# SPDX-License-Identifier: MIT
"""What is said when the generation says no."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from aptfreeze.deb.paths import Location
from aptfreeze.errors import AptfreezeError, MidSyncError
from aptfreeze.fetch.opened import OpenArchive
from aptfreeze.freeze.generation import Generation, InRelease, Pin, SuiteKey
from aptfreeze.freeze.outcome import Absent, Asked
from aptfreeze.serve.absence import AbsenceDesk, NotFoundError, folder_of
from aptfreeze.serve.session import Session
from support.repository import Repository


def asked(url: str) -> Asked:
    return Asked(Location.parse(url.encode()), True, frozenset({"amd64"}))


def explained(
    session: Session,
    archive: OpenArchive,
    request: Asked,
    absent: Absent,
    *others: Generation,
    is_probe: bool = False,
) -> AptfreezeError:
    with ThreadPoolExecutor(1) as threads:
        desk = AbsenceDesk(session, archive.lookup(offline=True), lambda: others, threads)
        return asyncio.run(desk.explain(request, absent, is_probe=is_probe))


def test_what_is_simply_not_listed_is_a_404_and_no_verdict(session: Session, archive: OpenArchive) -> None:
    error = explained(session, archive, asked("http://h/debian/dists/bookworm/x"), Absent("x is not listed"))
    assert (error.status, error.message) == (404, "x is not listed")
    assert session.verdicts == []


def test_a_stale_client_is_told_what_to_do_and_makes_a_verdict(session: Session, archive: OpenArchive) -> None:
    absent = Absent("b_2.deb is in no index", is_stale=True)
    error = explained(session, archive, asked("http://mirror.example.org/debian/pool/b_2.deb"), absent)
    assert isinstance(error, NotFoundError)
    assert "newer than the lock, or come from elsewhere" in error.message
    assert "/var/lib/apt/lists" in (error.hint or "")
    assert len(session.verdicts) == 1


def test_a_probe_makes_no_verdict(session: Session, archive: OpenArchive) -> None:
    absent = Absent("b_2.deb is in no index", is_stale=True)
    explained(session, archive, asked("http://mirror.example.org/debian/pool/b_2.deb"), absent, is_probe=True)
    assert session.verdicts == []


def test_a_client_that_showed_a_newer_date_is_told_so(session: Session, archive: OpenArchive, key: SuiteKey) -> None:
    session.newer_lists[key] = datetime(2026, 12, 1, 8, tzinfo=UTC)
    absent = Absent("b_2.deb is in no index", is_stale=True)
    error = explained(session, archive, asked("http://mirror.example.org/debian/pool/b_2.deb"), absent)
    assert "newer than the lock: of 2026-12-01 08:00:00 UTC" in error.message


@pytest.fixture
def earlier(repository: Repository, archive: OpenArchive, session: Session) -> Generation:
    """A generation of this environment that has `hello` 1.0, its index in the archive."""
    key = SuiteKey(repository.url.removeprefix("http://"), "bookworm")
    inrelease = archive.objects.put((repository.suite_folder / "InRelease").read_bytes())
    for index in repository.suite_folder.glob("main/binary-amd64/Packages*"):
        if index.is_file():
            archive.objects.put(index.read_bytes())
    return replace(session.generation, id="e" * 32).with_pin(key, Pin(InRelease(inrelease), None))


def test_the_generation_that_a_path_belongs_to_is_named(
    session: Session, archive: OpenArchive, repository: Repository, earlier: Generation
) -> None:
    url = f"{repository.url}/{repository.binary('hello').path}"
    absent = Absent("hello is in no index", is_stale=True)
    error = explained(session, archive, asked(url), absent, session.generation, earlier)
    assert f"it belongs to generation {'e' * 12} of " in error.message


def test_files_of_a_suite_that_was_dropped_come_again_later(
    session: Session, archive: OpenArchive, key: SuiteKey
) -> None:
    session.retract(key)
    inside = asked("http://mirror.example.org/debian/dists/bookworm/main/binary-amd64/Packages")
    beside = asked("http://mirror.example.org/debian/dists/bookworm-updates/main/binary-amd64/Packages")
    assert isinstance(explained(session, archive, inside, Absent("nothing is pinned")), MidSyncError)
    assert isinstance(explained(session, archive, beside, Absent("nothing is pinned")), NotFoundError)


def test_the_folder_of_a_suite() -> None:
    assert folder_of(SuiteKey("h/debian", "bookworm")) == "h/debian/dists/bookworm"
    assert folder_of(SuiteKey("h/flat", "./")) == "h/flat"
