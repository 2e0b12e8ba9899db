# SPDX-License-Identifier: MIT
"""Sources indexes: fetched beside the build, awaited at its end, given up on request."""

import asyncio
import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from aptfreeze.fetch.chain import MirrorUrl
from aptfreeze.fetch.download import Download
from aptfreeze.fetch.opened import OpenArchive
from aptfreeze.fetch.priority import Priority
from aptfreeze.freeze.digest import Digest, Wanted
from aptfreeze.freeze.generation import InRelease, Pin, SuiteKey
from aptfreeze.serve.session import Session
from aptfreeze.serve.sources import Missing, SourcesFollower
from support.faults import Flip, Stall, Status
from support.loops import in_loop
from support.origin import Origin
from support.repository import MakeRepository, Repository

Suite = tuple[SuiteKey, Pin]
Seen = list[tuple[Download, ...]]
Follow = Callable[..., tuple[list[Missing], Seen]]


def pinned(repository: Repository, archive: OpenArchive, session: Session, name: str = "bookworm") -> Suite:
    """The suite of the mirror as it is now, pinned in the session; its InRelease is in the archive."""
    data = (repository.suite_folder / "InRelease").read_bytes()
    key = SuiteKey(repository.url.removeprefix("http://"), name)
    pin = Pin(InRelease(archive.objects.put(data)), None)
    session.generation = session.generation.without_pin(key).with_pin(key, pin)
    return key, pin


@pytest.fixture
def suite(repository: Repository, archive: OpenArchive, session: Session) -> Suite:
    repository.add_source("hello", "1.0")
    repository.publish()
    return pinned(repository, archive, session)


@pytest.fixture
def follow(archive: OpenArchive, session: Session) -> Iterator[Follow]:
    """Uses components, and finishes: what is missing, and what was awaited while `stop` decided whether to stop."""
    with ThreadPoolExecutor(4) as threads:

        def follow(
            *used: tuple[SuiteKey, Pin, str], stop: Callable[[], bool] = lambda: False, offline: bool = False
        ) -> tuple[list[Missing], Seen]:
            seen: Seen = []

            async def story() -> list[Missing]:
                follower = SourcesFollower(session, archive.lookup(offline=offline), threads)
                for key, pin, component in used:
                    follower.used(key, pin, component)
                event = asyncio.Event()
                seen.append(follower.awaited())
                async with asyncio.TaskGroup() as tasks:
                    finishing = tasks.create_task(follower.finish(event))
                    if await asyncio.to_thread(stop):
                        seen.append(follower.awaited())
                        event.set()
                seen.append(follower.awaited())
                return finishing.result()

            return in_loop(story), seen

        yield follow


def held_sources(repository: Repository, archive: OpenArchive) -> list[Path]:
    files = repository.suite_folder.glob("main/source/Sources*")
    return [file for file in files if archive.objects.has(Digest.of(file.read_bytes()))]


def test_each_component_is_fetched_once_in_one_form(
    follow: Follow, repository: Repository, archive: OpenArchive, origin: Origin, suite: Suite
) -> None:
    missing, _ = follow((*suite, "main"), (*suite, "main"))
    assert missing == []
    assert len(held_sources(repository, archive)) == 1
    assert origin.count("*/source/*") == 1


def test_what_the_archive_holds_is_not_asked_again(follow: Follow, origin: Origin, suite: Suite) -> None:
    follow((*suite, "main"))
    origin.forget()
    assert follow((*suite, "main"), offline=True)[0] == []
    assert origin.count() == 0


def test_a_component_without_sources_is_nothing_to_wait_for(follow: Follow, suite: Suite) -> None:
    assert follow((*suite, "contrib")) == ([], [(), ()])


def test_what_cannot_be_had_is_named_with_the_reason(follow: Follow, origin: Origin, suite: Suite) -> None:
    origin.inject("*/source/*", Status(500))
    (missing,) = follow((*suite, "main"))[0]
    assert (missing.key, missing.component) == (suite[0], "main")
    assert "500" in missing.error.message
    (offline,) = follow((*suite, "main"), offline=True)[0]
    assert "--offline" in offline.error.message


def test_waiting_can_be_given_up(follow: Follow, origin: Origin, suite: Suite) -> None:
    stall = Stall()
    origin.inject("*/source/*", stall)
    (missing,) = follow((*suite, "main"), stop=lambda: stall.reached.wait(10))[0]
    assert "interrupted" in missing.error.message
    stall.release()


def test_what_is_awaited_is_told_with_what_has_come(
    follow: Follow, repository: Repository, origin: Origin, suite: Suite
) -> None:
    stall = Stall(20)
    origin.inject("*/source/*", stall)
    _, (before, meanwhile, afterwards) = follow((*suite, "main"), stop=lambda: stall.reached.wait(10))
    assert before == afterwards == ()  # only who finishes awaits it
    (index,) = meanwhile
    assert (index.name, index.priority) == ("bookworm main", Priority.SOURCES)
    sizes = {file.stat().st_size for file in repository.suite_folder.glob("main/source/Sources*")}
    assert index.size in sizes
    assert index.received <= 20
    stall.release()


def test_a_flat_suite_is_told_with_its_repository(
    follow: Follow, make_repository: MakeRepository, archive: OpenArchive, session: Session, origin: Origin
) -> None:
    flat = make_repository("flat", flat=True)
    flat.add_source("hello", "1.0")
    flat.publish()
    stall = Stall()
    origin.inject("*", stall)
    suite = pinned(flat, archive, session, "./")
    _, (_, (index,), _) = follow((*suite, ""), stop=lambda: stall.reached.wait(10))
    assert index.name == f"{origin.host}/flat ./"
    stall.release()


def test_a_suite_that_was_dropped_and_pinned_anew_is_followed_by_its_present_pin(
    follow: Follow, repository: Repository, archive: OpenArchive, session: Session, origin: Origin, suite: Suite
) -> None:
    repository.add_source("hello", "2.0")
    repository.publish()
    present = pinned(repository, archive, session)
    assert follow((*suite, "main"), (*present, "main"))[0] == []
    assert len(held_sources(repository, archive)) == 1


def test_nothing_is_missing_of_a_suite_that_was_dropped_for_good(
    follow: Follow, session: Session, origin: Origin, suite: Suite
) -> None:
    origin.inject("*/source/*", Status(500))
    session.retract(suite[0])
    assert follow((*suite, "main"))[0] == []


def test_a_large_index_that_one_address_has_wrong_comes_from_the_next(
    follow: Follow, repository: Repository, archive: OpenArchive, session: Session, origin: Origin
) -> None:
    noise = random.Random(4)
    repository.indexes["main/source/Sources"] = noise.randbytes(2 << 20).hex().encode()
    repository.publish()
    origin.inject("*/by-hash/*", Flip(1000))
    assert follow((*pinned(repository, archive, session), "main"))[0] == []


@pytest.mark.timeout(30)
def test_at_the_end_it_gives_way_no_more_to_what_a_client_left_behind(
    follow: Follow, archive: OpenArchive, origin: Origin, suite: Suite, repository: Repository
) -> None:
    stall = Stall()
    origin.inject("*/binary-amd64/*", stall)
    left = MirrorUrl(f"{repository.url}/dists/bookworm/main/binary-amd64/Packages.xz")
    archive.downloads.join(Wanted(Digest.of(b"x"), 100 << 20), [left])
    assert stall.reached.wait(10)
    missing, _ = follow((*suite, "main"))
    assert missing == []
    stall.release()
