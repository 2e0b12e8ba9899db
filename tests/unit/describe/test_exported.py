# SPDX-License-Identifier: MIT
"""Which files an export consists of."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from aptfreeze.archive.objects import Objects
from aptfreeze.deb.release import Release
from aptfreeze.describe import closure
from aptfreeze.describe.closure import Part, Piece
from aptfreeze.describe.exported import entries, members, places
from aptfreeze.describe.extent import Extent, Wish
from aptfreeze.environment import records
from aptfreeze.environment.opened import Opened
from aptfreeze.errors import IntegrityError
from aptfreeze.fetch.opened import open_archive
from aptfreeze.freeze.digest import Algorithm, Digest, Wanted
from aptfreeze.freeze.generation import SuiteKey
from aptfreeze.freeze.outcome import SuiteFile
from support.handing import exportable
from support.keeping import key_of, used
from support.packages import hexdigest
from support.repository import MakeRepository, Repository

SUITE = SuiteKey("mirror.example.org/debian", "x")


@pytest.fixture
def repository(make_repository: MakeRepository) -> Repository:
    repository = make_repository(architectures=("amd64", "i386"), components=("main", "contrib"))
    repository.add("hello", "1.0")
    repository.add("tool", "1.0", component="contrib")
    repository.add_source("hello", "1.0")
    repository.publish()
    return repository


@pytest.fixture
def objects(tmp_path: Path) -> Objects:
    return Objects(tmp_path / "objects")


def pieces_of(opened: Opened) -> tuple[dict[str, str], list[list[str]]]:
    """Path below the repository to sha256 in hex; and the lines of each entry of apt's sources."""
    generation = opened.store.load()
    usage = records.load(opened.environment.records, generation.id)
    with open_archive(opened.settings) as archive:
        extent = Extent(archive.lookup(offline=True), generation, usage, frozenset({"amd64"}), Wish())
        suites = extent.suites()
        indexes = [piece for suite in suites for piece in closure.index_pieces(extent.lookup, suite)]
        packages, _ = extent.packages(suites)
        placed = places(archive.objects, [*closure.roots(generation), *indexes, *packages])
        found = entries(extent.lookup, suites, (), has_sources=True)
        listed = {member.listed.path: member.listed.sha256.hex for member in members(archive.objects, placed, {})}
    return listed, [list(entry.lines()) for entry in found]


def below(repository: Repository, paths: Mapping[str, str]) -> dict[str, str]:
    prefix = f"repositories/{key_of(repository).repository}/"
    assert all(path.startswith(prefix) for path in paths)
    return {path.removeprefix(prefix): digest for path, digest in paths.items()}


def test_files_lie_where_the_repository_has_them_indexes_by_hash_too(repository: Repository, tmp_path: Path) -> None:
    listed, _ = pieces_of(exportable(tmp_path, repository, "hello"))

    found = below(repository, listed)
    by_hash = [path for path in found if "/by-hash/SHA256/" in path]
    assert {path.rpartition("/")[2] for path in by_hash} == {found[path] for path in by_hash}
    assert {path.rpartition(".")[2] for path in found if "/Packages." in path} == {"xz", "gz"}
    assert not any(path.endswith("Packages") for path in found)
    for path, digest in found.items():
        if "by-hash" not in path:
            assert hexdigest("SHA256", (repository.root / path).read_bytes()) == digest
    assert [path for path in found if path.startswith("pool/")] == [repository.binary("hello").path]


def test_what_is_not_compressed_counts_only_where_it_is_all_there_is(objects: Objects) -> None:
    plain = SuiteFile(Wanted(objects.put(b"plain")), "dists/x/Packages")
    packed = SuiteFile(Wanted(objects.put(b"packed")), "dists/x/Packages.xz")

    both = places(objects, [Piece(Part.INDEX, "Packages", (plain, packed), SUITE)])
    only = places(objects, [Piece(Part.INDEX, "Packages", (plain,), SUITE)])

    assert list(both) == ["repositories/mirror.example.org/debian/dists/x/Packages.xz"]
    assert list(only) == ["repositories/mirror.example.org/debian/dists/x/Packages"]


