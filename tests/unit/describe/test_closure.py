# SPDX-License-Identifier: MIT
"""Which files a generation consists of, told from the archive of a real repository."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from aptfreeze.describe import closure
from aptfreeze.describe.closure import Chosen, Part, Piece
from aptfreeze.environment import records
from aptfreeze.environment.opened import Opened
from aptfreeze.environment.records import Usage
from aptfreeze.errors import OfflineError
from aptfreeze.fetch.lookup import Lookup
from aptfreeze.fetch.opened import OpenArchive, open_archive
from aptfreeze.freeze.digest import Digest
from aptfreeze.freeze.generation import BarePackages, Generation, Pin, ReleasePair, SuiteKey
from support.keeping import fill, key_of, pin_of, pinned_environment, used
from support.repository import MakeRepository, Repository

AMD64 = frozenset({"amd64"})
PACKAGES = "main/binary-amd64/Packages"


@pytest.fixture
def repository(make_repository: MakeRepository) -> Repository:
    """Two components, two architectures, and a udeb."""
    repository = make_repository(components=("main", "contrib"), architectures=("amd64", "arm64"))
    repository.add("hello", "1.0")
    repository.add("other", "1.0")
    repository.add("tool", "1.0", component="contrib")
    repository.add("docs", "1.0", architecture="all")
    repository.add("installer", "1.0", udeb=True)
    repository.add_source("hello", "1.0")
    repository.publish()
    return repository


@pytest.fixture
def opened(repository: Repository, tmp_path: Path) -> Opened:
    opened = pinned_environment(tmp_path, repository)
    fill(opened.settings.archive.path, repository)
    return opened


@pytest.fixture
def archive(opened: Opened) -> Iterator[OpenArchive]:
    with open_archive(opened.settings) as archive:
        yield archive


@pytest.fixture
def lookup(archive: OpenArchive) -> Lookup:
    return archive.lookup(offline=True)


def usage_of(opened: Opened) -> Usage:
    return records.load(opened.environment.records, opened.store.load().id)


def names(pieces: Iterator[Piece]) -> list[str]:
    return sorted(piece.name for piece in pieces)


def chosen(repository: Repository, *paths: str) -> Chosen:
    return Chosen(key_of(repository), pin_of(repository), paths)


# --- roots ---


def test_pinned_files_and_single_files_are_roots() -> None:
    data = [Digest.of(b"%d" % number) for number in range(4)]
    pins = {
        SuiteKey("mirror.example.org/flat", "./"): Pin(BarePackages(data[0], "Packages.gz"), None),
        SuiteKey("mirror.example.org/debian", "sid"): Pin(ReleasePair(data[1], data[2]), None),
    }
    generation = Generation("0" * 32, None, pins, {"mirror.example.org/key.asc": data[3]})  # type: ignore[arg-type]  # no time is looked at

    found = list(closure.roots(generation))

    assert [(piece.part, piece.path) for piece in found] == [
        (Part.ROOT, "mirror.example.org/debian/dists/sid/Release"),
        (Part.ROOT, "mirror.example.org/debian/dists/sid/Release.gpg"),
        (Part.ROOT, "mirror.example.org/flat/Packages.gz"),
        (Part.SINGLE, "mirror.example.org/key.asc"),
    ]
    assert [piece.forms[0].wanted.digest for piece in found] == [data[1], data[2], data[0], data[3]]


# --- indexes ---


def test_the_indexes_that_sessions_asked_for_count(opened: Opened, repository: Repository, lookup: Lookup) -> None:
    used(opened, repository, "hello")

    found = closure.used_indexes(lookup, key_of(repository), pin_of(repository), usage_of(opened))

    assert found.paths == (PACKAGES,)
    assert names(closure.index_pieces(lookup, found)) == [PACKAGES]
    assert names(closure.source_index_pieces(lookup, found)) == ["main/source/Sources"]
    assert names(closure.translation_pieces(lookup, found)) == ["main/i18n/Translation-en"]


def test_where_none_was_asked_those_that_the_packages_need_count(
    opened: Opened, repository: Repository, lookup: Lookup
) -> None:
    used(opened, repository, "tool", indexes=())

    found = closure.used_indexes(lookup, key_of(repository), pin_of(repository), usage_of(opened))

    assert found.paths == ("contrib/binary-amd64/Packages",)


def test_a_suite_that_nobody_used_has_none(opened: Opened, repository: Repository, lookup: Lookup) -> None:
    assert closure.used_indexes(lookup, key_of(repository), pin_of(repository), Usage()).paths == ()


def test_of_all_without_a_record_the_first_component_of_each_architecture_counts(
    repository: Repository, lookup: Lookup
) -> None:
    both = closure.all_indexes(lookup, key_of(repository), pin_of(repository), Usage(), {"amd64", "arm64"})
    one = closure.all_indexes(lookup, key_of(repository), pin_of(repository), Usage(), AMD64)

    assert both.paths == (PACKAGES, "main/binary-arm64/Packages")
    assert one.paths == (PACKAGES,)


def test_of_all_with_a_record_its_indexes_count(opened: Opened, repository: Repository, lookup: Lookup) -> None:
    used(opened, repository, indexes=("contrib/binary-arm64/Packages",))

    found = closure.all_indexes(lookup, key_of(repository), pin_of(repository), usage_of(opened), AMD64)

    assert found.paths == ("contrib/binary-arm64/Packages",)


def test_the_installers_index_has_no_translation(repository: Repository, lookup: Lookup) -> None:
    udebs = "main/debian-installer/binary-amd64/Packages"

    assert names(closure.translation_pieces(lookup, chosen(repository, udebs))) == []
    assert names(closure.source_index_pieces(lookup, chosen(repository, udebs))) == ["main/source/Sources"]


def test_the_form_that_clients_ask_for_comes_first(repository: Repository, lookup: Lookup) -> None:
    [piece] = closure.index_pieces(lookup, chosen(repository, PACKAGES))

    assert [form.suffix for form in piece.forms][:2] == [".xz", ".gz"]


def test_a_suite_whose_release_is_not_at_hand_is_left_out(
    make_repository: MakeRepository, tmp_path: Path, repository: Repository
) -> None:
    lost = make_repository("lost")
    lost.publish()
    opened = pinned_environment(tmp_path / "two", repository, lost)
    fill(opened.settings.archive.path, repository)
    with open_archive(opened.settings) as archive:
        choose = partial(closure.all_indexes, archive.lookup(offline=True), usage=Usage(), architectures=AMD64)

        found = closure.readable(opened.store.load(), choose)

    assert [each.key for each in found] == [key_of(repository)]


# --- packages ---


def used_packages(opened: Opened, lookup: Lookup) -> list[Piece]:
    return list(closure.used_packages(lookup, opened.store.load(), usage_of(opened), AMD64))


def test_what_was_served_is_known_with_what_its_index_says(
    opened: Opened, repository: Repository, lookup: Lookup
) -> None:
    used(opened, repository, "hello", "docs")

    hello, docs = used_packages(opened, lookup)

    assert (hello.part, hello.name, docs.name) == (Part.PACKAGE, "hello 1.0 amd64", "docs 1.0 all")
    assert hello.path == f"{key_of(repository).repository}/{repository.binary('hello').path}"
    assert hello.size == len(repository.binary("hello").build())
    assert hello.entry is not None
    assert (hello.entry.source, hello.entry.source_version) == ("hello", "1.0")


def test_without_any_index_the_record_tells_it(opened: Opened, repository: Repository, lookup: Lookup) -> None:
    used(opened, repository, "hello")
    before = used_packages(opened, lookup)
    for path in (opened.settings.archive.path / "index").iterdir():
        path.unlink()
    for path in (opened.settings.archive.path / "objects").rglob("*"):
        path.unlink() if path.is_file() else None

    with open_archive(opened.settings) as archive:
        [piece] = used_packages(opened, archive.lookup(offline=True))

    assert (piece.name, piece.forms[0].wanted) == (before[0].name, before[0].forms[0].wanted)
    assert piece.entry is not None
    assert piece.entry.source == ""


def test_a_record_that_names_other_bytes_than_the_index_counts(
    opened: Opened, repository: Repository, lookup: Lookup
) -> None:
    repository.add("hello", "1.0", salt="other")
    used(opened, repository, "hello")

    [piece] = used_packages(opened, lookup)

    assert piece.forms[0].wanted.digest.hex == repository.binary("hello").sha256


def test_everything_that_the_indexes_list(repository: Repository, lookup: Lookup) -> None:
    assert names(closure.all_packages(lookup, chosen(repository, PACKAGES, "contrib/binary-amd64/Packages"))) == [
        "docs 1.0 all",
        "hello 1.0 amd64",
        "other 1.0 amd64",
        "tool 1.0 amd64",
    ]


def test_a_flat_suites_files_may_lie_above_its_own_folder(make_repository: MakeRepository, tmp_path: Path) -> None:
    flat = make_repository("vendor/apt", flat=True)
    flat.add("tool", "1.0")
    flat.publish()
    opened = pinned_environment(tmp_path / "flat", flat)
    fill(opened.settings.archive.path, flat)
    used(opened, flat, "tool")
    host = key_of(flat).repository.partition("/")[0]
    with open_archive(opened.settings) as archive:
        [piece] = used_packages(opened, archive.lookup(offline=True))

        assert piece.path == f"{host}/vendor/apt/tool_1.0_amd64.deb"
        assert piece.entry is not None
    assert closure.folders_above(key_of(flat)) == (f"{host}/vendor/apt", f"{host}/vendor", host)


def test_a_file_that_two_suites_list_is_one(repository: Repository, lookup: Lookup) -> None:
    pieces = list(closure.all_packages(lookup, chosen(repository, PACKAGES)))

    assert closure.by_digest([*pieces, *pieces]) == pieces


# --- what is held ---


@pytest.fixture
def packages(repository: Repository, lookup: Lookup) -> Piece:
    [piece] = closure.index_pieces(lookup, chosen(repository, PACKAGES))
    return piece


def damage(archive: OpenArchive, piece: Piece, form: int, change: Callable[[Path], object]) -> None:
    path = archive.objects.path(piece.forms[form].wanted.digest)
    assert path is not None
    path.chmod(0o644)
    change(path)


def test_an_index_is_held_in_any_form(archive: OpenArchive, packages: Piece) -> None:
    assert closure.held_form(archive.objects, packages) == packages.forms[0]

    damage(archive, packages, 0, Path.unlink)
    assert closure.held_form(archive.objects, packages) == packages.forms[1]

    damage(archive, packages, 1, Path.unlink)
    assert closure.held_form(archive.objects, packages) is None


def test_a_file_of_another_size_is_not_held(archive: OpenArchive, packages: Piece) -> None:
    damage(archive, packages, 0, lambda path: path.write_bytes(b""))

    assert closure.held_form(archive.objects, packages) == packages.forms[1]


def test_suppliers_are_the_mirrors_urls_and_offline_there_are_none(
    archive: OpenArchive, opened: Opened, repository: Repository, packages: Piece
) -> None:
    used(opened, repository, "hello")
    online = archive.lookup(offline=False)
    [hello] = used_packages(opened, archive.lookup(offline=True))
    single = Piece(Part.SINGLE, "key", packages.forms[:1])

    named = [supplier.name for supplier in packages.suppliers(online, packages.forms[0])]
    assert [name.partition("/dists/")[0] for name in named] == [repository.url] * 2
    assert "/by-hash/" in named[0]
    assert [each.name for each in hello.suppliers(online, hello.forms[0])] == [
        f"{repository.url}/{repository.binary('hello').path}"
    ]
    assert [each.name for each in single.suppliers(online, single.forms[0])] == [f"http://{packages.forms[0].relative}"]
    with pytest.raises(OfflineError):
        hello.suppliers(archive.lookup(offline=True), hello.forms[0])
