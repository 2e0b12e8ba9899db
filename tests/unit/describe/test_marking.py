# SPDX-License-Identifier: MIT
"""What pins need, of a real repository. `verbs/test_gc.py` has the stories."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from aptfreeze.archive.holdings import look
from aptfreeze.describe.marking import Marking
from aptfreeze.environment.opened import Opened
from aptfreeze.errors import IntegrityError
from aptfreeze.fetch.opened import OpenArchive, open_archive
from aptfreeze.freeze.digest import Digest
from aptfreeze.freeze.generation import Generation, InRelease, Pin
from support.archive import objects_of
from support.keeping import fill, key_of, pinned_environment
from support.packages import hexdigest
from support.repository import MakeRepository, Repository


@pytest.fixture
def repository(make_repository: MakeRepository) -> Repository:
    repository = make_repository(architectures=("amd64", "arm64"))
    repository.add("hello", "1.0")
    repository.add("hello", "1.0", architecture="arm64")
    repository.publish()
    return repository


@pytest.fixture
def opened(repository: Repository, tmp_path: Path) -> Opened:
    return pinned_environment(tmp_path, repository)


@pytest.fixture
def archive(opened: Opened) -> Iterator[OpenArchive]:
    with open_archive(opened.settings) as archive:
        yield archive


def marking_of(archive: OpenArchive) -> Marking:
    return Marking(partial(archive.lookup, offline=True), look(archive.objects.layout))


def packages(repository: Repository, architecture: str) -> Callable[[Marking], bool]:
    data = next(each for each in repository.binaries.values() if each.architecture == architecture).build()
    return lambda marking: bytes.fromhex(Digest.of(data).hex) in marking.needed


def test_an_index_that_came_meanwhile_counts_the_next_time(
    opened: Opened, archive: OpenArchive, repository: Repository
) -> None:
    fill(opened.settings.archive.path, repository, "InRelease")
    fill(opened.settings.archive.path, repository, "*.deb")
    marking, generation = marking_of(archive), opened.store.load()
    marking.mark(generation)
    assert not packages(repository, "amd64")(marking)

    archive.objects.put((repository.suite_folder / "main/binary-amd64/Packages.xz").read_bytes())
    marking.mark(generation)

    assert packages(repository, "amd64")(marking)
    assert not packages(repository, "arm64")(marking)
    assert len(marking.tables) > len(list((archive.objects.layout.root / "index").iterdir()))


def test_a_table_alone_tells_what_its_index_lists(opened: Opened, archive: OpenArchive, repository: Repository) -> None:
    fill(opened.settings.archive.path, repository)
    marking_of(archive).mark(opened.store.load())
    for path in repository.suite_folder.rglob("Packages*"):
        if held := objects_of(archive.objects.layout.root).get(hexdigest("SHA256", path.read_bytes())):
            held.unlink()

    marking = marking_of(archive)
    marking.mark(opened.store.load())

    assert packages(repository, "amd64")(marking)


def test_a_pinned_file_that_comes_back_is_lacking_no_more(
    opened: Opened, archive: OpenArchive, repository: Repository
) -> None:
    marking = marking_of(archive)
    marking.mark(opened.store.load())
    [(_, key)] = marking.lacking.items()
    assert key == key_of(repository)
    archive.objects.put((repository.suite_folder / "InRelease").read_bytes())
    marking.mark(opened.store.load())
    assert marking.lacking == {}


def test_sizes_count_what_is_held_once(opened: Opened, archive: OpenArchive, repository: Repository) -> None:
    first, second = archive.objects.put(b"one"), archive.objects.put(b"three")
    marking = marking_of(archive)
    marking.mark_digests([first, second, first, Digest.of(b"not held")])
    assert (len(marking.needed), marking.size) == (2, 8)


def test_a_description_needs_the_files_that_it_lists(archive: OpenArchive) -> None:
    tarball, other = archive.objects.put(b"tarball"), archive.objects.put(b"other")
    text = f"Source: hello\nVersion: 1.0\nChecksums-Sha256:\n {tarball.hex} 7 hello_1.0.tar.xz\n"
    dsc = archive.objects.put(text.encode())
    marking = marking_of(archive)

    marking.mark_descriptions([dsc, Digest.of(b"not held")])

    assert marking.needed == {bytes.fromhex(each.hex) for each in (dsc, tarball)}
    with pytest.raises(IntegrityError, match=f"the .dsc {other} cannot be read"):
        marking.mark_descriptions([other])


def test_a_release_that_is_none_is_an_error_with_its_name(
    opened: Opened, archive: OpenArchive, repository: Repository
) -> None:
    pin = Pin(InRelease(archive.objects.put(b"no signature here")), repository.date)
    generation = Generation("0" * 32, repository.date, {key_of(repository): pin})
    with pytest.raises(
        IntegrityError, match=r"InRelease of .* cannot be read, so what it lists is not known"
    ) as caught:
        marking_of(archive).mark(generation)
    assert "aptfreeze fetch" in str(caught.value.hint)