def package(objects: Objects, content: bytes, path: str) -> Piece:
    file = SuiteFile(Wanted(objects.put(content)), path)
    return Piece(Part.PACKAGE, "it", (file,), SUITE, folders=("mirror.example.org/debian",))


def test_one_path_has_one_content(objects: Objects) -> None:
    same = [package(objects, b"1", "pool/x"), package(objects, b"1", "pool/x")]

    assert len(places(objects, same)) == 1
    with pytest.raises(IntegrityError, match="pool/x is two different files"):
        places(objects, [*same, package(objects, b"2", "pool/x")])


@pytest.mark.parametrize("path", ["../x", "pool/../../x", "/etc/passwd", "pool//x", "pool/\n"])
def test_a_path_that_leads_out_is_refused(objects: Objects, path: str) -> None:
    with pytest.raises(IntegrityError, match="a path that cannot be exported"):
        places(objects, [package(objects, b"1", path)])


def test_a_file_cannot_be_a_folder_too(objects: Objects) -> None:
    with pytest.raises(IntegrityError, match="debian/pool is a file of one repository and a folder of another one"):
        places(objects, [package(objects, b"1", "pool"), package(objects, b"2", "pool/a/b")])


@pytest.mark.parametrize(
    ("url", "is_kept"), [("h/key.asc", True), ("h/list?x=1", False), ("h/", False), ("h/" + "x" * 300, False)]
)
def test_a_single_file_has_its_url_as_its_name_if_it_can(objects: Objects, url: str, is_kept: bool) -> None:
    digest = objects.put(b"single")
    piece = Piece(Part.SINGLE, url, (SuiteFile(Wanted(digest), url),))

    assert list(places(objects, [piece])) == [f"extra/{url if is_kept else digest.hex}"]


def test_what_is_named_by_another_hash_is_found_and_keeps_that_name(objects: Objects) -> None:
    sha512 = Digest(Algorithm.SHA512, hexdigest("SHA512", b"1"))
    temporary = objects.layout.temporary()
    temporary.write_bytes(b"1")
    objects.adopt(temporary, Digest.of(b"1"), [sha512])
    piece = Piece(Part.PACKAGE, "it", (SuiteFile(Wanted(sha512), "pool/x"),), SUITE)

    (member,) = members(objects, places(objects, [piece]), {})

    assert (member.listed.sha256, member.listed.also) == (Digest.of(b"1"), (sha512,))


def test_documents_come_before_objects_and_each_by_path(objects: Objects) -> None:
    placed = places(objects, [package(objects, b"1", "pool/b"), package(objects, b"2", "pool/a")])

    found = members(objects, placed, {"aptfreeze.lock": b"x", "README": b"y"})

    assert [member.listed.path.rpartition("/")[2] for member in found] == ["README", "aptfreeze.lock", "a", "b"]


def test_an_entry_has_the_components_and_architectures_that_were_used(repository: Repository, tmp_path: Path) -> None:
    opened = exportable(tmp_path, repository)
    used(opened, repository, indexes=[f"main/binary-{each}/Packages" for each in ("amd64", "i386", "all")])
    used(opened, repository, indexes=["contrib/binary-amd64/Packages"])
    _, found = pieces_of(opened)

    assert [[line for line in entry if line.startswith(("Types", "Comp", "Arch"))] for entry in found] == [
        ["Types: deb deb-src", "Components: contrib", "Architectures: amd64"],
        ["Types: deb deb-src", "Components: main", "Architectures: amd64 i386"],
    ]


def test_a_release_says_by_which_hashes_its_indexes_are_found(repository: Repository) -> None:
    """What the first test goes by."""
    assert Release.parse((repository.suite_folder / "Release").read_bytes()).acquire_by_hash
