# SPDX-License-Identifier: MIT
"""What of a pin is in the archive, told from a real archive and without a network."""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from aptfreeze.archive.index import Indexes
from aptfreeze.archive.objects import Objects
from aptfreeze.describe.holdings import Holding, SuiteHoldings, suite_holdings
from aptfreeze.environment.records import AskedIndex, ServedPackage, Usage
from aptfreeze.fetch.download import Downloads
from aptfreeze.fetch.lookup import Lookup
from aptfreeze.fetch.mirrors import Mirrors
from aptfreeze.fetch.snapshots import Snapshots
from aptfreeze.freeze.digest import Digest
from aptfreeze.freeze.generation import BarePackages, Pin, ReleasePair, SuiteKey
from aptfreeze.settings import FetchSettings, MirrorSettings, SnapshotSettings

REPOSITORY = "mirror.example.org/debian"
BOOKWORM = SuiteKey(REPOSITORY, "bookworm")
DATE = datetime(2026, 11, 21, tzinfo=UTC)
PACKAGES, SOURCES = "main/binary-amd64/Packages", "main/source/Sources"


def release(*paths: str) -> bytes:
    """A Release that lists files whose content is their own path."""
    lines = [f" {hashlib.sha256(path.encode()).hexdigest()} {len(path)} {path}" for path in paths]
    return "\n".join(["Codename: bookworm", "SHA256:", *lines, ""]).encode()


RELEASE = release(PACKAGES + ".xz", PACKAGES + ".gz", SOURCES + ".xz")
PIN = Pin(ReleasePair(Digest.of(RELEASE), None), DATE)


def package(name: str, suite: str = "bookworm") -> ServedPackage:
    return ServedPackage(name, "1.0", "amd64", REPOSITORY, suite, f"pool/{name}", Digest.of(name.encode()), 4)


USAGE = Usage(
    packages=(package("hello"), package("bash"), package("other", "bookworm-updates")),
    indexes=(AskedIndex(REPOSITORY, "bookworm", PACKAGES),),
)


@pytest.fixture
def objects(tmp_path: Path) -> Objects:
    return Objects(tmp_path / "archive")


@pytest.fixture
def lookup(objects: Objects) -> Iterator[Lookup]:
    downloads = Downloads(objects, FetchSettings())
    mirrors, snapshots = Mirrors(MirrorSettings()), Snapshots(SnapshotSettings())
    yield Lookup(objects, Indexes(objects), downloads, mirrors, snapshots, offline=True)
    downloads.close()


def test_everything_is_held(objects: Objects, lookup: Lookup) -> None:
    for data in (RELEASE, f"{PACKAGES}.xz".encode(), f"{SOURCES}.xz".encode(), b"hello", b"bash"):
        objects.put(data)

    assert suite_holdings(lookup, BOOKWORM, PIN, USAGE) == SuiteHoldings(
        root=True, indexes=Holding(1, 1), sources=Holding(1, 1), packages=Holding(2, 2)
    )


def test_any_compression_of_an_index_will_do(objects: Objects, lookup: Lookup) -> None:
    for data in (RELEASE, f"{PACKAGES}.gz".encode()):
        objects.put(data)

    assert suite_holdings(lookup, BOOKWORM, PIN, USAGE).indexes == Holding(1, 1)


def test_what_is_missing_is_named(objects: Objects, lookup: Lookup) -> None:
    objects.put(RELEASE)
    objects.put(b"bash")

    held = suite_holdings(lookup, BOOKWORM, PIN, USAGE)

    assert held.indexes == Holding(0, 1, (PACKAGES,))
    assert held.sources == Holding(0, 1, (SOURCES,))
    assert held.packages == Holding(1, 2, ("hello 1.0 amd64",))


def test_without_the_pinned_file_nothing_below_it_can_be_told_to_be_held(objects: Objects, lookup: Lookup) -> None:
    objects.put(f"{PACKAGES}.xz".encode())

    held = suite_holdings(lookup, BOOKWORM, PIN, USAGE)

    assert (held.root, held.indexes) == (False, Holding(0, 1, (PACKAGES,)))


def test_a_component_without_sources_in_its_release_misses_none(objects: Objects, lookup: Lookup) -> None:
    data = release(PACKAGES + ".xz")
    objects.put(data)

    assert suite_holdings(lookup, BOOKWORM, Pin(ReleasePair(Digest.of(data), None), DATE), USAGE).sources == Holding(
        0, 0
    )


def test_the_installers_index_belongs_to_the_same_component(objects: Objects, lookup: Lookup) -> None:
    udebs = "main/debian-installer/binary-amd64/Packages"
    data = release(PACKAGES, udebs, SOURCES)
    objects.put(data)
    usage = Usage(indexes=tuple(AskedIndex(REPOSITORY, "bookworm", path) for path in (PACKAGES, udebs)))

    held = suite_holdings(lookup, BOOKWORM, Pin(ReleasePair(Digest.of(data), None), DATE), usage)

    assert held.sources == Holding(0, 1, (SOURCES,))


def test_a_flat_suite_has_its_sources_beside_its_packages(objects: Objects, lookup: Lookup) -> None:
    data = release("Packages", "Sources")
    objects.put(data)
    objects.put(b"Sources")
    flat = SuiteKey("vendor.example.org/apt", "./")
    usage = Usage(indexes=(AskedIndex(flat.repository, "./", "Packages"),))

    held = suite_holdings(lookup, flat, Pin(ReleasePair(Digest.of(data), None), DATE), usage)

    assert (held.indexes, held.sources) == (Holding(0, 1, ("Packages",)), Holding(1, 1))


def test_a_bare_package_list_is_its_own_index_and_has_no_sources(objects: Objects, lookup: Lookup) -> None:
    objects.put(b"list")
    flat = SuiteKey("vendor.example.org/apt", "./")
    usage = Usage(indexes=(AskedIndex(flat.repository, "./", "Packages.gz"),))

    held = suite_holdings(lookup, flat, Pin(BarePackages(Digest.of(b"list"), "Packages.gz"), None), usage)

    assert (held.root, held.indexes, held.sources) == (True, Holding(1, 1), Holding(0, 0))
