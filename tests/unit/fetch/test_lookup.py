# SPDX-License-Identifier: MIT
"""Look-ups in what a pin leads to: from the archive, and by hash from the mirror where it lacks something."""

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from aptfreeze.deb.paths import Location
from aptfreeze.errors import IntegrityError, OfflineError
from aptfreeze.fetch.lookup import Lookup
from aptfreeze.fetch.opened import OpenArchive, open_archive
from aptfreeze.fetch.priority import Priority
from aptfreeze.freeze.digest import Digest
from aptfreeze.freeze.generation import Generation, InRelease, Pin, SuiteKey
from aptfreeze.freeze.outcome import Absent, Asked, Outcome, PinnedFile, PinnedPackage, index_name
from aptfreeze.freeze.resolve import resolve
from aptfreeze.rows import from_values
from aptfreeze.settings import Sourced
from support.defaults import defaults
from support.faults import Delay, Flip, Status
from support.origin import Origin
from support.repository import Repository
from support.snapshot import SnapshotService


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[OpenArchive]:
    values = defaults()
    values |= {"archive.path": Sourced(tmp_path / "archive"), "fetch.retries": Sourced(0)}
    with open_archive(from_values(values)) as archive:
        yield archive


@pytest.fixture
def key(repository: Repository) -> SuiteKey:
    return SuiteKey(repository.url.removeprefix("http://"), "bookworm")


@pytest.fixture
def pin(repository: Repository) -> Pin:
    """Of the present state, of which nothing is in the archive."""
    return Pin(InRelease(Digest.of((repository.suite_folder / "InRelease").read_bytes())), None)


def found(lookup: Lookup, key: SuiteKey, pin: Pin, url: str) -> Outcome:
    generation = Generation("0" * 32, datetime(2026, 1, 1, tzinfo=UTC), {key: pin})
    return lookup.settle(resolve(Asked(Location.parse(url.encode()), True, frozenset({"amd64"})), generation))


def test_a_lock_file_alone_is_enough_to_find_a_package(
    archive: OpenArchive, repository: Repository, key: SuiteKey, pin: Pin, origin: Origin
) -> None:
    hello = repository.binary("hello")
    outcome = found(archive.lookup(offline=False), key, pin, f"{repository.url}/{hello.path}")
    assert isinstance(outcome, PinnedPackage)
    assert outcome.entry.wanted.digest.hex == hello.sha256
    assert (outcome.entry.package, outcome.entry.version) == ("hello", "1.0")
    assert origin.count("*.deb") == 0
    assert (origin.count("*/InRelease"), origin.count("*/binary-amd64/*")) == (1, 1)


def test_the_second_look_asks_nobody(
    archive: OpenArchive, repository: Repository, key: SuiteKey, pin: Pin, origin: Origin
) -> None:
    url = f"{repository.url}/{repository.binary('hello').path}"
    found(archive.lookup(offline=False), key, pin, url)
    origin.forget()
    assert isinstance(found(archive.lookup(offline=True), key, pin, url), PinnedPackage)
    assert isinstance(found(archive.lookup(offline=True), key, pin, url.replace("1.0", "2.0")), Absent)
    assert origin.count() == 0


def test_a_pinned_file_that_nobody_has_any_more_is_named(
    archive: OpenArchive, repository: Repository, key: SuiteKey, pin: Pin
) -> None:
    repository.add("hello", "2.0")
    repository.publish()
    url = f"{repository.url}/dists/bookworm/main/binary-amd64/Packages.xz"
    with pytest.raises(IntegrityError, match=r"the pinned dists/bookworm/InRelease .* no mirror has it any more"):
        found(archive.lookup(offline=False), key, pin, url)
    with pytest.raises(OfflineError):
        found(archive.lookup(offline=True), key, pin, url)


def test_what_no_mirror_has_any_more_comes_from_the_state_of_its_date(
    tmp_path: Path, repository: Repository, key: SuiteKey, origin: Origin
) -> None:
    pin = Pin(InRelease(Digest.of((repository.suite_folder / "InRelease").read_bytes())), repository.date)
    with SnapshotService(tmp_path / "service") as service:
        service.keep("debian", repository.root, repository.date)
        hello = repository.binary("hello")
        repository.add("hello", "2.0")
        repository.publish()
        archives = Sourced({key.repository: service.archive_url("debian")})
        values = defaults() | {"archive.path": Sourced(tmp_path / "archive"), "snapshot.archives": archives}
        with open_archive(from_values(values)) as archive:
            lookup = archive.lookup(offline=False)
            outcome = found(lookup, key, pin, f"{repository.url}/{hello.path}")
            assert isinstance(outcome, PinnedPackage)
            archive.downloads.obtain(outcome.entry.wanted, lookup.package_suppliers(outcome, hello.path))
            with pytest.raises(OfflineError):
                archive.lookup(offline=True).package_suppliers(outcome, hello.path)
        assert service.count("/archive/*") == 3
    assert origin.asked()[-1] == f"/debian/{hello.path}"


