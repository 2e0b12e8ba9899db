# SPDX-License-Identifier: MIT
"""Whose list a file is on, and what of that list is to be fetched."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

import pytest

from aptfreeze.deb.paths import Location
from aptfreeze.environment.earlier import Earlier
from aptfreeze.environment.records import AskedIndex, ServedPackage, Usage
from aptfreeze.errors import UsageError
from aptfreeze.fetch.lookup import Lookup
from aptfreeze.fetch.opened import OpenArchive
from aptfreeze.freeze.digest import Digest
from aptfreeze.freeze.generation import Generation, InRelease, Pin, SuiteKey
from aptfreeze.freeze.outcome import Asked, PinnedPackage
from aptfreeze.freeze.resolve import resolve
from aptfreeze.serve.recall import Recall, Recalled
from support.repository import Repository

PRESENT = "ab" * 16
NAMES = ("a", "b", "c", "d", "e")


class World:
    """A generation with one suite, whose index is at hand, and earlier sessions of it."""

    def __init__(self, repository: Repository, archive: OpenArchive) -> None:
        for name in NAMES:
            repository.add(name, "1.0")
        repository.publish()
        self.repository = repository
        self.archive = archive
        self.lookup: Lookup = archive.lookup(offline=False)
        self.key = SuiteKey(repository.url.removeprefix("http://"), "bookworm")
        root = InRelease(archive.objects.put((repository.suite_folder / "InRelease").read_bytes()))
        empty = Generation(PRESENT, datetime(2026, 11, 24, 7, tzinfo=UTC))
        self.generation = empty.with_pin(self.key, Pin(root, None))
        self.read: list[str] = []
        """Sessions whose record was read, as far as the recalling went."""

    def session(self, *names: str, is_alike: bool = True, asked: tuple[AskedIndex, ...] = ()) -> Earlier:
        binaries = map(self.repository.binary, names)
        place = (self.key.repository, self.key.suite)
        packages = (ServedPackage(b.name, "1.0", "amd64", *place, b.path, Digest.of(b.build()), 1) for b in binaries)
        return Earlier(" ".join(names), PRESENT, is_alike, Usage(packages=tuple(packages), indexes=asked))

    def recall(self, *sessions: Earlier) -> Recall:
        return Recall(self.lookup, self._reading(sessions))

    def _reading(self, sessions: Iterable[Earlier]) -> Iterator[Earlier]:
        for session in sessions:
            self.read.append(session.session_id)
            yield session

    def asked(self, name: str) -> PinnedPackage:
        location = Location.parse(f"{self.repository.url}/{self.repository.binary(name).path}".encode())
        found = self.lookup.settle(resolve(Asked(location, True, frozenset({"amd64"})), self.generation))
        assert isinstance(found, PinnedPackage)
        return found


@pytest.fixture
def world(repository: Repository, archive: OpenArchive) -> World:
    return World(repository, archive)


def files(recalled: Recalled | None) -> list[str]:
    assert recalled is not None
    return [file.entry.package for file in recalled.files]


def test_the_list_begins_with_the_file_that_was_asked_and_leaves_out_what_is_held(world: World) -> None:
    world.archive.objects.put(world.repository.file_of("d").read_bytes())
    recalled = world.recall(world.session(*NAMES)).by_package(world.asked("c"), world.generation)
    assert files(recalled) == ["c", "e", "a", "b"]
    assert recalled is not None
    assert recalled.names == {(name, "amd64") for name in NAMES}


def test_the_first_session_that_has_the_file_counts_and_later_ones_are_not_read(world: World) -> None:
    recall = world.recall(world.session("a"), world.session("b", "c"), world.session("b", "d"))
    assert files(recall.by_package(world.asked("b"), world.generation)) == ["b", "c"]
    assert world.read == ["a", "b c"]


def test_a_list_is_recalled_once_and_one_that_was_passed_over_can_still_be(world: World) -> None:
    recall = world.recall(world.session("a", "e"), world.session("b", "c"), world.session("b", "d"))
    assert files(recall.by_package(world.asked("b"), world.generation)) == ["b", "c"]
    assert files(recall.by_package(world.asked("b"), world.generation)) == ["b", "d"]
    assert recall.by_package(world.asked("b"), world.generation) is None
    assert files(recall.by_package(world.asked("a"), world.generation)) == ["a", "e"]
    assert world.read == ["a e", "b c", "b d"]


def test_records_that_cannot_be_read_are_no_list(world: World) -> None:
    def read(path: str) -> Earlier:
        raise UsageError(f"cannot read {path}")

    assert Recall(world.lookup, map(read, ["a record"])).by_package(world.asked("a"), world.generation) is None


def test_an_index_recalls_the_list_of_a_session_alike_that_asked_for_it(world: World) -> None:
    index, other = (AskedIndex(world.key.repository, "bookworm", f"{name}/binary-amd64/Packages") for name in "xy")
    sessions = [
        world.session("a", asked=(other,)),
        world.session("b", "c", asked=(other, index)),
        world.session("d", is_alike=False, asked=(index,)),
        world.session("e", is_alike=False),
    ]
    recall = world.recall(*sessions)
    assert files(recall.by_index(index, world.generation)) == ["b", "c"]
    assert recall.by_index(index, world.generation) is None
    assert world.read == ["a", "b c", "d"]
    assert files(recall.by_package(world.asked("d"), world.generation)) == ["d"]
