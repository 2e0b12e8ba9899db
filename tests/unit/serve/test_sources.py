# SPDX-License-Identifier: MIT
"""Sources indexes: fetched beside the build, awaited at its end, given up on request."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from aptfreeze.fetch.opened import OpenArchive
from aptfreeze.freeze.digest import Digest
from aptfreeze.freeze.generation import InRelease, Pin, SuiteKey
from aptfreeze.serve.sources import Missing, SourcesFollower
from support.faults import Stall, Status
from support.origin import Origin
from support.repository import Repository


@pytest.fixture
def suite(repository: Repository, archive: OpenArchive) -> tuple[SuiteKey, Pin]:
    """The suite of the mirror, pinned; its InRelease is in the archive."""
    repository.add_source("hello", "1.0")
    repository.publish()
    data = (repository.suite_folder / "InRelease").read_bytes()
    key = SuiteKey(repository.url.removeprefix("http://"), "bookworm")
    return key, Pin(InRelease(archive.objects.put(data)), None)


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as threads:
        yield threads


def followed(
    archive: OpenArchive,
    threads: ThreadPoolExecutor,
    *used: tuple[SuiteKey, Pin, str],
    stop: Callable[[], bool] = lambda: False,
    offline: bool = False,
) -> tuple[list[Missing], list[tuple[int, int]]]:
    """What is missing at the end, and what was told meanwhile."""
    told: list[tuple[int, int]] = []

    async def story() -> list[Missing]:
        follower = SourcesFollower(archive.lookup(offline=offline), threads)
        for key, pin, component in used:
            follower.used(key, pin, component)
        event = asyncio.Event()
        if await asyncio.to_thread(stop):
            event.set()
        async with asyncio.timeout(20):
            return await follower.finish(lambda ready, size: told.append((ready, size)), event)

    return asyncio.run(story()), told


def held_sources(repository: Repository, archive: OpenArchive) -> list[Path]:
    files = repository.suite_folder.glob("main/source/Sources*")
    return [file for file in files if archive.objects.has(Digest.of(file.read_bytes()))]


def test_each_component_is_fetched_once_in_one_form(
    repository: Repository,
    archive: OpenArchive,
    origin: Origin,
    suite: tuple[SuiteKey, Pin],
    threads: ThreadPoolExecutor,
) -> None:
    missing, _ = followed(archive, threads, (*suite, "main"), (*suite, "main"))
    assert missing == []
    assert len(held_sources(repository, archive)) == 1
    assert origin.count("*/source/*") == 1


def test_what_the_archive_holds_is_not_asked_again(
    archive: OpenArchive, origin: Origin, suite: tuple[SuiteKey, Pin], threads: ThreadPoolExecutor
) -> None:
    followed(archive, threads, (*suite, "main"))
    origin.forget()
    assert followed(archive, threads, (*suite, "main"), offline=True)[0] == []
    assert origin.count() == 0


def test_a_component_without_sources_is_nothing_to_wait_for(
    archive: OpenArchive, suite: tuple[SuiteKey, Pin], threads: ThreadPoolExecutor
) -> None:
    assert followed(archive, threads, (*suite, "contrib")) == ([], [])


def test_what_cannot_be_had_is_named_with_the_reason(
    archive: OpenArchive, origin: Origin, suite: tuple[SuiteKey, Pin], threads: ThreadPoolExecutor
) -> None:
    origin.inject("*/source/*", Status(500))
    (missing,) = followed(archive, threads, (*suite, "main"))[0]
    assert (missing.key, missing.component) == (suite[0], "main")
    assert "500" in missing.error.message
    (offline,) = followed(archive, threads, (*suite, "main"), offline=True)[0]
    assert "--offline" in offline.error.message


def test_waiting_can_be_given_up(
    archive: OpenArchive, origin: Origin, suite: tuple[SuiteKey, Pin], threads: ThreadPoolExecutor
) -> None:
    stall = Stall()
    origin.inject("*/source/*", stall)
    (missing,) = followed(archive, threads, (*suite, "main"), stop=lambda: stall.reached.wait(10))[0]
    assert "interrupted" in missing.error.message
    stall.release()
