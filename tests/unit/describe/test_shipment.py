# SPDX-License-Identifier: MIT
"""What is there, what is missing, what may be, and the status that follows."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from aptfreeze.describe import closure
from aptfreeze.describe.obtaining import Obtaining
from aptfreeze.describe.shipment import Accounting, CopyrightFile, Kept, Missing, Sourced, demands, unused
from aptfreeze.describe.shipped import How, Shipped
from aptfreeze.describe.sourcesearch import SourceSearch
from aptfreeze.environment.opened import Opened
from aptfreeze.fetch.opened import OpenArchive, open_archive
from aptfreeze.settings import Exemption, Lack
from support.keeping import fill, pinned_environment
from support.repository import MakeRepository, Repository
from support.shipping import BASH, EXEMPTION, TOOL, kept, missing, of, shipment

HELLO = Shipped("hello", "1.0", "amd64", "hello", "1.0")


@pytest.mark.parametrize(
    ("sourced", "status"),
    [
        ([of(BASH, kept("bash", "5.2-1", "a"))], 0),
        ([of(BASH, missing("bash"))], 3),
        ([of(BASH, missing("bash", is_gone=None))], 3),
        ([of(BASH, missing("bash", is_gone=False))], 4),
        ([of(BASH, missing("bash", is_gone=False)), of(TOOL, missing("tool"))], 3),
        ([of(TOOL, missing("tool"), exemption=EXEMPTION)], 0),
        ([of(TOOL, missing("tool"), How.STATIC)], 3),
    ],
)
def test_the_status_is_that_of_the_worst(sourced: list[Sourced], status: int) -> None:
    assert shipment(*sourced).exit_status == status


@pytest.mark.parametrize(
    ("copyright_file", "status"),
    [
        (CopyrightFile(BASH, b"free"), 0),
        (CopyrightFile(BASH, None, "it has none"), 0),
        (CopyrightFile(BASH, None, "gone", is_lacking=True), 3),
        (CopyrightFile(BASH, None, "away", is_gone=False, is_lacking=True), 4),
    ],
)
def test_a_deb_that_could_not_be_had_counts_where_its_copyright_is_wanted(
    copyright_file: CopyrightFile, status: int
) -> None:
    assert shipment(of(BASH, kept("bash", "1", "a")), copyrights=(copyright_file,)).exit_status == status


def test_who_demands_what_is_missing_stands_beside_it() -> None:
    lost = missing("lost")

    found = shipment(of(TOOL, lost), of(BASH, lost, How.STATIC), of(TOOL, missing("other"), exemption=EXEMPTION))

    assert [(each, len(demanded)) for each, demanded in found.missing] == [(lost, 2)]
    assert [each.shipped for each in found.excepted] == [TOOL]


def test_an_exception_that_fits_nothing_is_told() -> None:
    others = [Exemption("x", frozenset({Lack.SOURCE}), "why", "2"), Exemption("y", frozenset({Lack.ORIGIN}), "why")]

    assert list(unused([TOOL, BASH], [EXEMPTION, *others])) == [
        "the exception for x 2 fits nothing that is shipped: why"
    ]
    assert [each.may_lack for each in demands([TOOL, BASH], [EXEMPTION])] == [True, False]


@pytest.fixture
def repository(make_repository: MakeRepository) -> Repository:
    repository = make_repository()
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


def accounted(opened: Opened, archive: OpenArchive, *packages: Shipped) -> list[Kept | Missing]:
    obtaining = Obtaining(opened, archive, lambda text: None, None, forbidden_by="--check")
    search = SourceSearch(obtaining, opened.store.load(), demands(packages, ()))
    search.run([])
    obtaining.have([piece for each in search.found() for piece in each.pieces])
    return [each.answer for each in Accounting(obtaining, search, ()).sourced(packages)]


def test_a_source_package_counts_when_all_of_its_files_are_there(
    opened: Opened, archive: OpenArchive, repository: Repository
) -> None:
    (whole,) = accounted(opened, archive, HELLO)
    assert isinstance(whole, Kept)
    assert {file.name: file.digest.hex for file in whole.files} == repository.sources["hello"].sha256

    objects = archive.objects
    objects.quarantine(whole.files[0].digest, "a test")
    (partial,) = accounted(opened, archive, HELLO)

    assert isinstance(partial, Missing)
    assert [file.name for file in partial.files] == [whole.files[0].name]
    assert partial.is_gone is None


def test_of_a_package_that_no_index_describes_nothing_is_known(opened: Opened, archive: OpenArchive) -> None:
    piece = next(closure.roots(opened.store.load()))
    (found,) = accounted(opened, archive, Shipped("x", "1", "amd64", "", "", (), piece, is_described=False))

    assert isinstance(found, Missing)
    assert found.tried == ("no index at hand lists x 1 amd64, so that its source is not known",)
    assert found.is_gone is True
