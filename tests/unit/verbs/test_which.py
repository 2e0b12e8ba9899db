# SPDX-License-Identifier: MIT
"""Where files, hashes, paths and packages stand in a generation, over a real repository."""

from pathlib import Path

import pytest

from aptfreeze.describe.whereabouts import Whereabouts
from aptfreeze.environment import transitions
from aptfreeze.environment.opened import Opened
from aptfreeze.errors import UsageError
from aptfreeze.freeze.digest import Digest
from aptfreeze.verbs.which import Package, which
from support.archive import objects_of
from support.keeping import fill, key_of, pinned_environment, used
from support.packages import hexdigest
from support.repository import MakeRepository, Repository


@pytest.fixture
def repository(make_repository: MakeRepository) -> Repository:
    repository = make_repository(architectures=("amd64", "arm64"))
    repository.add("hello", "1.0")
    for each in ("amd64", "arm64"):
        repository.add("both", "1.0", architecture=each)
    repository.add("libhello", "2:1.0-1+b1", Source="hello (1.0)")
    repository.add_source("hello", "1.0")
    repository.add_installer({"netboot/linux": b"a kernel"})
    repository.publish()
    return repository


@pytest.fixture
def opened(repository: Repository, tmp_path: Path) -> Opened:
    """`hello` was used; everything is archived."""
    opened = pinned_environment(tmp_path, repository)
    used(opened, repository, "hello")
    fill(opened.settings.archive.path, repository)
    return opened


def told(found: Whereabouts) -> list[tuple[str, str]]:
    return [(place.found.piece.name, place.found.index) for place in found.places]


def prefix(repository: Repository) -> str:
    return repository.url.removeprefix("http://")


AMD64 = ("hello 1.0 amd64", "main/binary-amd64/Packages")
ARM64 = ("both 1.0 arm64", "main/binary-arm64/Packages")
SOURCE = [
    ("hello 1.0 hello_1.0.tar.xz", "main/source/Sources"),
    ("hello 1.0 hello_1.0.dsc", "main/source/Sources"),
]


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("hello", [*SOURCE, AMD64]),
        ("both", [ARM64, ("both 1.0 amd64", "main/binary-amd64/Packages")]),
        ("hello:amd64", [AMD64]),
        ("hello:source", SOURCE),
        ("hello=1.0", [*SOURCE, AMD64]),
        ("both:arm64=1.0", [ARM64]),
        ("libhello=2:1.0-1+b1", [("libhello 2:1.0-1+b1 amd64", "main/binary-amd64/Packages")]),
        ("hello=2.0", []),
        ("hello:i386", []),
        ("nothing", []),
    ],
)
def test_packages(opened: Opened, tmp_path: Path, word: str, expected: list[tuple[str, str]]) -> None:
    found = which(opened, word, tmp_path)

    assert told(found) == expected
    assert found.exit_status == (0 if expected else 3)
    assert found.unread == ()


def test_all_that_is_told_of_a_package(opened: Opened, repository: Repository, tmp_path: Path) -> None:
    found = which(opened, "hello:amd64", tmp_path)

    [place] = found.data()["places"]
    [session] = place.pop("sessions")
    assert session["by"] == "a test"
    binary = (repository.root / "pool/main/h/hello/hello_1.0_amd64.deb").read_bytes()
    assert place == {
        "part": "package",
        "name": "hello 1.0 amd64",
        "path": f"{prefix(repository)}/pool/main/h/hello/hello_1.0_amd64.deb",
        "repository": prefix(repository),
        "suite": "bookworm",
        "index": "main/binary-amd64/Packages",
        "digest": str(Digest.of(binary)),
        "size": len(binary),
        "package": "hello",
        "version": "1.0",
        "architecture": "amd64",
        "source": "hello",
        "source_version": "1.0",
        "archived": True,
    }


def test_the_newest_version_comes_first(make_repository: MakeRepository, tmp_path: Path) -> None:
    old, new = (
        make_repository(suite="bookworm"),
        make_repository(suite="backports", suite_field="backports", codename="backports"),
    )
    old.add("hello", "1.9")
    new.add("hello", "1.10~bpo1")
    for each in (old, new):
        each.publish()
    opened = pinned_environment(tmp_path / "product", old, new)
    for each in (old, new):
        fill(opened.settings.archive.path, each)

    found = which(opened, "hello", tmp_path)

    assert [name for name, _ in told(found)] == ["hello 1.10~bpo1 amd64", "hello 1.9 amd64"]


@pytest.mark.parametrize("name", ["./some.deb", "some.deb", "sub/any"])
def test_a_file_is_known_by_its_bytes(opened: Opened, repository: Repository, tmp_path: Path, name: str) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / name).write_bytes(repository.file_of("libhello").read_bytes())

    found = which(opened, name, tmp_path)

    assert told(found) == [("libhello 2:1.0-1+b1 amd64", "main/binary-amd64/Packages")]
    assert found.digest == Digest.of((tmp_path / name).read_bytes())
    assert found.places[0].sessions == ()


