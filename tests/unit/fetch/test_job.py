# SPDX-License-Identifier: MIT
"""One download: suppliers by script, a real archive. What `Downloads` adds to it, test_download.py tells."""

import random
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from aptfreeze.archive.growth import HELD_BACK, Growth, GrowthState
from aptfreeze.archive.objects import Objects
from aptfreeze.archive.partial import Partial
from aptfreeze.errors import AptfreezeError, MissingUpstreamError, UpstreamError
from aptfreeze.fetch.chain import Delivery, Means, Supplier
from aptfreeze.fetch.download import Downloads
from aptfreeze.fetch.failures import PassingError, ReplacedError, UnreachableError, UnusableRangeError
from aptfreeze.fetch.job import Job
from aptfreeze.fetch.priority import Asker, Priority
from aptfreeze.fetch.turns import Standing
from aptfreeze.freeze.digest import Digest, Wanted
from aptfreeze.settings import FetchSettings

SMALL = random.Random(1).randbytes(200_000)
LARGE = random.Random(2).randbytes(2 << 20)
HALF = len(SMALL) // 2
WRONG = bytes([SMALL[0] ^ 1]) + SMALL[1:]

Turn = Callable[[int], Iterator[bytes]]
"""What a supplier sends that is asked from this byte on; raises what ends it."""


def sends(data: bytes, end: Exception | None = None, *, upto: int | None = None) -> Turn:
    """The file from where it is asked to go on, up to a byte or its end."""

    def turn(start: int) -> Iterator[bytes]:
        yield data[start:upto]
        if end is not None:
            raise end

    return turn


def fails(error: Exception) -> Turn:
    return sends(b"", error)


@dataclass(eq=False)
class Script:
    """A supplier: one turn after another, the last one again and again; `asked` is from where."""

    name: str
    turns: list[Turn]
    asked: list[int] = field(default_factory=list)

    def standing(self, means: Means) -> Standing:
        return Standing.GOOD

    @contextmanager
    def open(self, means: Means, wanted: Wanted, start: int, asker: Asker) -> Iterator[Delivery]:
        self.asked.append(start)
        turn = self.turns.pop(0) if len(self.turns) > 1 else self.turns[0]
        yield Delivery(start, True, turn(start))


@pytest.fixture
def objects(tmp_path: Path) -> Iterator[Objects]:
    objects = Objects(tmp_path / "archive")
    yield objects
    objects.close()


@pytest.fixture
def shell(objects: Objects) -> Iterator[Downloads]:
    shell = Downloads(objects, FetchSettings(retries=0))
    yield shell
    shell.close()


def job_of(shell: Downloads, data: bytes, suppliers: Sequence[Supplier]) -> Job:
    return Job(shell, Wanted(Digest.of(data), len(data)), suppliers, Priority.DEMANDED, None)


def run(shell: Downloads, data: bytes, *suppliers: Supplier) -> Growth:
    job = job_of(shell, data, suppliers)
    job.run()
    return job.growth


def is_stored(objects: Objects, data: bytes) -> bool:
    return objects.read(Digest.of(data)) == data and not list((objects.layout.root / "partial").iterdir())


# --- its name ---


@pytest.mark.parametrize(
    ("suppliers", "name"),
    [
        (["http://m.example.org/pool/g/g%2b%2b_4%3a12_amd64.deb"], "g++_4:12_amd64.deb"),
        (["http://m.example.org/dists/x/by-hash/SHA256/00", "http://m.example.org/dists/x/Packages.xz"], "Packages.xz"),
        ([".xz form sha256:00", "http://m.example.org/dists/x/Packages"], "Packages"),
        (["http://m.example.org/dists/x/by-hash/SHA256/00"], str(Digest.of(SMALL))),
        ([], str(Digest.of(SMALL))),
    ],
    ids=["encoded", "by hash first", "derived first", "by hash alone", "no supplier"],
)
def test_a_person_is_told_the_name_of_the_file(shell: Downloads, suppliers: list[str], name: str) -> None:
    assert job_of(shell, SMALL, [Script(supplier, [sends(SMALL)]) for supplier in suppliers]).name == name


