# SPDX-License-Identifier: MIT
"""Builds whose files are fetched before apt asks for them."""

import shutil

import pytest

from support.apt import Apt, MakeApt
from support.aptfreeze import Aptfreeze
from support.origin import Origin
from support.repository import MakeRepository, Repository

LIST = [f"p{number:02}" for number in range(40)]


@pytest.fixture
def repository(make_repository: MakeRepository) -> Repository:
    repository = make_repository()
    for name in (*LIST, "other"):
        repository.add(name, "1.0")
    repository.publish()
    return repository


def build(*packages: str) -> list[str]:
    return ["sh", "-c", f"apt-get update && apt-get install --download-only {' '.join(packages)}"]


def new_client(make_apt: MakeApt, repository: Repository) -> Apt:
    client = make_apt()
    client.add(repository)
    return client


def test_an_empty_archive_is_filled_by_the_list_and_each_file_is_asked_once(
    make_apt: MakeApt, repository: Repository, aptfreeze: Aptfreeze, origin: Origin
) -> None:
    first, again = (new_client(make_apt, repository) for _ in range(2))
    aptfreeze.run(build(*LIST), env=first.environ).ok()
    before = sorted(origin.asked())
    shutil.rmtree(aptfreeze.archive)
    origin.forget()

    result = aptfreeze.run(build(*LIST), env=again.environ).ok()

    assert again.fetched() == first.fetched() != {}
    assert sorted(origin.asked()) == before
    assert "in vain" not in result.stderr


def test_after_the_pin_was_given_up_the_new_versions_are_asked_once_and_the_others_not_at_all(
    make_apt: MakeApt, repository: Repository, aptfreeze: Aptfreeze, origin: Origin
) -> None:
    aptfreeze.run(build(*LIST), env=new_client(make_apt, repository).environ).ok()
    for name in LIST[10:30]:
        repository.add(name, "2.0~rc+1")
    repository.publish()
    aptfreeze.lock_file.unlink()
    origin.forget()
    again = new_client(make_apt, repository)

    aptfreeze.run(build(*LIST), env=again.environ).ok()

    assert len(again.fetched()) == len(LIST)
    assert sorted(origin.asked("*.deb")) == [f"/debian/{repository.binary(name).path}" for name in LIST[10:30]]


def test_a_build_that_needs_less_says_what_was_fetched_in_vain(
    make_apt: MakeApt, repository: Repository, aptfreeze: Aptfreeze, origin: Origin
) -> None:
    aptfreeze.run(build(*LIST), env=new_client(make_apt, repository).environ).ok()
    shutil.rmtree(aptfreeze.archive)
    origin.forget()
    waits = f"while [ $(find {aptfreeze.archive}/objects -type f | wc -l) -lt {len(LIST)} ]; do sleep 0.1; done"

    result = aptfreeze.run(
        ["sh", "-c", f"apt-get update && apt-get install --download-only {LIST[0]} && {waits}"],
        env=new_client(make_apt, repository).environ,
    ).ok()

    assert "fetched in vain" in result.stderr
    assert set(origin.asked("*.deb")) <= {f"/debian/{repository.binary(name).path}" for name in LIST}
    assert len(origin.asked("*.deb")) == len(set(origin.asked("*.deb")))


def test_where_it_is_switched_off_only_what_apt_asks_is_asked(
    make_apt: MakeApt, repository: Repository, aptfreeze: Aptfreeze, origin: Origin
) -> None:
    aptfreeze.configure("[fetch]\nprefetch = false")
    aptfreeze.run(build(*LIST), env=new_client(make_apt, repository).environ).ok()
    shutil.rmtree(aptfreeze.archive)
    origin.forget()

    aptfreeze.run(build(*LIST[:3]), env=new_client(make_apt, repository).environ).ok()

    assert len(origin.asked("*.deb")) == 3
