# SPDX-License-Identifier: MIT
"""The sources of what was served and of an image; tests/apt/test_sources.py has the stories with a real apt."""

from pathlib import Path

import pytest

from aptfreeze.describe.shipment import Missing, Shipment
from aptfreeze.environment.opened import Opened
from aptfreeze.errors import IntegrityError, UsageError
from aptfreeze.verbs.sources import Wish, sources
from support.archive import objects_of
from support.keeping import pinned_environment, used
from support.origin import Origin
from support.repository import MakeRepository, Repository
from support.rootfs import installed, rootfs


@pytest.fixture
def repository(make_repository: MakeRepository) -> Repository:
    repository = make_repository()
    repository.add("bash", "5.2-1+b1", Source="bash (5.2-1)", built_using="zlib (= 1.0-1)")
    repository.add("other", "1.0")
    repository.add_source("bash", "5.2-1")
    repository.add_source("zlib", "1.0-1", extra=True)
    repository.publish()
    return repository


@pytest.fixture
def opened(repository: Repository, tmp_path: Path) -> Opened:
    """`bash` was used; the archive is empty."""
    opened = pinned_environment(tmp_path, repository)
    used(opened, repository, "bash")
    return opened


def found(opened: Opened, wish: Wish | None = None) -> Shipment:
    return sources(opened, wish or Wish(), tell=lambda text: None)


def test_of_what_was_served_the_index_tells_the_sources(opened: Opened, repository: Repository) -> None:
    shipment = found(opened)

    assert [(each.how, each.source) for each in shipment.sourced] == [
        ("source", ("bash", "5.2-1")),
        ("built-using", ("zlib", "1.0-1")),
    ]
    assert (shipment.exit_status, shipment.fetched) == (0, 1 + 1 + 1 + 4)
    held = objects_of(opened.settings.archive.path)
    assert all(set(each.sha256.values()) <= set(held) for each in repository.sources.values())


def test_check_fetches_nothing_and_knows_nothing_without_an_index(opened: Opened, origin: Origin) -> None:
    shipment = found(opened, Wish(is_check=True))

    (bash,) = shipment.sourced
    assert isinstance(bash.answer, Missing)
    assert "no index at hand lists bash 5.2-1+b1 amd64" in bash.answer.tried[0]
    assert (shipment.exit_status, origin.asked()) == (3, [])


def test_of_an_image_dpkg_tells_them(opened: Opened, repository: Repository, tmp_path: Path) -> None:
    image = rootfs(tmp_path / "image", installed(repository.binary("other")))

    (other,) = found(opened, Wish(image)).sourced

    assert other.source == ("other", "1.0")
    assert isinstance(other.answer, Missing)


def test_an_image_without_a_package_is_no_success(opened: Opened, tmp_path: Path) -> None:
    image = rootfs(
        tmp_path / "image", b"Package: x\nVersion: 1\nArchitecture: all\nStatus: deinstall ok config-files\n"
    )

    with pytest.raises(IntegrityError, match="lists no installed package at all"):
        found(opened, Wish(image))


def test_a_folder_that_cannot_be_used_is_refused_before_anything_is_fetched(
    opened: Opened, tmp_path: Path, origin: Origin
) -> None:
    with pytest.raises(UsageError, match="cannot write to"):
        found(opened, Wish(out=tmp_path / "none/below"))
    assert origin.asked() == []


def test_without_pins_or_a_record_there_is_nothing_to_say(
    opened: Opened, repository: Repository, tmp_path: Path
) -> None:
    with pytest.raises(IntegrityError, match="nothing is pinned in generation"):
        found(pinned_environment(tmp_path / "empty"))
    with pytest.raises(IntegrityError, match=r"no run of generation .* is recorded"):
        found(pinned_environment(tmp_path / "unused", repository))
