# SPDX-License-Identifier: MIT
"""Nothing is fetched that nobody asked (but Sources indexes), nothing twice, and by a second run nothing at all."""

import pytest

from support.apt import Apt, MakeApt
from support.aptfreeze import Aptfreeze
from support.build import build
from support.origin import Origin
from support.repository import MakeRepository, Repository

BUILD = ["sh", "-c", "apt-get update && apt-get install --download-only hello"]


@pytest.fixture
def repository(make_repository: MakeRepository) -> Repository:
    """With much that nobody asks for."""
    repository = make_repository(components=("main", "contrib"), architectures=("amd64", "arm64"), pdiffs=True)
    repository.add("hello", "1.0")
    repository.add("other", "1.0")
    repository.add("foreign", "1.0", component="contrib")
    repository.add_source("hello", "1.0")
    repository.indexes["main/Contents-amd64"] = b"usr/bin/hello misc/hello\n"
    repository.publish()
    return repository


@pytest.fixture
def client(apt: Apt, repository: Repository) -> Apt:
    apt.add(repository, components="main")
    return apt


def test_only_what_was_asked_and_the_sources_of_its_component(
    repository: Repository, client: Apt, aptfreeze: Aptfreeze, origin: Origin
) -> None:
    aptfreeze.run(BUILD, env=client.environ).ok()

    folders = sorted(path.partition("/by-hash/")[0].removeprefix("/debian/") for path in origin.asked())
    assert folders == [
        "dists/bookworm/InRelease",
        "dists/bookworm/main/binary-amd64",
        "dists/bookworm/main/source",
        "pool/main/h/hello/hello_1.0_amd64.deb",
    ]


def test_a_second_run_asks_the_mirror_nothing(
    client: Apt, aptfreeze: Aptfreeze, make_apt: MakeApt, repository: Repository, origin: Origin
) -> None:
    aptfreeze.run(BUILD, env=client.environ).ok()
    origin.forget()
    again = make_apt()
    again.add(repository, components="main")

    aptfreeze.run(BUILD, env=again.environ).ok()

    assert again.fetched() == client.fetched() != {}
    assert (origin.asked(), origin.count(method="HEAD")) == ([], 0)


def test_no_sources_when_the_policy_says_so(client: Apt, aptfreeze: Aptfreeze, origin: Origin) -> None:
    aptfreeze.configure('[policy]\nsources = "off"')

    aptfreeze.run(BUILD, env=client.environ).ok()

    assert origin.count("*/source/*") == 0
    assert origin.count() == 3


def test_many_clients_at_once_are_one_to_the_mirror(
    repository: Repository, make_apt: MakeApt, aptfreeze: Aptfreeze, origin: Origin
) -> None:
    with aptfreeze.serve() as frozen:
        clients = [make_apt(proxy=frozen.proxy) for _ in range(2)]
        for client in clients:
            build(client, repository, "hello", "other", components="main")

    asked = origin.asked()
    assert len(asked) == len(set(asked)) == 5


def test_the_same_sources_from_another_mirror_state_are_not_asked_again(
    repository: Repository, client: Apt, aptfreeze: Aptfreeze, origin: Origin
) -> None:
    aptfreeze.run(BUILD, env=client.environ).ok()
    repository.add("hello", "2.0")
    repository.add_source("hello", "2.0")
    repository.publish()
    origin.forget()

    aptfreeze.run(["sh", "-c", "apt-get update && apt-get install --download-only other"], env=client.environ).ok()

    assert origin.asked() == ["/debian/pool/main/o/other/other_1.0_amd64.deb"]
