# SPDX-License-Identifier: MIT
"""A proxy from its first client to its end: what it tends meanwhile, and what stands when it is gone."""

import asyncio
import json
import shutil
import socket
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from aptfreeze.describe.progress import Activity
from aptfreeze.environment import records, transitions
from aptfreeze.environment.folder import Environment
from aptfreeze.environment.process import Process
from aptfreeze.environment.store import EnvironmentStore
from aptfreeze.errors import UsageError
from aptfreeze.fetch.opened import open_archive
from aptfreeze.freeze.generation import Generation
from aptfreeze.rows import from_values
from aptfreeze.serve.assembly import World
from aptfreeze.serve.running import Running, running
from aptfreeze.settings import ProxySettings, Settings, Sourced
from support.client import Response, ask
from support.defaults import defaults
from support.faults import Flip, Stall
from support.loops import in_loop
from support.origin import Origin
from support.pinning import key_of
from support.repository import MakeRepository, Repository
from support.serving import eventually
from support.signing import SigningKey

MakeWorld = Callable[..., World]


@pytest.fixture
def make_world(tmp_path: Path, signing_key: SigningKey) -> MakeWorld:
    """What a session of one environment begins with; `told` is at its end."""
    folder = tmp_path / "environment"
    folder.mkdir()

    def make(told: list[str] | None = None, command: str = "test", **options: Any) -> World:
        process = Process.current(command)
        store = EnvironmentStore(Environment(folder), process)
        tell = ([] if told is None else told).append
        return World(store, store.init(), _settings(tmp_path / "archive", signing_key), process, tell, **options)

    return make


def _settings(archive: Path, key: SigningKey) -> Settings:
    values: dict[str, Sourced[Any]] = defaults() | {
        "archive.path": Sourced(archive),
        "trust.keyrings": Sourced((key.keyring,)),
        "fetch.retries": Sourced(0),
    }
    return from_values(values)


def inrelease(repository: Repository) -> str:
    return f"{repository.url}/dists/{repository.layout.suite}/InRelease"


def packages(repository: Repository) -> str:
    return f"{repository.url}/dists/{repository.layout.suite}/main/binary-amd64/Packages.xz"


async def got(proxy: Running, *urls: str) -> list[Response]:
    """The answers, asked one after the other."""
    return [await asyncio.to_thread(ask, proxy.url, url) for url in urls]


async def finished(proxy: Running) -> None:
    assert await proxy.finish(asyncio.Event()) == []


def record_of(world: World) -> list[dict[str, Any]]:
    """The lines of the only record of the environment."""
    (path,) = world.store.environment.records.glob("*/*.jsonl")
    return [json.loads(line) for line in path.read_text().splitlines()]


def is_complete(record: list[dict[str, Any]]) -> bool:
    """Whether the session has ended in order."""
    return any("end" in line for line in record)


async def until_holds(holds: Callable[[], bool]) -> None:
    """For what another thread or a timer does; `in_loop` has the limit."""
    while not holds():  # noqa: ASYNC110 - there is no event for it
        await asyncio.sleep(0.01)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


# --- from the first client to the end ---


def test_clients_are_served_and_when_it_is_gone_all_is_written(
    make_world: MakeWorld, repository: Repository, tmp_path: Path
) -> None:
    world = make_world(access_log=tmp_path / "access.log")
    urls = [inrelease(repository), packages(repository), f"{repository.url}/{repository.binary('hello').path}"]

    async def story() -> int:
        async with running(world, "127.0.0.1", 0) as proxy:
            assert [response.status for response in await got(proxy, *urls)] == [200, 200, 200]
            await finished(proxy)
            assert proxy.totals.requests == 3
            assert proxy.totals.from_mirrors > 0
            return proxy.port

    port = in_loop(story)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), 5)
    lines = record_of(world)
    assert [line["package"]["name"] for line in lines if "package" in line] == ["hello"]
    assert is_complete(lines)
    assert [line.split()[2] for line in (tmp_path / "access.log").read_text().splitlines()] == urls
    assert list(world.store.load().pins) == [key_of(repository)]