# --- suppliers in turn ---


def test_the_first_that_has_it(shell: Downloads, objects: Objects) -> None:
    first, second = Script("first", [sends(SMALL)]), Script("second", [sends(SMALL)])
    growth = run(shell, SMALL, first, second)
    assert (growth.state, growth.ready, growth.sha256) == (GrowthState.COMPLETE, len(SMALL), Digest.of(SMALL))
    assert (first.asked, second.asked) == ([0], [])
    assert is_stored(objects, SMALL)


def test_after_a_cut_that_was_progress_the_same_one_goes_on(shell: Downloads, objects: Objects) -> None:
    first = Script("first", [sends(SMALL, PassingError("cut"), upto=HALF), sends(SMALL)])
    second = Script("second", [sends(SMALL)])
    run(shell, SMALL, first, second)
    assert (first.asked, second.asked) == ([0, HALF], [])
    assert is_stored(objects, SMALL)


@pytest.mark.parametrize(
    "end", [PassingError("cut"), UnreachableError("fell silent")], ids=["little progress", "silent"]
)
def test_else_the_next_one_goes_on_behind_it(shell: Downloads, objects: Objects, end: PassingError) -> None:
    came = HALF if isinstance(end, UnreachableError) else 1000
    first, second = Script("first", [sends(SMALL, end, upto=came)]), Script("second", [sends(SMALL)])
    run(shell, SMALL, first, second)
    assert (first.asked, second.asked) == ([0], [came])
    assert is_stored(objects, SMALL)


def test_all_that_was_said_is_told_and_what_came_is_kept(shell: Downloads, objects: Objects) -> None:
    first = Script("first", [sends(SMALL, PassingError("cut"), upto=1000)])
    second = Script("second", [fails(MissingUpstreamError("404"))])
    growth = run(shell, SMALL, first, second)
    assert type(growth.error) is UpstreamError
    assert "first: cut; second: 404" in growth.error.message
    (left,) = (objects.layout.root / "partial").iterdir()
    assert left.read_bytes() == SMALL[:1000]
    assert run(shell, SMALL, third := Script("third", [sends(SMALL)])).error is None
    assert third.asked == [1000]


def test_it_is_missing_only_if_everybody_says_so(shell: Downloads) -> None:
    missing = [Script(name, [fails(MissingUpstreamError("404"))]) for name in ("first", "second")]
    assert isinstance(run(shell, SMALL, *missing).error, MissingUpstreamError)


# --- wrong bytes ---


def test_wrong_bytes_are_remembered_and_the_next_one_begins_anew(shell: Downloads, objects: Objects) -> None:
    first, second = Script("first", [sends(WRONG)]), Script("second", [sends(SMALL)])
    run(shell, SMALL, first, second)
    assert (first.asked, second.asked) == ([0], [0])
    assert shell.wrong == {(Digest.of(SMALL), "first")}
    assert [notice.where for notice in objects.notices] == ["first"]
    assert is_stored(objects, SMALL)
    assert run(shell, WRONG, first).error is None  # of another digest it is not to be blamed


def test_who_is_blamed_is_asked_again_only_if_nobody_else_is_left(shell: Downloads, objects: Objects) -> None:
    first = Script("first", [sends(WRONG), sends(SMALL)])
    assert run(shell, SMALL, first).error is not None
    other = Script("other", [fails(PassingError("busy"))])
    assert "had wrong bytes before" in str(run(shell, SMALL, first, other).error)
    assert first.asked == [0]
    assert run(shell, SMALL, first).error is None


