# SPDX-License-Identifier: MIT
"""Two suites of one repository that list one path as different files."""

from datetime import timedelta

import pytest

from aptfreeze.deb.paths import Location
from aptfreeze.fetch.lookup import Lookup
from aptfreeze.fetch.opened import OpenArchive
from aptfreeze.freeze.digest import Digest
from aptfreeze.freeze.generation import BarePackages, InRelease, Pin, SuiteKey
from aptfreeze.freeze.outcome import Asked, PinnedPackage
from aptfreeze.freeze.resolve import resolve
from aptfreeze.serve.clashes import ClashWatch
from aptfreeze.serve.session import Session
from support.loops import in_loop
from support.origin import Origin
from support.pinning import key_of
from support.repository import MakeRepository, Repository


@pytest.fixture
def lookup(archive: OpenArchive) -> Lookup:
    return archive.lookup(offline=False)


@pytest.fixture
def updates(make_repository: MakeRepository, repository: Repository) -> Repository:
    """Another, younger suite of the same repository, with a package of its own."""
    updates = make_repository(suite="bookworm-updates", codename="bookworm-updates", suite_field="")
    updates.add("extra", "1.0")
    updates.publish(date=repository.date + timedelta(days=1))
    return updates


def pinned(session: Session, archive: OpenArchive, *repositories: Repository) -> None:
    """They are pinned as they are now; the InReleases are in the archive."""
    for each in repositories:
        root = InRelease(archive.objects.put((each.suite_folder / "InRelease").read_bytes()))
        session.generation = session.generation.with_pin(key_of(each), Pin(root, each.date))


def searched(session: Session, lookup: Lookup, repository: Repository, name: str) -> Digest:
    """Looks a package up, which makes the tables of what it was searched in; what is served."""
    url = f"{repository.url}/{repository.binary(name).path}"
    asked = Asked(Location.parse(url.encode()), True, frozenset({"amd64"}))
    outcome = lookup.settle(resolve(asked, session.generation))
    assert isinstance(outcome, PinnedPackage)
    return outcome.entry.wanted.digest


def looked(session: Session, archive: OpenArchive, lookup: Lookup) -> list[str]:
    in_loop(ClashWatch(session, lookup, archive.lookup(offline=True)).look)
    return session.notices


def test_one_path_with_two_digests_is_told_once_with_both_suites(
    session: Session, archive: OpenArchive, lookup: Lookup, repository: Repository, updates: Repository
) -> None:
    repository.add("base", "1.0")
    repository.publish()
    hello = updates.add("hello", "1.0", salt="built again")
    updates.publish()
    pinned(session, archive, repository, updates)
    assert searched(session, lookup, repository, "hello").hex == hello.sha256  # the younger suite's
    searched(session, lookup, repository, "base")
    (notice,) = looked(session, archive, lookup)
    assert notice.startswith(f"{hello.path} is listed in {key_of(repository)} and in {key_of(updates)} with different")
    assert looked(session, archive, lookup) == [notice]
    assert not lookup.built


def test_several_are_counted(
    session: Session, archive: OpenArchive, lookup: Lookup, repository: Repository, updates: Repository
) -> None:
    for name in ("a", "b", "c"):
        repository.add(name, "1.0")
        updates.add(name, "1.0", salt="other")
    repository.publish(keep_pool=True)
    updates.publish(keep_pool=True)
    pinned(session, archive, repository, updates)
    searched(session, lookup, updates, "a")
    searched(session, lookup, repository, "hello")
    (notice,) = looked(session, archive, lookup)
    assert notice.startswith(f"{repository.binary('a').path} (and 2 more) is listed in ")


def test_suites_that_share_files_or_have_none_in_common_are_no_news(
    session: Session, archive: OpenArchive, lookup: Lookup, repository: Repository, updates: Repository
) -> None:
    repository.add("base", "1.0")
    repository.publish()
    updates.add("hello", "1.0")
    updates.publish()
    pinned(session, archive, repository, updates)
    for each, name in ((repository, "base"), (updates, "extra")):
        searched(session, lookup, each, name)
    assert looked(session, archive, lookup) == []


def test_another_repository_is_another_matter(
    session: Session, archive: OpenArchive, lookup: Lookup, repository: Repository, make_repository: MakeRepository
) -> None:
    other = make_repository("other")
    other.add("hello", "1.0", salt="built again")
    other.publish()
    pinned(session, archive, repository, other)
    for each in (repository, other):
        searched(session, lookup, each, "hello")
    assert looked(session, archive, lookup) == []


def test_no_mirror_is_asked_for_it(
    session: Session,
    archive: OpenArchive,
    lookup: Lookup,
    repository: Repository,
    updates: Repository,
    origin: Origin,
) -> None:
    pinned(session, archive, repository)
    searched(session, lookup, repository, "hello")
    gone = Pin(InRelease(Digest.of((updates.suite_folder / "InRelease").read_bytes())), None)
    bare = Pin(BarePackages(Digest.of(b""), "Packages"), None)
    session.generation = session.generation.with_pin(key_of(updates), gone)
    session.generation = session.generation.with_pin(SuiteKey(key_of(updates).repository, "./"), bare)
    origin.forget()
    assert looked(session, archive, lookup) == []
    assert origin.count() == 0