def test_a_proxy_that_the_variables_name_as_their_own_does_not_ask_itself(
    make_world: MakeWorld, origin: Origin
) -> None:
    world, port = make_world(), free_port()
    variables = {"http_proxy": f"http://127.0.0.1:{port}", "PATH": ""}
    world = replace(world, settings=replace(world.settings, proxy=ProxySettings(None, variables)))

    async def story() -> list[Response]:
        async with running(world, "127.0.0.1", port) as proxy:
            # This machine, by an address that is not known as a loopback one.
            return await got(proxy, f"http://0.0.0.0:{origin.port}/nothing")

    assert [response.status for response in in_loop(story)] == [404]
    assert origin.asked() == ["/nothing"]


def test_finishing_commits_what_nobody_asked_an_index_of_and_an_error_does_not(
    make_world: MakeWorld, repository: Repository
) -> None:
    async def story(*, is_broken: bool) -> None:
        async with running(make_world(), "127.0.0.1", 0) as proxy:
            assert (await got(proxy, inrelease(repository)))[0].status == 200
            if is_broken:
                raise UsageError("COMMAND cannot be started")
            await finished(proxy)

    with pytest.raises(UsageError, match="COMMAND cannot be started"):
        in_loop(lambda: story(is_broken=True))
    world = make_world()
    assert (list(world.store.provisional()), world.store.load().pins) == ([key_of(repository)], {})
    assert is_complete(record_of(world))
    in_loop(lambda: story(is_broken=False))
    assert list(world.store.load().pins) == [key_of(repository)]


def test_a_port_that_another_has_is_an_error_of_its_own(make_world: MakeWorld) -> None:
    async def story(port: int) -> None:
        async with running(make_world(), "127.0.0.1", port):
            raise AssertionError("it was taken")

    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(UsageError, match="cannot listen"):
        in_loop(lambda: story(taken.getsockname()[1]))


# --- what is tended ---


def test_a_pin_that_no_index_confirms_is_committed_after_a_while(make_world: MakeWorld, repository: Repository) -> None:
    world = make_world(commit_after_s=0.05)

    async def story() -> None:
        async with running(world, "127.0.0.1", 0, tend_every_s=0.01) as proxy:
            await got(proxy, inrelease(repository))
            await until_holds(lambda: world.store.load().pins != {})
            assert proxy.session.provisional == set()

    in_loop(story)


def test_without_that_limit_it_waits_for_the_end(make_world: MakeWorld, repository: Repository) -> None:
    world = make_world()

    async def story() -> None:
        async with running(world, "127.0.0.1", 0, tend_every_s=0.01) as proxy:
            await got(proxy, inrelease(repository))
            await until_holds(world.store.environment.records.exists)
            assert world.store.load().pins == {}

    in_loop(story)


def test_the_record_grows_while_clients_are_served(make_world: MakeWorld, repository: Repository) -> None:
    world = make_world()

    async def story() -> None:
        async with running(world, "127.0.0.1", 0, tend_every_s=0.01) as proxy:
            await got(proxy, inrelease(repository), packages(repository))
            await until_holds(lambda: any("index" in line for line in _so_far(world)))

    in_loop(story)


def _so_far(world: World) -> list[dict[str, Any]]:
    """Nothing before the record's file is there; its folder comes first."""
    return record_of(world) if any(world.store.environment.records.glob("*/*.jsonl")) else []


def test_a_record_that_cannot_be_written_ends_nothing_and_is_told(
    make_world: MakeWorld, repository: Repository
) -> None:
    told: list[str] = []
    world = make_world(told)
    in_the_way = world.store.environment.records / world.generation.id
    in_the_way.parent.mkdir()
    in_the_way.write_text("somebody's file\n")

    async def story() -> None:
        async with running(world, "127.0.0.1", 0, tend_every_s=0.01) as proxy:
            await until_holds(lambda: len(proxy.session.failures) > 0)
            assert (await got(proxy, inrelease(repository)))[0].status == 200
            in_the_way.unlink()
            await finished(proxy)

    in_loop(story)
    assert [line for line in told if str(in_the_way) in line]
    assert is_complete(record_of(world))