def test_of_a_mixture_nobody_is_blamed_before_it_came_whole_from_one(shell: Downloads, objects: Objects) -> None:
    first = Script("first", [sends(WRONG, UnreachableError("fell silent"), upto=HALF)])
    second = Script("second", [sends(SMALL)])
    run(shell, SMALL, first, second)
    assert second.asked == [HALF, 0]
    assert shell.wrong == set()
    assert is_stored(objects, SMALL)


def test_more_than_there_should_be_is_wrong_at_once(shell: Downloads, objects: Objects) -> None:
    run(shell, SMALL, Script("first", [sends(SMALL + b"!")]), Script("second", [sends(SMALL)]))
    assert shell.wrong == {(Digest.of(SMALL), "first")}
    assert is_stored(objects, SMALL)


def test_readers_of_wrong_bytes_are_cut_off_and_later_ones_see_the_right_ones(
    shell: Downloads, objects: Objects
) -> None:
    wrong = LARGE[:-1] + bytes([LARGE[-1] ^ 1])
    job = job_of(shell, LARGE, [Script("first", [sends(wrong)]), Script("second", [sends(LARGE)])])
    shown = job.growth
    job.run()
    assert shown.ready == len(LARGE) - HELD_BACK
    assert isinstance(shown.error, ReplacedError)
    assert job.growth.state is GrowthState.COMPLETE
    assert shell.tainted(Digest.of(LARGE))


def test_of_a_small_file_nobody_sees_wrong_bytes(shell: Downloads) -> None:
    job = job_of(shell, SMALL, [Script("first", [sends(WRONG)]), Script("second", [sends(SMALL)])])
    shown = job.growth
    job.run()
    assert job.growth is shown
    assert not shell.tainted(Digest.of(SMALL))


# --- going on ---


def test_who_ignores_where_to_go_on_repeats_what_is_there_already(shell: Downloads, objects: Objects) -> None:
    @dataclass(eq=False)
    class Ignorant(Script):
        @contextmanager
        def open(self, means: Means, wanted: Wanted, start: int, asker: Asker) -> Iterator[Delivery]:
            yield Delivery(0, True, iter([SMALL[:700], SMALL[700:]]))

    first = Script("first", [sends(SMALL, PassingError("cut"), upto=1000)])
    run(shell, SMALL, first, Ignorant("second", []))
    assert is_stored(objects, SMALL)
    assert shell.wrong == set()


def test_who_cannot_go_on_is_asked_for_the_whole_once(shell: Downloads, objects: Objects) -> None:
    first = Script("first", [sends(SMALL, PassingError("cut"), upto=1000)])
    second = Script("second", [fails(UnusableRangeError("no")), sends(SMALL)])
    run(shell, SMALL, first, second)
    assert second.asked == [1000, 0]
    assert is_stored(objects, SMALL)

    stubborn = Script("stubborn", [sends(LARGE, PassingError("cut"), upto=100_000), fails(UnusableRangeError("no"))])
    assert run(shell, LARGE, stubborn).error is not None
    assert len(stubborn.asked) == 3


def test_a_body_whose_end_cannot_be_told_must_have_the_size(shell: Downloads, objects: Objects) -> None:
    @dataclass(eq=False)
    class Unframed(Script):
        @contextmanager
        def open(self, means: Means, wanted: Wanted, start: int, asker: Asker) -> Iterator[Delivery]:
            yield Delivery(start, False, iter([SMALL[start:1000]]))

    second = Script("second", [sends(SMALL)])
    run(shell, SMALL, Unframed("first", []), second)
    assert second.asked == [1000]
    assert is_stored(objects, SMALL)


# --- the archive, and others who use it ---


def test_what_got_into_the_archive_meanwhile_is_not_fetched(shell: Downloads, objects: Objects) -> None:
    objects.put(SMALL)
    growth = run(shell, SMALL, supplier := Script("first", [sends(SMALL)]))
    assert (growth.state, supplier.asked) == (GrowthState.COMPLETE, [])