def test_a_damaged_inrelease_is_fetched_anew(
    archive: OpenArchive, repository: Repository, key: SuiteKey, pin: Pin
) -> None:
    digest = archive.objects.put((repository.suite_folder / "InRelease").read_bytes())
    path = archive.objects.path(digest)
    assert path is not None
    path.chmod(0o644)
    path.write_bytes(b"?" + path.read_bytes()[1:])
    assert archive.lookup(offline=False).release(key, pin).codename == "bookworm"


def test_a_table_is_made_before_it_is_needed_of_an_index_that_is_at_hand(
    archive: OpenArchive, repository: Repository, key: SuiteKey, pin: Pin, origin: Origin
) -> None:
    lookup, path = archive.lookup(offline=False), "main/binary-amd64/Packages"
    forms = lookup.forms(key, pin, path)
    lookup.prepare(key, pin, path)
    assert not archive.indexes.is_made(index_name(forms))
    lookup.obtain(key, forms[0])
    lookup.prepare(key, pin, path)
    assert archive.indexes.is_made(index_name(forms))
    assert [name for _, name in lookup.built] == [index_name(forms)]
    lookup.prepare(key, pin, path)
    assert len(lookup.built) == 1


def test_an_archive_that_cannot_be_written_gets_no_table_and_nobody_minds(
    archive: OpenArchive, repository: Repository, key: SuiteKey, pin: Pin
) -> None:
    lookup, path = archive.lookup(offline=False), "main/binary-amd64/Packages"
    lookup.obtain(key, lookup.forms(key, pin, path)[0])
    archive.objects.read_only = True
    lookup.prepare(key, pin, path)
    assert not archive.indexes.is_made(index_name(lookup.forms(key, pin, path)))


def test_the_next_form_of_an_index_is_taken_if_the_mirror_lacks_one(
    archive: OpenArchive, repository: Repository, key: SuiteKey, pin: Pin, origin: Origin
) -> None:
    (smallest, *_) = archive.lookup(offline=False).forms(key, pin, "main/binary-amd64/Packages")
    origin.inject(f"*{smallest.suffix}", Status(404))
    origin.inject(f"*/{smallest.wanted.digest.hex}", Status(404))
    outcome = found(archive.lookup(offline=False), key, pin, f"{repository.url}/{repository.binary('hello').path}")
    assert isinstance(outcome, PinnedPackage)


def test_a_large_index_with_wrong_bytes_comes_from_the_next_address(
    archive: OpenArchive, repository: Repository, origin: Origin
) -> None:
    # Large enough to be shown while it arrives: who only waits for the end must not see it fail in between.
    repository.add("bulky", "1.0", Bulk=random.Random(5).randbytes(2 << 20).hex())
    repository.publish()
    key = SuiteKey(repository.url.removeprefix("http://"), "bookworm")
    pin = Pin(InRelease(Digest.of((repository.suite_folder / "InRelease").read_bytes())), None)
    origin.inject("*/by-hash/*", Flip(1000))
    outcome = found(archive.lookup(offline=False), key, pin, f"{repository.url}/{repository.binary('hello').path}")
    assert isinstance(outcome, PinnedPackage)


def test_a_release_that_many_need_at_once_is_read_once(
    archive: OpenArchive, repository: Repository, key: SuiteKey, pin: Pin, origin: Origin
) -> None:
    origin.inject("*/InRelease", Delay(0.2))
    lookup = archive.lookup(offline=False)
    with ThreadPoolExecutor(8) as threads:
        releases = list(threads.map(lambda _: lookup.release(key, pin), range(8)))
    assert len({id(release) for release in releases}) == 1


def test_the_release_inside_an_inrelease_is_an_object(
    archive: OpenArchive, repository: Repository, key: SuiteKey, pin: Pin
) -> None:
    lookup = archive.lookup(offline=False)
    digest = lookup.store_payload(key, pin)
    assert archive.objects.read(digest) == (repository.suite_folder / "Release").read_bytes()
    assert lookup.store_payload(key, pin) == digest


def test_which_index_a_file_is(archive: OpenArchive, repository: Repository, key: SuiteKey, pin: Pin) -> None:
    lookup = archive.lookup(offline=False)
    outcome = found(lookup, key, pin, f"{repository.url}/dists/bookworm/main/binary-amd64/Packages.xz")
    assert isinstance(outcome, PinnedFile)
    index = lookup.package_index(outcome)
    assert index is not None
    assert (index.component, index.architecture) == ("main", "amd64")
    assert lookup.begin_sources(key, pin, "no such component", Priority.SOURCES) is None