def test_a_pin_that_cannot_be_written_is_a_verdict_and_ends_nothing(
    make_world: MakeWorld, repository: Repository
) -> None:
    world = make_world()
    lock = world.store.environment.lock_file

    async def story() -> None:
        async with running(world, "127.0.0.1", 0) as proxy:
            url = inrelease(repository)
            assert (await got(proxy, url))[0].status == 200
            good = lock.read_bytes()
            lock.write_bytes(b"<<<<<<< ours\n")
            await finished(proxy)
            assert "could not be written" in "".join(proxy.session.verdicts)
            assert (await got(proxy, url))[0].status == 200
            lock.write_bytes(good)
            await finished(proxy)

    in_loop(story)
    assert list(world.store.load().pins) == [key_of(repository)]


def test_what_mirrors_had_wrong_is_told(make_world: MakeWorld, repository: Repository, origin: Origin) -> None:
    told: list[str] = []

    async def story() -> None:
        async with running(make_world(told), "127.0.0.1", 0) as proxy:
            await got(proxy, inrelease(repository))
            origin.inject("*/binary-amd64/by-hash/*", Flip(20))
            await got(proxy, packages(repository))
            await finished(proxy)

    in_loop(story)
    assert [line for line in told if "by-hash" in line and "do not match" in line]


# --- what can be seen of it ---


def test_what_it_does_for_its_clients_can_be_seen(
    make_world: MakeWorld, repository: Repository, origin: Origin
) -> None:
    package = repository.binary("hello")
    stall = Stall(10)
    origin.inject("*.deb", stall)

    async def story() -> None:
        async with running(make_world(), "127.0.0.1", 0) as proxy, asyncio.TaskGroup() as tasks:
            assert proxy.activity() == Activity(0, 0, False, (), 0)
            await got(proxy, inrelease(repository), packages(repository))
            client = tasks.create_task(got(proxy, f"{repository.url}/{package.path}"))
            await asyncio.to_thread(stall.reached.wait)
            await until_holds(lambda: any(each.received == 10 for each in proxy.activity().downloads))
            seen = proxy.activity()
            assert (seen.requests, seen.connections, seen.is_busy) == (3, 1, True)
            assert PurePosixPath(package.path).name in [each.name for each in seen.downloads]  # Sources wait for it
            assert seen.received > 10
            stall.release()
            await client
            await until_holds(lambda: proxy.activity().connections == 0)
            await until_holds(lambda: not proxy.activity().downloads)
            seen = proxy.activity()
            assert (seen.requests, seen.is_busy) == (3, False)

    in_loop(story)


def test_the_sources_that_it_awaits_can_be_seen(make_world: MakeWorld, repository: Repository, origin: Origin) -> None:
    repository.add_source("hello", "1.0")
    repository.publish()
    stall = Stall()
    origin.inject("*/source/*", stall)

    async def story() -> None:
        async with running(make_world(), "127.0.0.1", 0) as proxy, asyncio.TaskGroup() as tasks:
            await got(proxy, inrelease(repository), packages(repository))
            assert proxy.awaited() == ()
            finishing = tasks.create_task(finished(proxy))
            await until_holds(lambda: [each.name for each in proxy.awaited()] == ["bookworm main"])
            stall.release()
            await finishing
            assert proxy.awaited() == ()

    in_loop(story)


# --- the end, whatever hangs ---


def test_who_waits_for_a_silent_mirror_does_not_hinder_the_end(
    make_world: MakeWorld, repository: Repository, origin: Origin
) -> None:
    stall = Stall()
    origin.inject("*/InRelease", stall)

    async def story() -> None:
        async with asyncio.TaskGroup() as tasks:
            async with running(make_world(), "127.0.0.1", 0, grace_s=0.0) as proxy:
                client = tasks.create_task(_refused(proxy, inrelease(repository)))
                await asyncio.to_thread(stall.reached.wait)
            await client

    started = time.monotonic()
    in_loop(story)
    assert time.monotonic() - started < 10  # the mirror would have been waited for 60 s


