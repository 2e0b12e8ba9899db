# SPDX-License-Identifier: MIT
"""Each kind of file that a generation answers for, and what follows when it was, or could not be, served."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from copy import copy
from dataclasses import dataclass
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from aptfreeze.deb.paths import Location
from aptfreeze.environment.absent import Absences
from aptfreeze.environment.resigning import Resigning, resigned
from aptfreeze.errors import MidSyncError, MissingUpstreamError, UpstreamError
from aptfreeze.fetch.lookup import Lookup
from aptfreeze.fetch.opened import OpenArchive
from aptfreeze.freeze.digest import Digest
from aptfreeze.freeze.outcome import (
    Asked,
    Outcome,
    PinnedFile,
    PinnedPackage,
    PinnedPayload,
    PinnedResigned,
    PinnedRoot,
    PinnedSingle,
)
from aptfreeze.freeze.resolve import resolve
from aptfreeze.http.message import Headers, Request
from aptfreeze.serve.delivery import Delivery
from aptfreeze.serve.frozen import FrozenFiles
from aptfreeze.serve.prefetch import Prefetch
from aptfreeze.serve.recall import Recall
from aptfreeze.serve.reply import FileBody, Inline, Reply
from aptfreeze.serve.sources import SourcesFollower
from aptfreeze.trust.signing import SigningKey as EnvironmentKey
from support.faults import FromFolder, Stall, Status
from support.loops import in_loop
from support.origin import Origin
from support.pinning import Desk, key_of, make_desk
from support.repository import Repository
from support.signing import SigningKey

INDEX = "main/binary-amd64/Packages.xz"


@dataclass(slots=True)
class Served:
    """The files of one session, asked by their path below the suite or the repository."""

    desk: Desk
    repository: Repository
    lookup: Lookup
    delivery: Delivery
    threads: ThreadPoolExecutor
    absences: Absences

    def tell(
        self,
        story: Callable[[FrozenFiles], Awaitable[None]],
        *,
        with_sources: bool = False,
        recall: Callable[[], Recall] | None = None,
    ) -> None:
        """A story with the suite pinned; over when all that goes on in the background is over, too."""

        async def told() -> None:
            sources = SourcesFollower(self.desk.session, self.lookup, self.threads) if with_sources else None
            async with asyncio.TaskGroup() as tasks:
                await self.desk.suite(self.repository)
                arguments = (self.desk.session, self.lookup, self.delivery, self.desk.first_sight)
                prefetch = recall and Prefetch(self.desk.session, self.lookup, recall, self.threads, tasks)
                await story(FrozenFiles(*arguments, sources, prefetch, self.absences, tasks))

        in_loop(told)

    def frozen_by(self, key: EnvironmentKey, frozen: FrozenFiles) -> FrozenFiles:
        """The same files, served signed by a key."""
        signing = copy(frozen)
        signing._resigning = Resigning(key)
        return signing

    def found(self, path: str, *, resigns: bool = False) -> Outcome:
        asked = Asked(Location.parse(f"{self.repository.url}/{path}".encode()), True, frozenset({"amd64"}), resigns)
        return self.lookup.settle(resolve(asked, self.desk.session.generation))

    def file(self, path: str = INDEX) -> PinnedFile:
        outcome = self.found(f"dists/bookworm/{path}")
        assert isinstance(outcome, PinnedFile)
        return outcome

    @property
    def is_committed(self) -> bool:
        return key_of(self.repository) in self.desk.store.load().pins


@pytest.fixture
def served(tmp_path: Path, archive: OpenArchive, signing_key: SigningKey, repository: Repository) -> Iterator[Served]:
    with ThreadPoolExecutor(8) as threads:
        desk = make_desk(tmp_path / "environment", archive, signing_key, threads)
        delivery = Delivery(archive.objects, archive.downloads, desk.session)
        absences = Absences(desk.store.environment.absent)
        yield Served(desk, repository, archive.lookup(offline=False), delivery, threads, absences)


def request(**fields: str) -> Request:
    headers = Headers([(name.replace("_", "-"), value) for name, value in fields.items()])
    return Request("GET", b"http://mirror.example.org/", "1.1", headers, True)


def status_of(reply: Reply) -> int:
    return int(reply.head[9:12])


def got(reply: Reply) -> None:
    """A client has got all of it."""
    assert reply.done is not None
    assert isinstance(reply.body, FileBody)
    reply.done(reply.body.size, True)


# --- the root ---


def test_a_client_that_shows_a_newer_date_is_remembered(served: Served) -> None:
    async def story(frozen: FrozenFiles) -> None:
        found = served.found("dists/bookworm/InRelease")
        assert isinstance(found, PinnedRoot)
        assert found.pin.date is not None
        for date in (found.pin.date, found.pin.date - timedelta(hours=1)):
            await frozen.root(request(If_Modified_Since=format_datetime(date, usegmt=True)), found)
        await frozen.root(request(If_Modified_Since="yesterday"), found)
        assert served.desk.session.newer_lists == {}
        newer = found.pin.date + timedelta(hours=1)
        await frozen.root(request(If_Modified_Since=format_datetime(newer, usegmt=True)), found)
        assert served.desk.session.newer_lists == {found.key: newer}

    served.tell(story)


def test_the_root_alone_commits_nothing(served: Served) -> None:
    async def story(frozen: FrozenFiles) -> None:
        root = served.found("dists/bookworm/InRelease")
        assert isinstance(root, PinnedRoot)
        assert status_of(await frozen.root(request(), root)) == 200
        payload = served.found("dists/bookworm/Release")
        assert isinstance(payload, PinnedPayload)
        assert status_of(await frozen.payload(request(), payload)) == 200

    served.tell(story)
    assert not served.is_committed


# --- the root, signed anew ---


KEY = EnvironmentKey.generate("test", bytes(range(1, 33)))
OTHER = EnvironmentKey.generate("test", bytes(range(2, 34)))


def headers_of(reply: Reply) -> dict[str, str]:
    lines = reply.head.decode().split("\r\n")[1:-2]
    return {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}


@pytest.mark.parametrize("name", ["InRelease", "Release", "Release.gpg"])
def test_a_file_that_is_signed_anew_is_told_from_the_original_and_from_that_of_another_key(
    served: Served, name: str
) -> None:
    async def story(frozen: FrozenFiles) -> None:
        served.desk.session.resigns = True
        found = served.found(f"dists/bookworm/{name}", resigns=True)
        assert isinstance(found, PinnedResigned)
        ours = await served.frozen_by(KEY, frozen).made(request(), found)
        assert ours.body == Inline(resigned(name, served.lookup.payload(found.key, found.pin), KEY, found.pin.date))
        own = headers_of(ours)["last-modified"]
        assert status_of(await served.frozen_by(KEY, frozen).made(request(If_Modified_Since=own), found)) == 304
        others = headers_of(await served.frozen_by(OTHER, frozen).made(request(), found))
        assert found.pin.date is not None
        original = format_datetime(found.pin.date, usegmt=True)
        for held in (original, others["last-modified"]):
            assert status_of(await served.frozen_by(KEY, frozen).made(request(If_Modified_Since=held), found)) == 200
        if name != "Release":
            assert others["etag"] != headers_of(ours)["etag"]
        assert served.desk.session.newer_lists == {}

    served.tell(story)


def test_it_commits_nothing_and_notes_a_client_with_newer_lists(served: Served) -> None:
    async def story(frozen: FrozenFiles) -> None:
        found = served.found("dists/bookworm/InRelease", resigns=True)
        assert isinstance(found, PinnedResigned)
        assert found.pin.date is not None
        newer = found.pin.date + timedelta(hours=1)
        await served.frozen_by(KEY, frozen).made(request(If_Modified_Since=format_datetime(newer, usegmt=True)), found)
        assert served.desk.session.newer_lists == {found.key: newer}

    served.tell(story)
    assert not served.is_committed


def test_what_is_not_signed_is_told(served: Served) -> None:
    async def story(frozen: FrozenFiles) -> None:
        served.desk.session.resigns = True
        found = served.found("dists/bookworm/InRelease")
        assert isinstance(found, PinnedRoot)
        for _ in range(2):
            assert status_of(await frozen.root(request(), found)) == 200

    served.tell(story)
    assert [line for line in served.desk.told if "not re-signed" in line] == [
        f"{key_of(served.repository)} is not signed, so it is served as it is and not re-signed"
    ]


# --- what a Release lists ---


def test_the_first_file_that_verifies_commits_the_pin(served: Served) -> None:
    async def story(frozen: FrozenFiles) -> None:
        assert status_of(await frozen.file(request(), served.file())) == 200

    served.tell(story)
    assert served.is_committed


def test_it_does_so_also_if_its_client_leaves(served: Served, origin: Origin) -> None:
    stall = Stall()
    origin.inject("*/binary-amd64/*", stall)

    async def story(frozen: FrozenFiles) -> None:
        found = await asyncio.to_thread(served.file)
        async with asyncio.TaskGroup() as tasks:
            client = tasks.create_task(frozen.file(request(), found))
            await asyncio.to_thread(stall.reached.wait)
            client.cancel()
        stall.release()

    served.tell(story)
    assert served.is_committed


def test_one_that_does_not_fit_drops_the_pin(served: Served, origin: Origin, tmp_path: Path) -> None:
    served.repository.copy_to(tmp_path / "old/debian")
    served.repository.add("hello", "2.0")
    served.repository.publish()
    origin.inject("*/binary-amd64/*", FromFolder(tmp_path / "old"))

    async def story(frozen: FrozenFiles) -> None:
        with pytest.raises(MidSyncError):
            await frozen.file(request(), served.file())

    served.tell(story)
    assert served.desk.session.dropped == {key_of(served.repository)}
    assert not served.is_committed


def test_a_late_file_of_a_dropped_pin_leaves_the_next_one_alone(served: Served, origin: Origin) -> None:
    key = key_of(served.repository)

    async def story(frozen: FrozenFiles) -> None:
        late = [served.file(path) for path in (INDEX, "main/i18n/Translation-en.xz")]
        await served.desk.first_sight.failed(key, late[0].pin, INDEX, UpstreamError("another index is gone"))
        served.repository.add("hello", "2.0")
        served.repository.publish(keep_by_hash=True)
        await served.desk.suite(served.repository)
        assert status_of(await frozen.file(request(), late[0])) == 200
        origin.inject("*", Status(404))
        await _failing(frozen.file(request(), late[1]), MidSyncError)

    served.tell(story)
    assert served.desk.session.provisional == {key}
    assert not served.desk.store.environment.absent.exists()


async def _failing(work: Awaitable[Reply], error: type[Exception]) -> None:
    with pytest.raises(error):
        await work


def test_a_file_that_no_mirror_has_is_remembered_once_its_pin_is_committed(served: Served, origin: Origin) -> None:
    origin.inject("*/Translation*", Status(404))
    origin.inject("*/i18n/by-hash/*", Status(404))
    key = key_of(served.repository)

    async def story(frozen: FrozenFiles) -> None:
        found = served.file("main/i18n/Translation-en.xz")
        await _failing(frozen.file(request(), found), MissingUpstreamError)
        assert (key.repository, found.file.wanted.digest) not in served.absences
        await served.desk.first_sight.confirmed(key, found.pin)
        await _failing(frozen.file(request(), found), MissingUpstreamError)
        origin.forget()
        await _failing(frozen.file(request(), found), MissingUpstreamError)
        assert origin.count() == 0

    served.tell(story)
    assert not served.desk.session.dropped


def test_a_package_index_that_no_mirror_has_in_any_form_is_never_taken_for_absent(
    served: Served, origin: Origin
) -> None:
    key = key_of(served.repository)

    async def story(frozen: FrozenFiles) -> None:
        found = served.file()
        await served.desk.first_sight.confirmed(key, found.pin)
        origin.inject("*/binary-amd64/*", Status(404))
        with pytest.raises(UpstreamError, match="in any form") as raised:
            await frozen.file(request(), found)
        assert not isinstance(raised.value, MissingUpstreamError | MidSyncError)
        origin.heal()
        assert status_of(await frozen.file(request(), found)) == 200

    served.tell(story)


def test_an_index_is_recorded_and_its_sources_are_fetched_beside(served: Served, origin: Origin) -> None:
    served.repository.add_source("hello", "1.0")
    served.repository.publish()

    async def story(frozen: FrozenFiles) -> None:
        await frozen.file(request(), served.file())
        await frozen.file(request(), served.file("main/i18n/Translation-en.xz"))
        await asyncio.to_thread(origin.wait_for, "*/source/*")

    served.tell(story, with_sources=True)
    (index,) = served.desk.session.record.usage().indexes
    assert index.path == "main/binary-amd64/Packages"
    assert served.desk.session.architectures == {"amd64"}


def test_the_table_of_a_package_index_is_made_when_a_client_has_it(served: Served) -> None:
    async def left(frozen: FrozenFiles) -> None:
        reply = await frozen.file(request(), served.file())
        assert reply.done is not None
        reply.done(1, False)

    async def has_it(frozen: FrozenFiles) -> None:
        got(await frozen.file(request(), served.file()))

    served.tell(left)
    assert not served.lookup.built
    served.tell(has_it)
    assert [key for key, _ in served.lookup.built] == [key_of(served.repository)]


# --- packages and single files ---


def test_a_package_counts_when_a_client_has_it(served: Served) -> None:
    async def story(frozen: FrozenFiles) -> None:
        hello = served.repository.binary("hello")
        location = Location.parse(f"{served.repository.url}/{hello.path}".encode())
        found = await asyncio.to_thread(served.found, hello.path)
        assert isinstance(found, PinnedPackage)
        reply = await frozen.package(request(), found, location)
        assert b"\r\nContent-Type: application/vnd.debian.binary-package\r\n" in reply.head
        usage = served.desk.session.record.usage
        assert usage().packages == ()
        got(reply)
        assert [package.sha256.hex for package in usage().packages] == [hello.sha256]

    served.tell(story)


def test_records_are_read_only_when_the_archive_lacks_a_package(served: Served, archive: OpenArchive) -> None:
    made: list[Recall] = []

    def recall() -> Recall:
        made.append(Recall(served.lookup, iter(())))
        return made[-1]

    served.repository.add("other", "1.0")
    served.repository.publish()
    archive.objects.put(served.repository.file_of("hello").read_bytes())

    async def story(frozen: FrozenFiles, name: str) -> None:
        path = served.repository.binary(name).path
        found = await asyncio.to_thread(served.found, path)
        assert isinstance(found, PinnedPackage)
        await frozen.package(request(), found, Location.parse(f"{served.repository.url}/{path}".encode()))

    served.tell(lambda frozen: story(frozen, "hello"), recall=recall)
    assert made == []
    served.tell(lambda frozen: story(frozen, "other"), recall=recall)
    assert len(made) == 1


def test_a_frozen_package_that_is_gone_everywhere_is_news(served: Served, origin: Origin) -> None:
    origin.inject("*.deb", Status(404))

    async def story(frozen: FrozenFiles) -> None:
        path = served.repository.binary("hello").path
        found = await asyncio.to_thread(served.found, path)
        assert isinstance(found, PinnedPackage)
        location = Location.parse(f"{served.repository.url}/{path}".encode())
        await _failing(frozen.package(request(), found, location), MissingUpstreamError)

    served.tell(story)
    (failure,) = served.desk.session.failures
    assert "is frozen, and gone from every mirror" in failure


def test_a_single_file_that_changed_upstream_is_served_as_pinned_or_not_at_all(
    served: Served, archive: OpenArchive, origin: Origin
) -> None:
    (origin.root / "key.asc").write_bytes(b"two")
    location = Location.parse(f"{origin.url}/key.asc".encode())

    async def story(frozen: FrozenFiles) -> None:
        found = PinnedSingle(location.text, Digest.of(b"one"))
        with suppress(UpstreamError):
            raise AssertionError(await frozen.single(request(), found, location))
        archive.objects.put(b"one")
        assert status_of(await frozen.single(request(), found, location)) == 200

    served.tell(story)
