# SPDX-License-Identifier: MIT
"""Which source packages a binary package demands, and who may do without one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from aptfreeze.deb.incorporated import Incorporated, IncorporatedBy
from aptfreeze.deb.installed import Installed
from aptfreeze.describe import closure
from aptfreeze.describe.closure import Chosen
from aptfreeze.describe.deployed import Deployed
from aptfreeze.describe.shipped import How, Shipped, deployed, served
from aptfreeze.fetch.lookup import Lookup
from aptfreeze.fetch.opened import open_archive
from aptfreeze.freeze.catalog import IndexEntry
from aptfreeze.freeze.digest import Digest, Wanted
from aptfreeze.settings import Exemption, Lack
from support.keeping import fill, key_of, pin_of, pinned_environment
from support.repository import MakeRepository, Repository

ZLIB = Incorporated(IncorporatedBy.BUILT_USING, "zlib", "1.0-1")
GOLANG = Incorporated(IncorporatedBy.STATIC, "golang-x", "0.1")
BASH = Shipped("bash", "5.2-1+b1", "amd64", "bash", "5.2-1", (ZLIB, GOLANG))


@pytest.fixture
def repository(make_repository: MakeRepository) -> Repository:
    repository = make_repository()
    repository.add("bash", "5.2-1+b1", Source="bash (5.2-1)", built_using="zlib (= 1.0-1)")
    repository.add("hello", "1.0")
    repository.publish()
    return repository


@pytest.fixture
def lookup(repository: Repository, tmp_path: Path) -> Iterator[Lookup]:
    opened = pinned_environment(tmp_path, repository)
    fill(opened.settings.archive.path, repository)
    with open_archive(opened.settings) as archive:
        yield archive.lookup(offline=True)


def test_its_own_source_and_what_it_incorporates() -> None:
    assert list(BASH.demands()) == [
        (How.SOURCE, ("bash", "5.2-1")),
        (How.BUILT_USING, ("zlib", "1.0-1")),
        (How.STATIC, ("golang-x", "0.1")),
    ]


def test_the_index_tells_sources_of_what_was_served(lookup: Lookup, repository: Repository) -> None:
    suite = Chosen(key_of(repository), pin_of(repository), ("main/binary-amd64/Packages",))

    found = served(lookup, [suite], closure.all_packages(lookup, suite))

    assert [(str(each), each.source_version, each.incorporated, each.is_described) for each in found] == [
        ("bash 5.2-1+b1 amd64", "5.2-1", (ZLIB,), True),
        ("hello 1.0 amd64", "1.0", (), True),
    ]
    assert [each.suite for each in found] == [key_of(repository)] * 2


def test_without_its_index_nothing_is_guessed(lookup: Lookup, repository: Repository) -> None:
    suite = Chosen(key_of(repository), pin_of(repository), ())
    entry = IndexEntry(Wanted(Digest.of(b"")), "hello", "1.0", "amd64")
    piece = closure.package_piece((suite.key, suite.pin), ("x",), "pool/x.deb", entry)

    (found,) = served(lookup, [suite], [piece])

    assert (found.source, found.is_described) == ("", False)


def test_dpkg_tells_sources_of_what_is_installed() -> None:
    package = Installed("bash", "5.2-1+b1", "amd64", "bash", "5.2-1", incorporated=(ZLIB, GOLANG))

    assert deployed([Deployed(package, None)]) == [BASH]
    assert BASH.suite is None


def test_an_exception_for_a_binary_is_none_for_what_it_incorporates() -> None:
    binary = Exemption("bash", frozenset({Lack.SOURCE}), "ours", "5.2-1+b1")
    library = Exemption("zlib", frozenset({Lack.SOURCE}), "lost")
    elsewhere = Exemption("bash", frozenset({Lack.ORIGIN}), "built here")
    own, built_using, _ = BASH.demands()

    assert BASH.exemption((elsewhere, binary), *own) == binary
    assert BASH.exemption((elsewhere,), *own) is None
    assert BASH.exemption((binary,), *built_using) is None
    assert BASH.exemption((library,), *built_using) == library
