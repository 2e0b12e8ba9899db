# SPDX-License-Identifier: MIT
"""Several environments on one archive at once: the mirror is asked for each file once, whoever is killed."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from support.apt import Apt, MakeApt
from support.aptfreeze import Aptfreeze
from support.archive import every_object_verifies
from support.build import build
from support.faults import Delay, Stall
from support.origin import Origin
from support.repository import Repository
from support.starting import BUILD, started


def wait_for_a_part(client: Apt, name: str) -> None:
    """Until this apt has received something of a package that is not complete yet."""
    part, limit = client.archives / "partial" / name, time.monotonic() + 20
    while not part.exists() or part.stat().st_size == 0:
        assert time.monotonic() < limit, f"nothing of {name} came"
        time.sleep(0.01)


@pytest.mark.parametrize("size", [300_000, 3_000_000], ids=["300 KB", "3 MB"])
def test_two_environments_that_build_at_once_fetch_each_file_once(
    repository: Repository, aptfreeze: Aptfreeze, make_apt: MakeApt, origin: Origin, size: int
) -> None:
    hello = repository.add("hello", "1.0", size=size).sha256
    repository.add_source("hello", "1.0")
    repository.publish()
    origin.inject("*", Delay(0.1))
    products, clients = [aptfreeze, aptfreeze.beside("other")], [make_apt(), make_apt()]
    for client in clients:
        client.add(repository)
    with started(products[0], clients[0]) as one, started(products[1], clients[1]) as other:
        one.result().ok()
        other.result().ok()

    assert [client.fetched() for client in clients] == [{"hello_1.0_amd64.deb": hello}] * 2
    asked = origin.asked()
    assert asked.count("/debian/dists/bookworm/InRelease") == 2  # each environment pins for itself
    assert len(asked) == len(set(asked)) + 1 == 5
    every_object_verifies(aptfreeze.archive)


def test_a_server_of_another_environment_shows_what_the_first_one_receives(
    repository: Repository, aptfreeze: Aptfreeze, make_apt: MakeApt, origin: Origin
) -> None:
    hello = repository.add("hello", "1.0", size=3_000_000).sha256
    repository.publish()
    stall = Stall(1_000_000)
    origin.inject("*.deb", stall)
    with aptfreeze.serve() as one, aptfreeze.beside("other").serve() as other, ThreadPoolExecutor() as threads:
        clients = [make_apt(proxy=one.proxy), make_apt(proxy=other.proxy)]
        builds = [threads.submit(build, clients[0], repository)]
        assert stall.reached.wait(20)
        builds.append(threads.submit(build, clients[1], repository))
        wait_for_a_part(clients[1], "hello_1.0_amd64.deb")
        stall.release()

        assert [each.result(60) for each in builds] == [{"hello_1.0_amd64.deb": hello}] * 2

    assert origin.count("*.deb") == 1


def test_the_other_server_goes_on_where_the_first_one_was_killed(
    repository: Repository, aptfreeze: Aptfreeze, make_apt: MakeApt, origin: Origin
) -> None:
    hello = repository.add("hello", "1.0", size=3_000_000).sha256
    repository.publish()
    stall = Stall(1_000_000)
    origin.inject("*.deb", stall, times=1)
    with aptfreeze.serve() as one, aptfreeze.beside("other").serve() as other, ThreadPoolExecutor() as threads:
        client = make_apt(proxy=one.proxy)
        client.set("Acquire::Retries", "0")
        client.add(repository)
        client.update().ok()
        lost = threads.submit(client.install, "hello")
        assert stall.reached.wait(20)
        follower = make_apt(proxy=other.proxy)
        kept = threads.submit(build, follower, repository)
        wait_for_a_part(follower, "hello_1.0_amd64.deb")
        one.kill()

        assert kept.result(60) == {"hello_1.0_amd64.deb": hello}
        lost.result(60).fails(100)

    ranges = [seen.headers.get("range", "") for seen in origin.requests if seen.path.endswith(".deb")]
    assert (ranges[0], ranges[1].startswith("bytes="), len(ranges)) == ("", True, 2)
    every_object_verifies(aptfreeze.archive)


def test_a_later_environment_asks_only_for_what_it_pins(
    repository: Repository, aptfreeze: Aptfreeze, make_apt: MakeApt, origin: Origin
) -> None:
    repository.add_source("hello", "1.0")
    repository.publish()
    clients = [make_apt(), make_apt()]
    for client in clients:
        client.add(repository)
    aptfreeze.run(BUILD, env=clients[0].environ).ok()
    origin.forget()

    aptfreeze.beside("later").run(BUILD, env=clients[1].environ).ok()

    assert clients[1].fetched() == clients[0].fetched()
    assert origin.asked() == ["/debian/dists/bookworm/InRelease"]
