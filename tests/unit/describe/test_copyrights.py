# SPDX-License-Identifier: MIT
"""The copyright file out of a .deb, or out of the one that it leads to."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from aptfreeze.describe.closure import package_piece
from aptfreeze.describe.copyrights import copyrights, pieces
from aptfreeze.describe.obtaining import Obtaining
from aptfreeze.describe.shipment import CopyrightFile
from aptfreeze.describe.shipped import Shipped
from aptfreeze.environment.opened import Opened
from aptfreeze.fetch.opened import OpenArchive, open_archive
from aptfreeze.freeze.catalog import IndexEntry
from aptfreeze.freeze.digest import Digest, Wanted
from aptfreeze.freeze.generation import SuiteKey
from support.debs import To, build, needs_dpkg_deb
from support.keeping import pinned_environment

DOCS = "usr/share/doc"
KEY = SuiteKey("mirror.example.org/debian", "bookworm")
pytestmark = needs_dpkg_deb


@pytest.fixture
def opened(tmp_path: Path) -> Opened:
    return pinned_environment(tmp_path / "product")


@pytest.fixture
def archive(opened: Opened) -> Iterator[OpenArchive]:
    with open_archive(opened.settings) as archive:
        yield archive


def shipped(name: str, digest: Digest) -> Shipped:
    entry = IndexEntry(Wanted(digest), name, "1.0", "amd64", name, "1.0")
    piece = package_piece((KEY, None), (KEY.repository,), f"pool/{name}.deb", entry)
    return Shipped(name, "1.0", "amd64", name, "1.0", (), piece)


def of(
    opened: Opened, archive: OpenArchive, folder: Path, **trees: Mapping[str, bytes | To]
) -> dict[str, CopyrightFile]:
    """Of packages with these files."""
    packages = []
    for name, tree in trees.items():
        data = build(folder, tree, name=name).read_bytes()
        packages.append(shipped(name, archive.objects.put(data)))
    obtaining = Obtaining(opened, archive, lambda text: None, None)
    return {each.shipped.package: each for each in copyrights(obtaining, packages)}


def test_the_file_itself(opened: Opened, archive: OpenArchive, tmp_path: Path) -> None:
    found = of(opened, archive, tmp_path, hello={f"{DOCS}/hello/copyright": b"free", f"{DOCS}/hello/other": b"x"})

    assert (found["hello"].content, found["hello"].reason) == (b"free", "")


def test_a_folder_or_a_file_that_is_a_link_to_another_package(
    opened: Opened, archive: OpenArchive, tmp_path: Path
) -> None:
    found = of(
        opened,
        archive,
        tmp_path,
        base={f"{DOCS}/base/copyright": b"free"},
        linked={f"{DOCS}/linked": To("base")},
        file={f"{DOCS}/file/copyright": To("../base/copyright")},
        absolute={f"{DOCS}/absolute/copyright": To(f"/{DOCS}/linked/copyright")},
    )

    assert {name: each.content for name, each in found.items()} == dict.fromkeys(found, b"free")


@pytest.mark.parametrize(
    ("tree", "reason"),
    [
        ({f"{DOCS}/hello/README": b""}, f"it has no {DOCS}/hello/copyright"),
        ({f"{DOCS}/hello": To("other")}, "it is in other, which is not among these packages"),
        ({f"{DOCS}/hello/copyright": To("/etc/motd")}, f"{DOCS}/hello/copyright in it is a link to etc/motd"),
        ({f"{DOCS}/hello/copyright": To("copyright")}, "in it is a link to"),
    ],
)
def test_none_and_why(
    opened: Opened, archive: OpenArchive, tmp_path: Path, tree: Mapping[str, bytes | To], reason: str
) -> None:
    found = of(opened, archive, tmp_path, hello=tree)["hello"]

    assert found.content is None
    assert reason in found.reason
    assert not found.is_lacking


def test_links_in_a_circle_end(opened: Opened, archive: OpenArchive, tmp_path: Path) -> None:
    found = of(opened, archive, tmp_path, one={f"{DOCS}/one": To("two")}, two={f"{DOCS}/two": To("one")})

    assert found["one"].content is None
    assert found["one"].reason.endswith(", and so on")


def test_what_is_no_deb_or_in_no_suite(opened: Opened, archive: OpenArchive) -> None:
    local = Shipped("local", "1.0", "amd64", "local", "1.0")
    broken = shipped("broken", archive.objects.put(b"no ar archive"))
    obtaining = Obtaining(opened, archive, lambda text: None, None)

    reasons = [each.reason for each in copyrights(obtaining, [local, broken])]

    assert reasons == [
        "it is in no pinned suite, so there is no .deb of it",
        "the .deb of broken 1.0 amd64 cannot be read: it is no ar archive",
    ]
    assert pieces([local, broken]) == [broken.piece]


def test_a_deb_that_could_not_be_had_is_lacking(opened: Opened, archive: OpenArchive) -> None:
    package = shipped("gone", Digest.of(b"gone"))
    obtaining = Obtaining(opened, archive, lambda text: None, None, forbidden_by="--check")
    obtaining.have(pieces([package]))

    (found,) = copyrights(obtaining, [package])

    assert (found.is_lacking, found.is_gone) == (True, None)
