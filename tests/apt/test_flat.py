# SPDX-License-Identifier: MIT
"""Flat repositories: everything in one folder, a Release or none."""

import pytest

from support.apt import Apt, MakeApt, sha256_of_files
from support.aptfreeze import Aptfreeze
from support.build import build
from support.origin import Origin
from support.repository import MakeRepository, Repository


def _filled(repository: Repository) -> Repository:
    repository.add("hello", "1.0")
    repository.add("tool+", "1~2")
    repository.publish()
    return repository


@pytest.mark.parametrize("inrelease", [True, False], ids=["InRelease", "Release and Release.gpg"])
def test_a_signed_one_is_frozen(
    make_repository: MakeRepository, make_apt: MakeApt, aptfreeze: Aptfreeze, origin: Origin, inrelease: bool
) -> None:
    repository = _filled(make_repository("vendor/flat", flat=True, inrelease=inrelease))
    with aptfreeze.serve() as frozen:
        first = build(make_apt(proxy=frozen.proxy), repository, "hello", "tool+")
        repository.add("hello", "2.0")
        repository.publish()
        origin.forget()

        assert build(make_apt(proxy=frozen.proxy), repository, "hello", "tool+") == first

    assert origin.asked() == []
    assert list(first) == ["hello_1.0_amd64.deb", "tool+_1~2_amd64.deb"]
    assert list(aptfreeze.pins) == [f"{origin.host}/vendor/flat ./"]


def test_one_without_a_release_is_refused(
    make_repository: MakeRepository, apt: Apt, aptfreeze: Aptfreeze, origin: Origin
) -> None:
    repository = _filled(make_repository("vendor/flat", flat=True, key=None, release=False))
    apt.add(repository, trusted="yes")
    with aptfreeze.serve() as frozen:
        apt.use_proxy(frozen.proxy)
        apt.update()
        said = frozen.output

    assert aptfreeze.pins == {}
    assert apt.candidate("hello") is None
    assert f"{origin.host}/vendor/flat ./" in said


def test_one_without_a_release_is_pinned_by_its_package_list_when_that_is_allowed(
    make_repository: MakeRepository, make_apt: MakeApt, aptfreeze: Aptfreeze, origin: Origin
) -> None:
    repository = _filled(make_repository("vendor/flat", flat=True, key=None, release=False, stored=(".gz",)))
    aptfreeze.configure(f'unsigned = ["{origin.host}/vendor/flat ./"]')
    with aptfreeze.serve() as frozen:
        first = build(make_apt(proxy=frozen.proxy), repository, trusted="yes")
        repository.add("hello", "2.0")
        repository.publish()
        origin.forget()

        assert build(make_apt(proxy=frozen.proxy), repository, trusted="yes") == first

    assert origin.asked() == []
    pin = aptfreeze.pins[f"{origin.host}/vendor/flat ./"]
    assert pin["file"] == "Packages.gz"
    assert pin["signers"] == []


def test_flat_sources(make_repository: MakeRepository, client: Apt) -> None:
    repository = make_repository("flat", flat=True)
    repository.add("hello", "1.0")
    files = repository.add_source("hello", "1.0").sha256
    repository.publish()
    client.add(repository, types=("deb", "deb-src"))

    client.update().ok()
    client.source("hello").ok()

    assert sha256_of_files(client.downloads) == files
