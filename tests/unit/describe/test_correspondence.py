# SPDX-License-Identifier: MIT
"""From binaries to their sources: by name and version, the nearest suite first."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from aptfreeze.archive.objects import Objects
from aptfreeze.describe import closure
from aptfreeze.describe.closure import Chosen, Part, Piece, package_piece
from aptfreeze.describe.correspondence import Correspondence, Unlisted, correspondence, source_of
from aptfreeze.environment.opened import Opened
from aptfreeze.errors import IntegrityError
from aptfreeze.fetch.lookup import Lookup
from aptfreeze.fetch.opened import open_archive
from aptfreeze.freeze.catalog import IndexEntry
from aptfreeze.freeze.digest import Digest, Wanted
from aptfreeze.freeze.generation import Pin, ReleasePair, SuiteKey
from support.keeping import fill, key_of, pin_of, pinned_environment
from support.repository import MakeRepository, Repository

PACKAGES = "main/binary-amd64/Packages"


@pytest.fixture
def opened(repository: Repository, updates: Repository, tmp_path: Path) -> Opened:
    opened = pinned_environment(tmp_path, repository, updates)
    for each in (repository, updates):
        fill(opened.settings.archive.path, each)
    return opened


@pytest.fixture
def repository(make_repository: MakeRepository) -> Repository:
    repository = make_repository()
    repository.add("hello", "1.0")
    repository.add("libhello", "1.0", Source="hello")
    repository.add("rebuilt", "2-1+b1", Source="rebuilt (2-1)")
    repository.add("late", "1-2")
    repository.add("lost", "1.0")
    for name, version in (("hello", "1.0"), ("rebuilt", "2-1"), ("late", "1-1"), ("unused", "1.0")):
        repository.add_source(name, version)
    repository.publish()
    return repository


@pytest.fixture
def updates(make_repository: MakeRepository) -> Repository:
    """Of another repository: its names are before and behind those of the first one."""
    updates = make_repository("a-security", suite="bookworm-security", codename="bookworm-security")
    updates.add_source("late", "1-2")
    updates.add_source("hello", "1.0", size=3000)
    updates.publish()
    return updates


@pytest.fixture
def lookup(opened: Opened) -> Iterator[Lookup]:
    with open_archive(opened.settings) as archive:
        yield archive.lookup(offline=True)


def chosen(repository: Repository) -> Chosen:
    return Chosen(key_of(repository), pin_of(repository), (PACKAGES,))


def of(lookup: Lookup, suites: list[Chosen], *names: str) -> Correspondence:
    pieces = [piece for suite in suites for piece in closure.all_packages(lookup, suite)]
    return correspondence(lookup, suites, [piece for piece in pieces if piece.name.split()[0] in names])


def test_the_files_of_a_source_are_had_once_for_all_its_binaries(lookup: Lookup, repository: Repository) -> None:
    found = of(lookup, [chosen(repository)], "hello", "libhello")

    assert [(piece.part, piece.name) for piece in found.pieces] == [
        (Part.SOURCE, "hello 1.0 hello_1.0.tar.xz"),
        (Part.SOURCE, "hello 1.0 hello_1.0.dsc"),
    ]
    assert {piece.forms[0].wanted.digest.hex for piece in found.pieces} == set(
        repository.sources["hello"].sha256.values()
    )
    assert found.unlisted == ()


def test_a_binary_that_was_rebuilt_has_its_sources_version(lookup: Lookup, repository: Repository) -> None:
    found = of(lookup, [chosen(repository)], "rebuilt")

    assert {piece.name for piece in found.pieces} == {"rebuilt 2-1 rebuilt_2-1.dsc", "rebuilt 2-1 rebuilt_2-1.tar.xz"}


def test_another_suite_may_have_the_source(lookup: Lookup, repository: Repository, updates: Repository) -> None:
    suites = [chosen(updates), chosen(repository)]

    found = of(lookup, suites, "late", "hello")

    assert {(piece.suite, piece.name) for piece in found.pieces if piece.name.endswith(".dsc")} == {
        (key_of(updates), "late 1-2 late_1-2.dsc"),
        (key_of(repository), "hello 1.0 hello_1.0.dsc"),
    }


def test_a_source_that_is_nowhere_is_told(lookup: Lookup, repository: Repository) -> None:
    found = of(lookup, [chosen(repository)], "lost", "late")

    assert found.pieces == ()
    assert set(found.unlisted) == {
        Unlisted("lost", "1.0", key_of(repository), "lost 1.0 amd64"),
        Unlisted("late", "1-2", key_of(repository), "late 1-2 amd64"),
    }


def test_without_the_index_of_a_binary_its_own_name_is_the_guess() -> None:
    key = SuiteKey("mirror.example.org/debian", "sid")
    entry = IndexEntry(Wanted(Digest.of(b"")), "hello", "1.0", "amd64")

    assert source_of(package_piece((key, None), (key.repository,), "pool/x.deb", entry)) == ("hello", "1.0")


SOURCES = """\
Package: twice
Version: 1-1
Directory: pool/main/t/twice
Checksums-Sha256:
 {dsc} 3 twice_1-1.dsc
 {orig} 4 twice_1.orig.tar.xz

Package: twice
Version: 1-2
Directory: pool/main/t/twice
Checksums-Sha256:
 {new} 3 twice_1-2.dsc
 {orig} 4 twice_1.orig.tar.xz
"""


def release_of(objects: Objects, sources: bytes) -> Chosen:
    """A suite with this Sources and nothing else."""
    digest = objects.put(sources)
    release = f"Codename: sid\nSHA256:\n {digest.hex} {len(sources)} main/source/Sources\n".encode()
    pin = Pin(ReleasePair(objects.put(release), None), None)
    return Chosen(SuiteKey("mirror.example.org/debian", "sid"), pin, (PACKAGES,))


def binary(suite: Chosen) -> Piece:
    entry = IndexEntry(Wanted(Digest.of(b"")), "twice", "1-2", "amd64")
    return package_piece((suite.key, suite.pin), (suite.key.repository,), "pool/twice_1-2_amd64.deb", entry)


def test_two_versions_have_their_upstream_tarball_in_common(lookup: Lookup) -> None:
    hexes = {name: Digest.of(name.encode()).hex for name in ("dsc", "new", "orig")}
    suite = release_of(lookup.objects, SOURCES.format(**hexes).encode())

    found = correspondence(lookup, [suite], [binary(suite)])

    assert [piece.path.rpartition("/")[2] for piece in found.pieces] == ["twice_1-2.dsc", "twice_1.orig.tar.xz"]


def test_a_sources_index_that_cannot_be_read_is_an_error(lookup: Lookup) -> None:
    suite = release_of(lookup.objects, b"Package: twice\nVersion: 1-2\nChecksums-Sha256:\n nonsense\n")

    with pytest.raises(IntegrityError, match=r"main/source/Sources of .* sid cannot be read"):
        correspondence(lookup, [suite], [binary(suite)])