def test_a_package_is_no_file_that_lies_about(opened: Opened, tmp_path: Path) -> None:
    (tmp_path / "hello").write_bytes(b"not a package")

    assert len(which(opened, "hello", tmp_path).places) == 3


@pytest.mark.parametrize("form", ["{}", "sha256:{}", "SHA256:{}"])
def test_a_hash(opened: Opened, repository: Repository, tmp_path: Path, form: str) -> None:
    digest = hexdigest("SHA256", repository.file_of("hello").read_bytes())

    assert len(told(which(opened, form.format(digest), tmp_path))) == 1
    assert len(told(which(opened, form.format(digest.upper()), tmp_path))) == 1


def test_the_hash_of_an_index_and_of_what_is_pinned(opened: Opened, repository: Repository, tmp_path: Path) -> None:
    def of(name: str) -> Whereabouts:
        return which(opened, hexdigest("SHA256", (repository.suite_folder / name).read_bytes()), tmp_path)

    [index] = of("main/binary-amd64/Packages.xz").places
    [root] = of("InRelease").places

    assert (index.found.piece.part, index.found.piece.name) == ("index", "main/binary-amd64/Packages.xz")
    assert len(index.sessions) == 1
    assert (root.found.piece.part, root.sessions) == ("pinned file", ())


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("pool/main/h/hello/hello_1.0_amd64.deb", "hello 1.0 amd64"),
        ("/pool/main/h/hello/hello_1.0.dsc", "hello 1.0 hello_1.0.dsc"),
        ("dists/bookworm/main/binary-amd64/Packages.gz", "main/binary-amd64/Packages.gz"),
        ("dists/bookworm/InRelease", "dists/bookworm/InRelease"),
        ("dists/bookworm/Release", "dists/bookworm/Release"),
        (
            "dists/bookworm/main/installer-amd64/current/images/netboot/linux",
            "main/installer-amd64/current/images/netboot/linux",
        ),
    ],
)
def test_paths_and_urls(opened: Opened, repository: Repository, tmp_path: Path, path: str, name: str) -> None:
    assert [each for each, _ in told(which(opened, path, tmp_path))] == [name]
    assert [each for each, _ in told(which(opened, f"{repository.url}/{path.lstrip('/')}", tmp_path))] == [name]
    assert [each for each, _ in told(which(opened, f"{prefix(repository)}/{path.lstrip('/')}", tmp_path))] == [name]


def test_a_single_file(opened: Opened, tmp_path: Path) -> None:
    opened.store.add_extra(opened.store.load().id, "www.example.org/key.asc", Digest.of(b"a key"))

    [place] = which(opened, "http://www.example.org/key.asc", tmp_path).places

    assert (place.found.piece.part, place.is_held) == ("single file", False)


@pytest.mark.parametrize("word", ["pool/main/n/no.deb", "http://other.example.org/pool/x.deb", "f" * 64, "f" * 32])
def test_what_is_nothing_of_it(opened: Opened, tmp_path: Path, word: str) -> None:
    found = which(opened, word, tmp_path)

    assert (found.places, found.is_held, found.exit_status) == ((), False, 3)


@pytest.mark.parametrize("word", ["two words", "a=b=c d", "http://user@example.org/x", "http://[/x", "http://x/../y"])
def test_what_cannot_be_meant(opened: Opened, tmp_path: Path, word: str) -> None:
    with pytest.raises(UsageError):
        which(opened, word, tmp_path)


def test_what_an_earlier_generation_had(opened: Opened, repository: Repository, tmp_path: Path) -> None:
    before = opened.store.load()
    transitions.reset(opened.store, before, None)

    found = which(opened, str(Digest.of(repository.file_of("hello").read_bytes())), tmp_path)

    assert (found.places, found.is_held) == ((), True)
    assert [(each.generation, each.found.piece.name) for each in found.elsewhere] == [(before.id, "hello 1.0 amd64")]


def test_what_could_not_be_looked_into_is_told(opened: Opened, repository: Repository, tmp_path: Path) -> None:
    for name in ("Packages", "Packages.gz", "Packages.xz"):
        path = repository.suite_folder / "main/binary-amd64" / name
        if path.exists():
            objects_of(opened.settings.archive.path)[hexdigest("SHA256", path.read_bytes())].unlink()

    found = which(opened, "libhello", tmp_path)

    assert (found.places, found.unread) == ((), (f"main/binary-amd64/Packages of {key_of(repository)}",))
    root = hexdigest("SHA256", (repository.suite_folder / "InRelease").read_bytes())
    objects_of(opened.settings.archive.path)[root].unlink()
    assert which(opened, "libhello", tmp_path).unread == (f"the Release of {key_of(repository)}",)


def test_the_forms_of_a_package() -> None:
    assert Package.parse("a") == Package("a")
    assert Package.parse("a=1:2") == Package("a", None, "1:2")
    assert Package.parse("a:all=1:2") == Package("a", "all", "1:2")