def test_a_held_object_that_turns_out_damaged_is_fetched(shell: Downloads, tmp_path: Path, objects: Objects) -> None:
    path = objects.layout.object(objects.put(SMALL))
    path.chmod(0o644)
    path.write_bytes(WRONG)
    held = objects.growth(Digest.of(SMALL))
    assert held is not None
    job = Job(shell, Wanted(Digest.of(SMALL)), [Script("first", [sends(SMALL)])], Priority.DEMANDED, held)
    job.run()
    assert job.growth.state is GrowthState.COMPLETE
    assert is_stored(objects, SMALL)


@pytest.fixture
def holder(objects: Objects) -> Iterator[Partial]:
    """Another process's download of LARGE, a third of it there."""
    with Partial(objects, Wanted(Digest.of(LARGE), len(LARGE))) as partial:
        partial.inherit()
        partial.append(LARGE[: len(LARGE) // 3])
        yield partial


@contextmanager
def following(shell: Downloads, *suppliers: Supplier) -> Iterator[Job]:
    """A job in a thread, once it shows something of what the holder has; joined at the end."""
    job, shown = job_of(shell, LARGE, suppliers), threading.Event()
    job.growth.subscribe(shown.set)
    thread = threading.Thread(target=job.run)
    thread.start()
    assert shown.wait(10)
    yield job
    thread.join(10)
    assert not thread.is_alive()


def test_what_another_process_fetches_is_followed_to_its_end(shell: Downloads, holder: Partial) -> None:
    with following(shell, supplier := Script("first", [sends(LARGE)])) as job:
        assert 0 < job.growth.ready <= len(LARGE) // 3
        holder.append(LARGE[len(LARGE) // 3 :])
        holder.install()
        holder.close()
    assert (job.growth.state, supplier.asked) == (GrowthState.COMPLETE, [])


def test_what_another_process_left_is_gone_on_with(shell: Downloads, holder: Partial, objects: Objects) -> None:
    with following(shell, supplier := Script("first", [sends(LARGE)])) as job:
        shown = job.growth
        holder.close()
    assert supplier.asked == [len(LARGE) // 3]
    assert shown.state is GrowthState.COMPLETE
    assert is_stored(objects, LARGE)


def test_what_another_process_threw_away_is_fetched_anew(shell: Downloads, holder: Partial, objects: Objects) -> None:
    with following(shell, supplier := Script("first", [sends(LARGE)])) as job:
        shown = job.growth
        holder.discard()
        holder.close()
    assert isinstance(shown.error, ReplacedError)
    assert supplier.asked == [0]
    assert is_stored(objects, LARGE)


# --- whatever happens, it ends ---


def test_a_disk_that_does_not_take_it_is_an_error_that_names_the_archive(shell: Downloads, objects: Objects) -> None:
    objects.layout.partial(Digest.of(SMALL)).mkdir()
    error = run(shell, SMALL, Script("first", [sends(SMALL)])).error
    assert isinstance(error, AptfreezeError)
    assert str(objects.layout.root) in error.message


def test_a_bug_ends_the_download_too(shell: Downloads) -> None:
    job = job_of(shell, SMALL, [Script("first", [fails(KeyError("bug"))])])
    with pytest.raises(KeyError):
        job.run()
    assert job.growth.state is GrowthState.FAILED


def test_who_joins_brings_priority_and_suppliers(shell: Downloads, objects: Objects) -> None:
    first, second = Script("first", [fails(PassingError("busy"))]), Script("second", [sends(SMALL)])
    job = Job(shell, Wanted(Digest.of(SMALL), len(SMALL)), [first], Priority.SOURCES, None)
    job.join([first, second], Priority.PREFETCHED)
    job.join([], Priority.SOURCES)
    assert job.priority is Priority.PREFETCHED
    job.run()
    assert (first.asked, second.asked) == ([0], [0])
    assert is_stored(objects, SMALL)