@pytest.mark.parametrize("in_order", [True, False])
def test_files_that_are_fetched_ahead_are_dropped_at_the_end(
    make_world: MakeWorld, make_repository: MakeRepository, origin: Origin, tmp_path: Path, in_order: bool
) -> None:
    repository = make_repository()
    names = [f"p{number}" for number in range(10)]
    for name in names:
        repository.add(name, "1.0")
    repository.publish()
    stall = Stall()

    async def build(*names: str, ends: Callable[[], bool]) -> None:
        world = make_world(command=f"build {names}")
        # What a client waits for may be asked behind a file that is stalled: then it comes when that has failed.
        impatient = replace(world.settings, fetch=replace(world.settings.fetch, read_timeout_s=3.0))
        async with running(replace(world, settings=impatient), "127.0.0.1", 0, grace_s=0.0) as proxy:
            urls = [inrelease(repository), packages(repository)]
            urls += [f"{repository.url}/{repository.binary(name).path}" for name in names]
            assert {answer.status for answer in await got(proxy, *urls)} == {200}
            assert await asyncio.to_thread(ends)
            if in_order:
                await finished(proxy)

    in_loop(lambda: build(*names, ends=lambda: True))
    shutil.rmtree(tmp_path / "archive")
    for name in names[1:]:
        origin.inject(f"*/{name}_*", stall)
    in_loop(lambda: build(names[0], ends=lambda: stall.reached.wait(10)))


async def _refused(proxy: Running, url: str) -> None:
    with pytest.raises(OSError, match=r"."):
        await got(proxy, url)


def test_a_second_interruption_is_no_reason_to_hang_or_to_lose_the_record(
    make_world: MakeWorld, repository: Repository, origin: Origin
) -> None:
    stall, world = Stall(), make_world()
    origin.inject("*/InRelease", stall)

    async def served() -> None:
        async with running(world, "127.0.0.1", 0, grace_s=60.0) as proxy, asyncio.TaskGroup() as tasks:
            tasks.create_task(_refused(proxy, inrelease(repository)))

    async def story() -> None:
        task = asyncio.get_running_loop().create_task(served())
        await asyncio.to_thread(stall.reached.wait)
        task.cancel()
        await asyncio.sleep(0.1)  # now it gives its clients a minute
        assert not task.done()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    in_loop(story)
    assert is_complete(record_of(world))


def test_two_suites_that_do_not_belong_together_are_told_by_the_end(
    make_world: MakeWorld, repository: Repository, make_repository: MakeRepository
) -> None:
    repository.add("base", "1.0")
    repository.publish()
    updates = make_repository(suite="bookworm-updates", codename="bookworm-updates", suite_field="")
    hello = updates.add("hello", "1.0", salt="built again")
    updates.publish(date=repository.date + timedelta(hours=1))

    async def story() -> list[str]:
        async with running(make_world(), "127.0.0.1", 0) as proxy:
            urls = [inrelease(each) for each in (repository, updates)]
            paths = [hello.path, repository.binary("base").path]
            answers = await got(proxy, *urls, *(f"{repository.url}/{path}" for path in paths))
            assert [answer.status for answer in answers] == [200] * 4
            await finished(proxy)
            return proxy.session.notices

    (notice,) = in_loop(story)
    assert f"{hello.path} is listed in {key_of(repository)} and in {key_of(updates)}" in notice


# --- from one generation to the next ---------------------------------------------------------------------------------


def moved_on(world: World, repository: Repository) -> Generation:
    """The environment's next generation, which has not pinned anything, once the present one has its pin for good."""
    assert eventually(lambda: len(world.store.load().pins) == 1)
    return transitions.reset(world.store, world.store.load(), None)


def test_a_server_that_follows_serves_each_request_from_the_generation_of_its_time(
    make_world: MakeWorld, repository: Repository
) -> None:
    world = make_world(follows=True)

    async def story() -> None:
        async with running(world, "127.0.0.1", 0) as proxy:
            (first,) = await got(proxy, inrelease(repository))
            await got(proxy, packages(repository))
            repository.add("hello", "2.0")
            repository.publish(keep_by_hash=True, keep_pool=True)
            after = await asyncio.to_thread(moved_on, world, repository)
            await asyncio.sleep(0.05)
            (second,) = await got(proxy, inrelease(repository))
            await got(proxy, packages(repository))
            assert first.body != second.body == (repository.suite_folder / "InRelease").read_bytes()
            assert proxy.session.generation.id == after.id
            await finished(proxy)

    in_loop(story)
    records = sorted(path.parent.name for path in world.store.environment.records.glob("*/*.jsonl"))
    assert records == sorted({world.generation.id, world.store.load().id})
    assert len(world.store.generation(world.generation.id).pins) == len(world.store.load().pins) == 1


