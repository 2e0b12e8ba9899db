# SPDX-License-Identifier: MIT
"""What stands in a bill of materials."""

import hashlib
from pathlib import Path

from aptfreeze.describe import rootfs
from aptfreeze.describe.bill import Bill, Component, bill
from aptfreeze.describe.description import describe
from aptfreeze.environment.opened import Opened
from aptfreeze.fetch.opened import open_archive
from support.describing import image_of, status
from support.keeping import key_of, used
from support.repository import Repository


def url(vendor: str, name: str, version: str, architecture: str, codename: str) -> str:
    return f"{vendor}/{name} {version} {architecture} {codename}".strip()


def billed(opened: Opened, image: Path | None) -> Bill:
    with open_archive(opened.settings) as archive:
        found = describe(opened, archive, rootfs.read(image) if image else None)
        return bill(found, archive.lookup(offline=True), "product", url)


def by_name(found: Bill) -> dict[str, Component]:
    return {each.purl: each for each in found.components}


def test_a_package_has_its_hashes_its_origin_and_what_it_depends_on(
    opened: Opened, repository: Repository, tmp_path: Path
) -> None:
    libhello = status(
        "libhello",
        "1.0-1+b1",
        Depends="data",
        Built_Using="gcc (= 12)",
        Maintainer="Jane <jane@example.org>",
        Description="greets",
        Section="libs",
        Homepage="https://www.example.org/",
    )

    found = by_name(billed(opened, image_of(tmp_path, libhello, status("data", architecture="all"))))

    deb = repository.binary("libhello").build()
    assert list(found) == [
        "test/data 1.0 all bookworm",
        "test/data 1.0 source",
        "test/gcc 12 source",
        "test/hello 1.0-1 source",
        "test/libhello 1.0-1+b1 amd64 bookworm",
    ]
    assert found["test/libhello 1.0-1+b1 amd64 bookworm"] == Component(
        "test/libhello 1.0-1+b1 amd64 bookworm",
        "test",
        "libhello",
        "1.0-1+b1",
        "amd64",
        hashlib.sha256(deb).hexdigest(),
        hashlib.sha512(deb).hexdigest(),
        "Jane <jane@example.org>",
        "https://www.example.org/",
        "libs",
        "greets",
        f"{key_of(repository).repository}/{repository.binary('libhello').path}",
        str(key_of(repository)),
        ("test/data 1.0 all bookworm", "test/gcc 12 source", "test/hello 1.0-1 source"),
    )


def test_what_the_archive_lacks_has_the_hash_of_its_index_alone(
    opened: Opened, repository: Repository, tmp_path: Path
) -> None:
    sha256 = repository.binary("hello").sha256
    (opened.settings.archive.path / "objects/sha256" / sha256[:2] / sha256).unlink()

    hello = by_name(billed(opened, image_of(tmp_path, status("hello"))))["test/hello 1.0 amd64 bookworm"]

    assert (hello.sha256, hello.sha512) == (sha256, "")


def test_what_no_suite_lists_is_local_and_has_no_hash(opened: Opened, tmp_path: Path) -> None:
    found = by_name(billed(opened, image_of(tmp_path, status("ours", Source="our-source (7)"))))

    assert list(found) == ["local/our-source 7 source", "local/ours 1.0 amd64"]
    assert found["local/ours 1.0 amd64"].sha256 == ""


def test_without_an_image_what_was_used_is_billed(opened: Opened, repository: Repository) -> None:
    used(opened, repository, "hello", "libhello")

    assert list(by_name(billed(opened, None))) == [
        "test/hello 1.0 amd64 bookworm",
        "test/hello 1.0 source",
        "test/hello 1.0-1 source",
        "test/libhello 1.0-1+b1 amd64 bookworm",
    ]


def test_the_seed_is_that_of_the_content(opened: Opened, tmp_path: Path) -> None:
    hello, same, other = (
        billed(opened, image_of(tmp_path, status(package), name=name))
        for name, package in (("a", "hello"), ("b", "hello"), ("c", "compiler"))
    )
    assert hello.seed == same.seed != other.seed
    assert hello.created == opened.store.load().created
