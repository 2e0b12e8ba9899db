# SPDX-License-Identifier: MIT
"""From a damaged object back to the pins that need it, over real repositories."""

from pathlib import Path

import pytest

from aptfreeze.archive.objects import Objects
from aptfreeze.describe.closure import Part
from aptfreeze.describe.needs import Need, names, needs
from aptfreeze.environment import transitions
from aptfreeze.environment.opened import Opened
from aptfreeze.environment.tenants import tenant
from aptfreeze.fetch.opened import open_archive
from aptfreeze.freeze.digest import Digest
from support.keeping import fill, key_of, pin_of, pinned_environment, used
from support.packages import hexdigest
from support.repository import MakeRepository, Repository


def product(folder: Path, repository: Repository) -> Opened:
    """Everything is in the archive."""
    opened = pinned_environment(folder, repository)
    fill(opened.settings.archive.path, repository)
    return opened


def sha256(path: Path) -> Digest:
    return Digest.parse(f"sha256:{hexdigest('SHA256', path.read_bytes())}")


def found(opened: Opened, *objects: Digest) -> list[Need]:
    with open_archive(opened.settings) as archive:
        for each in objects:
            archive.objects.reject(each)
        sought = names(archive.objects.layout, objects)
        return list(needs(archive.lookup(offline=True), tenant(opened.environment), sought))


def told(opened: Opened, *objects: Digest) -> list[tuple[Part, str]]:
    return [(need.found.piece.part, need.found.piece.path) for need in found(opened, *objects)]


def test_nobody_needs_a_stranger(repository: Repository, tmp_path: Path) -> None:
    assert found(product(tmp_path, repository), Digest.of(b"a stranger")) == []


def test_each_is_told_with_its_suite(repository: Repository, tmp_path: Path) -> None:
    opened = product(tmp_path, repository)
    hello = sha256(repository.file_of("hello"))

    [need] = found(opened, hello)

    assert (need.environment, need.generation, need.is_current) == (
        str(opened.environment.root),
        opened.store.load().id,
        True,
    )
    assert (need.found.sha256, need.found.piece.suite) == (hello, key_of(repository))
    assert need.found.piece.entry is not None
    assert need.found.piece.entry.source == "hello"


@pytest.mark.parametrize("kind", ["SHA512", "SHA256"])
def test_an_index_with_other_hashes_names_objects_by_their_alias(
    make_repository: MakeRepository, tmp_path: Path, kind: str
) -> None:
    repository = make_repository(hashes=(kind,))
    repository.add("hello", "1.0")
    repository.publish()
    opened = product(tmp_path, repository)
    with open_archive(opened.settings) as archive:
        for path in repository.root.rglob("*"):
            if path.is_file():
                part = archive.objects.layout.temporary()
                part.write_bytes(path.read_bytes())
                other = Digest.parse(f"{kind.lower()}:{hexdigest(kind, path.read_bytes())}")
                archive.objects.adopt(part, sha256(path), [other])

    prefix = repository.url.removeprefix("http://")
    assert told(opened, sha256(repository.file_of("hello"))) == [
        (Part.PACKAGE, f"{prefix}/{repository.binary('hello').path}")
    ]
    assert told(opened, sha256(repository.suite_folder / "main/binary-amd64/Packages.xz")) == [
        (Part.INDEX, f"{prefix}/dists/bookworm/main/binary-amd64/Packages.xz")
    ]


def test_a_flat_suite(make_repository: MakeRepository, tmp_path: Path) -> None:
    repository = make_repository(flat=True)
    repository.add("hello", "1.0")
    repository.publish()

    [(part, path)] = told(product(tmp_path, repository), sha256(repository.file_of("hello")))

    assert part is Part.PACKAGE
    assert path.endswith("/hello_1.0_amd64.deb")


def test_installer_images(make_repository: MakeRepository, tmp_path: Path) -> None:
    repository = make_repository()
    repository.add("hello", "1.0")
    repository.add_installer({"netboot/linux": b"a kernel"})
    repository.publish()

    [(part, path)] = told(product(tmp_path, repository), Digest.of(b"a kernel"))

    assert part is Part.LISTED
    assert path.endswith("/dists/bookworm/main/installer-amd64/current/images/netboot/linux")


def test_what_hides_behind_a_damaged_index_is_known_by_records(repository: Repository, tmp_path: Path) -> None:
    opened = product(tmp_path, repository)
    used(opened, repository, "hello")
    hello = sha256(repository.file_of("hello"))
    indexes = [sha256(path) for path in (repository.suite_folder / "main/binary-amd64").glob("Packages*")]

    assert {part for part, _ in told(opened, hello, *indexes)} == {Part.INDEX, Part.PACKAGE}
    assert told(opened, hello, sha256(repository.suite_folder / "InRelease")) == [
        (Part.ROOT, f"{repository.url.removeprefix('http://')}/dists/bookworm/InRelease"),
        (Part.PACKAGE, f"{repository.url.removeprefix('http://')}/{repository.binary('hello').path}"),
    ]


def test_single_files_and_pins_in_work_count(repository: Repository, tmp_path: Path) -> None:
    opened = pinned_environment(tmp_path)
    generation = opened.store.load()
    fill(opened.settings.archive.path, repository)
    Objects(opened.settings.archive.path).put(b"a key")
    opened.store.add_extra(generation.id, "www.example.org/key.asc", Digest.of(b"a key"))

    opened.store.add_provisional(generation.id, key_of(repository), pin_of(repository))

    assert told(opened, Digest.of(b"a key")) == [(Part.SINGLE, "www.example.org/key.asc")]
    assert [part for part, _ in told(opened, sha256(repository.file_of("hello")))] == [Part.PACKAGE]


def test_a_suite_of_several_generations_is_told_once(repository: Repository, tmp_path: Path) -> None:

    opened = product(tmp_path, repository)
    transitions.reset(opened.store, opened.store.load(), (), ())

    [need] = found(opened, sha256(repository.file_of("hello")))

    assert need.is_current


def test_names_are_aliases_too(tmp_path: Path) -> None:
    objects = Objects(tmp_path)
    part = objects.layout.temporary()
    part.write_bytes(b"x")
    sha512 = Digest.parse(f"sha512:{hexdigest('SHA512', b'x')}")
    objects.adopt(part, Digest.of(b"x"), [sha512])
    (tmp_path / "aliases/stray").write_text("torn")

    assert names(objects.layout, [Digest.of(b"x")]) == {Digest.of(b"x"): Digest.of(b"x"), sha512: Digest.of(b"x")}
    assert names(objects.layout, [Digest.of(b"y")]) == {Digest.of(b"y"): Digest.of(b"y")}
