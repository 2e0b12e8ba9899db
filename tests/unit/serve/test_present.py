# SPDX-License-Identifier: MIT
"""What becomes of the files of an earlier session in the present generation. Real mirror, archive and indexes."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from aptfreeze.deb.paths import Location
from aptfreeze.environment.earlier import Earlier
from aptfreeze.environment.records import AskedIndex, Kind, ServedPackage, Usage
from aptfreeze.fetch.lookup import Lookup
from aptfreeze.fetch.opened import OpenArchive
from aptfreeze.freeze.digest import Digest
from aptfreeze.freeze.generation import BarePackages, Generation, InRelease, Pin, ReleasePair, SuiteKey
from aptfreeze.freeze.outcome import Asked, PinnedPackage
from aptfreeze.freeze.resolve import resolve
from aptfreeze.serve.present import Present
from support.origin import Origin
from support.repository import MakeRepository, Repository

PRESENT, PAST = "ab" * 16, "cd" * 16
EMPTY = Generation(PRESENT, datetime(2026, 11, 24, 7, tzinfo=UTC))


@pytest.fixture
def lookup(archive: OpenArchive) -> Lookup:
    return archive.lookup(offline=False)


def pinned(generation: Generation, repository: Repository, archive: OpenArchive) -> Generation:
    """With the suite as it is on the mirror now; its InRelease is in the archive."""
    if repository.layout.inrelease:
        root = InRelease(archive.objects.put((repository.suite_folder / "InRelease").read_bytes()))
        return generation.with_pin(key_of(repository), Pin(root, None, signers=("A" * 40,)))
    if repository.layout.release:
        pair = ReleasePair(archive.objects.put((repository.suite_folder / "Release").read_bytes()), None)
        return generation.with_pin(key_of(repository), Pin(pair, None))
    bare = BarePackages(Digest.of((repository.suite_folder / "Packages.xz").read_bytes()), "Packages.xz")
    return generation.with_pin(key_of(repository), Pin(bare, None))


def key_of(repository: Repository) -> SuiteKey:
    layout = repository.layout
    return SuiteKey(repository.url.removeprefix("http://"), "./" if layout.flat else layout.suite)


def read_lists(lookup: Lookup, generation: Generation, repository: Repository, path: str) -> None:
    """Somebody asks for a file, so that the index that lists it is at hand."""
    asked = Asked(Location.parse(f"{repository.url}/{path}".encode()), True, frozenset({"amd64"}))
    lookup.settle(resolve(asked, generation))


def served(repository: Repository, name: str, **fields: object) -> ServedPackage:
    """As a build was served it that used the mirror as it is now."""
    binary = repository.binary(name)
    key = key_of(repository)
    package = ServedPackage(
        name, binary.version, binary.architecture, key.repository, key.suite, binary.path, Digest.of(binary.build()), 1
    )
    return replace(package, **fields)  # type: ignore[arg-type]  # a typo fails at once


def session(*packages: ServedPackage, generation_id: str = PAST, indexes: tuple[AskedIndex, ...] = ()) -> Earlier:
    return Earlier("20261124T070000Z-0000", generation_id, False, Usage(packages=packages, indexes=indexes))


def paths(found: list[PinnedPackage]) -> list[str]:
    return [each.relative.rpartition("/")[2] for each in found]


def present(lookup: Lookup, generation: Generation, earlier: Earlier) -> list[PinnedPackage]:
    return Present(lookup, generation, {}).files(earlier, earlier.usage.packages)


def test_names_become_the_versions_of_now_in_the_order_of_then(
    archive: OpenArchive, lookup: Lookup, repository: Repository
) -> None:
    for name in ("hello", "gone", "all", "same"):
        repository.add(name, "1.0", architecture="all" if name == "all" else "amd64")
    earlier = session(*(served(repository, name) for name in ("same", "hello", "gone", "all")))
    repository.remove("gone")
    repository.add("hello", "2.0")
    repository.add("all", "2.0", architecture="all")
    repository.publish()
    generation = pinned(EMPTY, repository, archive)
    read_lists(lookup, generation, repository, repository.binary("hello").path)

    found = present(lookup, generation, earlier)

    assert paths(found) == ["same_1.0_amd64.deb", "hello_2.0_amd64.deb", "all_2.0_all.deb"]
    assert {(each.key, each.repository) for each in found} == {
        (key_of(repository), repository.url.removeprefix("http://"))
    }
    assert [each.entry.wanted.digest.hex for each in found] == [
        repository.binary(name).sha256 for name in ("same", "hello", "all")
    ]


def test_within_a_generation_the_record_tells_the_file_and_no_index_is_needed(
    archive: OpenArchive, lookup: Lookup, repository: Repository, origin: Origin
) -> None:
    hello = served(repository, "hello")
    gone = replace(hello, repository="vendor.example.org/debian")
    generation = pinned(EMPTY, repository, archive)
    (found,) = present(lookup, generation, session(hello, gone, generation_id=PRESENT))
    assert (found.key, found.repository, found.relative) == (key_of(repository), hello.repository, hello.path)
    entry = found.entry
    assert (entry.wanted.digest, entry.wanted.size) == (hello.sha256, hello.size)
    assert (entry.package, entry.version, entry.architecture) == ("hello", "1.0", "amd64")
    assert origin.count() == 0


@pytest.mark.parametrize(("hashes", "is_told"), [(("SHA256", "SHA512"), True), (("SHA512",), False)])
def test_but_not_where_a_client_will_ask_for_it_by_another_hash(
    archive: OpenArchive, lookup: Lookup, make_repository: MakeRepository, hashes: tuple[str, ...], is_told: bool
) -> None:
    vendor = make_repository("vendor", hashes=hashes)
    vendor.add("hello", "1.0")
    vendor.publish()
    generation = pinned(EMPTY, vendor, archive)
    found = present(lookup, generation, session(served(vendor, "hello"), generation_id=PRESENT))
    assert len(found) == is_told


def test_sources_are_found_in_sources(archive: OpenArchive, lookup: Lookup, repository: Repository) -> None:
    source = repository.add_source("hello", "2.0")
    repository.publish()
    generation = pinned(EMPTY, repository, archive)
    read_lists(lookup, generation, repository, f"{source.directory}/hello_2.0.dsc")
    old = served(repository, "hello", architecture="source", path="hello_1.0.dsc", version="1.0", kind=Kind.SOURCE)
    assert sorted(paths(present(lookup, generation, session(old, old)))) == sorted(source.build())


def test_only_suites_that_the_session_used_are_looked_at(
    archive: OpenArchive, lookup: Lookup, make_repository: MakeRepository
) -> None:
    main, security, foreign = (make_repository(name) for name in ("debian", "debian-security", "vendor"))
    generation = EMPTY
    for repository, version in ((main, "1.0"), (security, "1.1"), (foreign, "9")):
        repository.add("hello", version)
        repository.publish()
        generation = pinned(generation, repository, archive)
        read_lists(lookup, generation, repository, repository.binary("hello").path)
    key = key_of(security)
    asked = AskedIndex(key.repository, key.suite, "main/binary-amd64/Packages")
    package = served(main, "hello")
    assert paths(present(lookup, generation, session(package))) == ["hello_1.0_amd64.deb"]
    assert paths(present(lookup, generation, session(package, indexes=(asked,)))) == ["hello_1.1_amd64.deb"]
    assert present(lookup, EMPTY, session(package)) == []


def test_no_index_is_fetched(archive: OpenArchive, lookup: Lookup, repository: Repository, origin: Origin) -> None:
    generation = pinned(EMPTY, repository, archive)
    assert present(lookup, generation, session(served(repository, "hello"))) == []
    assert origin.count() == 0


def test_a_suite_whose_root_is_lost_is_passed_over(
    archive: OpenArchive, lookup: Lookup, repository: Repository, origin: Origin
) -> None:
    lost = Pin(InRelease(Digest.of(b"lost")), None)
    assert present(lookup, EMPTY.with_pin(key_of(repository), lost), session(served(repository, "hello"))) == []


def test_what_only_md5_says_is_left_out_where_something_is_signed(
    archive: OpenArchive, lookup: Lookup, repository: Repository, make_repository: MakeRepository
) -> None:
    weak = make_repository("weak", hashes=("MD5Sum",), inrelease=False, key=None)
    weak.add("hello", "1.0")
    weak.publish()
    generation = pinned(EMPTY, weak, archive)
    read_lists(lookup, generation, weak, weak.binary("hello").path)
    assert paths(present(lookup, generation, session(served(weak, "hello")))) == ["hello_1.0_amd64.deb"]
    signed = replace(generation.pins[key_of(weak)], signers=("A" * 40,))
    generation = EMPTY.with_pin(key_of(weak), signed)
    assert present(lookup, generation, session(served(weak, "hello"))) == []


def test_a_flat_suite_without_a_release_has_its_files_where_it_was_seen_to_have_them(
    archive: OpenArchive, lookup: Lookup, make_repository: MakeRepository
) -> None:
    flat = make_repository("flat", flat=True, inrelease=False, release=False, key=None)
    flat.add("hello", "1.0")
    flat.publish()
    generation = pinned(EMPTY, flat, archive)
    read_lists(lookup, generation, flat, "hello_1.0_amd64.deb")
    earlier = session(served(flat, "hello", path="hello_1.0_amd64.deb"))
    key = key_of(flat)
    for folders in ({}, {key: "mirror.example.org"}):
        (found,) = Present(lookup, generation, folders).files(earlier, earlier.usage.packages)
        assert (found.repository, found.relative) == (folders.get(key, key.repository), "hello_1.0_amd64.deb")
