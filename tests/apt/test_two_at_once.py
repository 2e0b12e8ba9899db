# SPDX-License-Identifier: MIT
"""Two proxies of one environment at the same moment: they pin the same InRelease, and share what is under way."""

from concurrent.futures import ThreadPoolExecutor

from support.apt import MakeApt
from support.aptfreeze import Aptfreeze
from support.build import build
from support.faults import Stall
from support.origin import Origin
from support.repository import Repository


def test_the_slower_one_follows_the_pin_of_the_faster_one(
    repository: Repository, aptfreeze: Aptfreeze, make_apt: MakeApt, origin: Origin
) -> None:
    stall = Stall()
    origin.inject("*/InRelease", stall, times=1)
    with aptfreeze.serve() as slow, aptfreeze.serve() as fast, ThreadPoolExecutor() as threads:
        slow_build = threads.submit(build, make_apt(proxy=slow.proxy), repository)
        assert stall.reached.wait(10)  # the first state is on its way to one of the two
        repository.add("hello", "2.0")
        repository.publish()
        fast_build = build(make_apt(proxy=fast.proxy), repository)
        stall.release()

        assert slow_build.result(60) == fast_build

    assert list(fast_build) == ["hello_2.0_amd64.deb"]
    assert len(aptfreeze.pins) == 1


def test_a_file_that_one_of_them_fetches_is_not_fetched_by_the_other(
    repository: Repository, aptfreeze: Aptfreeze, make_apt: MakeApt, origin: Origin
) -> None:
    repository.add("hello", "1.0", size=3_000_000)
    repository.publish()
    stall = Stall(1_000_000)
    origin.inject("*.deb", stall, times=1)
    with aptfreeze.serve() as first, aptfreeze.serve() as second, ThreadPoolExecutor() as threads:
        one = threads.submit(build, make_apt(proxy=first.proxy), repository)
        assert stall.reached.wait(10)
        client = make_apt(proxy=second.proxy)
        client.add(repository)
        client.update().ok()
        other = threads.submit(client.install, "hello")
        stall.release()

        other.result(60).ok()
        assert one.result(60) == client.fetched()

    assert origin.count("*.deb") == 1


def test_two_builds_in_one_proxy_share_a_download(
    repository: Repository, aptfreeze: Aptfreeze, make_apt: MakeApt, origin: Origin
) -> None:
    repository.add("hello", "1.0", size=3_000_000)
    repository.publish()
    with aptfreeze.serve() as frozen, ThreadPoolExecutor() as threads:
        builds = [threads.submit(build, make_apt(proxy=frozen.proxy), repository) for _ in range(3)]
        first, *others = [each.result(60) for each in builds]

    assert others == [first, first]
    assert (origin.count("*.deb"), origin.count("*/InRelease")) == (1, 1)