def test_each_generation_that_is_served_has_its_own_totals(make_world: MakeWorld, repository: Repository) -> None:
    world = make_world(follows=True)

    async def story() -> None:
        async with running(world, "127.0.0.1", 0, tend_every_s=60) as proxy:
            await got(proxy, inrelease(repository), packages(repository))
            first = proxy.totals
            await asyncio.to_thread(moved_on, world, repository)
            await asyncio.sleep(0.05)
            await got(proxy, inrelease(repository))
            second = proxy.totals
            assert (first.requests, second.requests) == (2, 1)
            assert 0 < second.from_mirrors < first.from_mirrors

    in_loop(story)
    sessions = records.load(world.store.environment.records, world.generation.id).sessions
    assert [session.totals.requests for session in sessions] == [2]


def test_a_pin_that_no_index_was_asked_of_is_for_good_when_the_next_generation_is_served(
    make_world: MakeWorld, repository: Repository
) -> None:
    world = make_world(follows=True)

    async def story() -> None:
        async with running(world, "127.0.0.1", 0) as proxy:
            await got(proxy, inrelease(repository))
            await asyncio.to_thread(transitions.reset, world.store, world.store.load(), None)
            await asyncio.sleep(0.05)
            await got(proxy, f"{repository.url}/dists/nowhere/InRelease")
            assert len(world.store.generation(world.generation.id).pins) == 1

    in_loop(story)


def test_a_server_that_follows_serves_the_single_files_that_are_pinned_meanwhile(
    make_world: MakeWorld, repository: Repository, origin: Origin
) -> None:
    world = make_world(follows=True)
    (origin.root / "tool.tar").write_text("second")
    url = f"{origin.url}/tool.tar"

    async def story() -> None:
        async with running(world, "127.0.0.1", 0) as proxy:
            passed = await asyncio.to_thread(ask, proxy.url, url, user_agent="Wget/1.21")
            with open_archive(world.settings) as archive:
                first = archive.objects.put(b"first")
            await asyncio.to_thread(world.store.add_extra, world.generation.id, url.removeprefix("http://"), first)
            await asyncio.sleep(0.05)
            frozen = await asyncio.to_thread(ask, proxy.url, url, user_agent="Wget/1.21")
            assert (passed.body, frozen.body) == (b"second", b"first")
            assert proxy.session.generation.id == world.generation.id

    in_loop(story)


def test_one_session_keeps_its_generation(make_world: MakeWorld, repository: Repository) -> None:
    world = make_world()

    async def story() -> None:
        async with running(world, "127.0.0.1", 0) as proxy:
            (first,) = await got(proxy, inrelease(repository))
            await got(proxy, packages(repository))
            repository.publish(keep_by_hash=True)
            await asyncio.to_thread(moved_on, world, repository)
            await asyncio.sleep(0.05)
            assert (await got(proxy, inrelease(repository)))[0].body == first.body
            await finished(proxy)

    in_loop(story)


def test_a_lock_file_that_is_no_good_is_told_and_the_generation_before_is_served(
    make_world: MakeWorld, repository: Repository
) -> None:
    told: list[str] = []
    world = make_world(told, follows=True)

    async def story() -> None:
        async with running(world, "127.0.0.1", 0) as proxy:
            (first,) = await got(proxy, inrelease(repository))
            await got(proxy, packages(repository))
            await until_holds(lambda: world.store.load().pins != {})
            good = world.store.environment.lock_file.read_text()
            world.store.environment.lock_file.write_text(f"<<<<<<< ours\n{good}")
            await asyncio.sleep(0.05)
            assert (await got(proxy, inrelease(repository)))[0].body == first.body
            world.store.environment.lock_file.write_text(good)
            await finished(proxy)

    in_loop(story)
    assert len([line for line in told if "unfinished git merge" in line]) == 1
