# SPDX-License-Identifier: MIT
"""Between the first request for a suite and its line in the lock file: clients that leave, other runs, mirrors."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from aptfreeze.deb.paths import Location
from aptfreeze.errors import MidSyncError, MissingUpstreamError, RefusedError, UpstreamError
from aptfreeze.fetch.failures import ClosingError
from aptfreeze.fetch.opened import OpenArchive
from aptfreeze.freeze.digest import Digest
from aptfreeze.freeze.generation import InRelease, Pin
from support.faults import Stall, Status
from support.loops import in_loop
from support.origin import Origin
from support.pinning import Desk, key_of, make_desk
from support.repository import MakeRepository, Repository
from support.signing import SigningKey

MakeDesk = Callable[..., Desk]
INDEX = "dists/bookworm/main/binary-amd64/Packages.xz"
AWAY = UpstreamError("the mirror is away")


@pytest.fixture
def desks(tmp_path: Path, archive: OpenArchive, signing_key: SigningKey) -> Iterator[MakeDesk]:
    """Makes runs of one environment."""
    with ThreadPoolExecutor(8) as threads:
        yield lambda *, locked=False: make_desk(tmp_path / "environment", archive, signing_key, threads, locked=locked)


@pytest.fixture
def desk(desks: MakeDesk) -> Desk:
    return desks()


def next_state(repository: Repository) -> None:
    repository.add("hello", f"{len(repository.date.isoformat())}.{repository.date:%H%M%S}")
    repository.publish()


def digest_of(repository: Repository) -> Digest:
    """Of its InRelease as it is now."""
    return Digest.of((repository.suite_folder / "InRelease").read_bytes())


def root_of(pin: Pin) -> Digest:
    assert isinstance(pin.root, InRelease)
    return pin.root.inrelease


# --- pinning ---


def test_all_who_ask_at_once_get_one_pin_by_one_fetch(desk: Desk, repository: Repository, origin: Origin) -> None:
    async def story() -> None:
        pins = await asyncio.gather(*(desk.suite(repository) for _ in range(5)))
        assert {root_of(pin) for pin in pins} == {digest_of(repository)}

    in_loop(story)
    assert origin.count() == 1
    assert desk.session.provisional == set(desk.session.pinned_now) == {key_of(repository)}
    assert desk.store.load().pins == {}
    (line,) = desk.told
    assert line.startswith(f"pinned {key_of(repository)}: signed by ")


def test_a_name_that_moves_is_told_with_its_codename(desk: Desk, make_repository: MakeRepository) -> None:
    repository = make_repository(suite="stable", codename="bookworm")
    repository.publish()

    in_loop(lambda: desk.suite(repository))

    (notice,) = desk.session.notices
    assert "it is bookworm now" in notice


def test_a_client_that_leaves_does_not_take_the_pin_along(desk: Desk, repository: Repository, origin: Origin) -> None:
    stall, key = Stall(), key_of(repository)
    origin.inject("*/InRelease", stall, times=1)

    async def story() -> None:
        async with asyncio.TaskGroup() as tasks:
            client = tasks.create_task(desk.suite(repository))
            await asyncio.to_thread(stall.reached.wait)
            client.cancel()
        another = desk.suite(repository)
        stall.release()
        await another

    in_loop(story)
    assert origin.count() == 1
    assert key in desk.session.provisional
    assert len(desk.told) == 1


def test_what_was_pinned_for_a_client_that_left_counts(desk: Desk, repository: Repository, origin: Origin) -> None:
    stall, key = Stall(), key_of(repository)
    origin.inject("*/InRelease", stall, times=1)

    async def story() -> None:
        told = asyncio.get_running_loop().create_future()
        desk.session.tell = told.set_result
        async with asyncio.TaskGroup() as tasks:
            client = tasks.create_task(desk.suite(repository))
            await asyncio.to_thread(stall.reached.wait)
            client.cancel()
        stall.release()
        assert (await told).startswith(f"pinned {key}: signed by ")

    in_loop(story)
    assert key in desk.session.pinned_now


def test_a_failure_is_told_to_all_and_the_next_one_tries_again(
    desk: Desk, repository: Repository, origin: Origin
) -> None:
    origin.inject("*", Status(500))

    async def story() -> None:
        errors = await asyncio.gather(*(desk.suite(repository) for _ in range(3)), return_exceptions=True)
        assert [type(error) for error in errors] == [UpstreamError] * 3
        origin.heal()
        await desk.suite(repository)

    in_loop(story)


def test_another_run_follows_and_says_nothing(desks: MakeDesk, repository: Repository, origin: Origin) -> None:
    first, second = desks(), desks()

    async def story() -> None:
        pin = await first.suite(repository)
        next_state(repository)
        assert await second.suite(repository) == pin

    in_loop(story)
    assert origin.count("*/InRelease") == 1
    assert second.session.provisional == {key_of(repository)}
    assert second.told == []


def test_locked_follows_no_pin_that_is_not_in_the_lock_file(desks: MakeDesk, repository: Repository) -> None:
    first, locked = desks(), desks(locked=True)

    async def story() -> None:
        pin = await first.suite(repository)
        with pytest.raises(RefusedError, match="--locked forbids to add it") as refused:
            await locked.suite(repository)
        assert f'"{key_of(repository)}" = {{ inrelease = "{root_of(pin)}"' in str(refused.value)
        await first.first_sight.confirmed(key_of(repository), pin)
        assert await locked.suite(repository) == pin

    in_loop(story)


def test_a_suite_that_is_pinned_under_its_other_name_is_named(
    desk: Desk, repository: Repository, make_repository: MakeRepository
) -> None:
    testing = make_repository(suite="testing")  # its Release says Codename: bookworm
    testing.publish()

    async def story() -> None:
        await desk.suite(repository)
        with pytest.raises(RefusedError, match="its Release says that it is bookworm too"):
            await desk.first_sight.suite(key_of(testing), "InRelease")

    in_loop(story)
    assert set(desk.session.generation.pins) == {key_of(repository)}


def test_one_repository_under_two_names_is_told_once(
    desk: Desk, repository: Repository, make_repository: MakeRepository
) -> None:
    other = make_repository("other")
    other.add("hello", "2.0")
    other.publish()

    async def story() -> None:
        await asyncio.gather(desk.suite(repository), desk.suite(other), desk.suite(other))

    in_loop(story)
    (notice,) = desk.session.notices
    assert "[mirrors]" in notice
    assert str(key_of(repository)) in notice
    assert str(key_of(other)) in notice


def test_a_repository_whose_release_is_gone_hinders_no_other(
    desk: Desk, repository: Repository, make_repository: MakeRepository
) -> None:
    gone = replace(key_of(repository), repository="gone.invalid/debian")
    desk.session.generation = desk.session.generation.with_pin(
        gone, Pin(InRelease(Digest.of(b"gone")), None, codename="bookworm")
    )

    async def story() -> None:
        await desk.suite(repository)

    in_loop(story)
    assert desk.session.notices == []


# --- commit ---


def test_what_an_index_confirms_is_in_the_lock_file(desk: Desk, repository: Repository) -> None:
    async def story() -> None:
        pin = await desk.suite(repository)
        await desk.first_sight.confirmed(key_of(repository), pin)
        await desk.first_sight.confirmed(key_of(repository), pin)

    in_loop(story)
    assert root_of(desk.store.load().pins[key_of(repository)]) == digest_of(repository)
    assert desk.store.provisional() == {}
    assert desk.session.provisional == set()


def test_an_index_of_an_earlier_pin_confirms_nothing(desk: Desk, repository: Repository) -> None:
    key = key_of(repository)

    async def story() -> None:
        earlier = await desk.suite(repository)
        await desk.first_sight.failed(key, earlier, INDEX, AWAY)
        next_state(repository)
        await desk.suite(repository)
        await desk.first_sight.confirmed(key, earlier)

    in_loop(story)
    assert desk.session.provisional == {key}
    assert desk.store.load().pins == {}


def test_a_pin_that_another_run_replaced_is_a_verdict_and_given_up(desks: MakeDesk, repository: Repository) -> None:
    mine, other, key = desks(), desks(), key_of(repository)

    async def story() -> None:
        pin = await mine.suite(repository)
        await other.first_sight.failed(key, await other.suite(repository), INDEX, AWAY)
        next_state(repository)
        await other.first_sight.confirmed(key, await other.suite(repository))
        await mine.first_sight.confirmed(key, pin)
        assert root_of(await mine.suite(repository)) == digest_of(repository)

    in_loop(story)
    (verdict,) = mine.session.verdicts
    assert "the lock file got" in verdict
    assert (other.session.verdicts, mine.session.provisional) == ([], set())


def test_what_cannot_be_written_is_a_verdict_and_tried_again(desk: Desk, repository: Repository) -> None:
    key, lock = key_of(repository), desk.store.environment.lock_file
    good = lock.read_bytes()

    async def story() -> None:
        await desk.suite(repository)
        lock.write_bytes(b"<<<<<<< ours\n")
        await desk.first_sight.commit_unasked({key})
        assert desk.session.provisional == {key}
        lock.write_bytes(good)
        await desk.first_sight.commit_unasked({key})

    in_loop(story)
    (verdict,) = desk.session.verdicts
    assert f"the pin of {key} could not be written" in verdict
    assert key in desk.store.load().pins


# --- drop ---


def test_a_file_that_cannot_be_had_drops_the_pin_and_the_next_request_pins_anew(
    desk: Desk, repository: Repository
) -> None:
    key = key_of(repository)

    async def story() -> None:
        pin = await desk.suite(repository)
        errors = await asyncio.gather(*(desk.first_sight.failed(key, pin, INDEX, AWAY) for _ in range(3)))
        assert [type(error) for error in errors] == [MidSyncError] * 3
        assert (desk.store.provisional(), desk.session.dropped) == ({}, {key})
        assert key not in desk.session.generation.pins
        next_state(repository)
        assert root_of(await desk.suite(repository)) == digest_of(repository)

    in_loop(story)
    (notice,) = desk.session.notices
    assert f"{INDEX} cannot be had: the mirror is away" in notice
    assert (desk.session.dropped, desk.session.verdicts) == (set(), [])


def test_a_client_that_leaves_leaves_no_half_dropped_pin(desk: Desk, repository: Repository) -> None:
    key = key_of(repository)

    async def story() -> None:
        pin = await desk.suite(repository)
        told = asyncio.get_running_loop().create_future()
        desk.session.tell = told.set_result
        async with asyncio.TaskGroup() as tasks:
            client = tasks.create_task(desk.first_sight.failed(key, pin, INDEX, AWAY))
            await asyncio.sleep(0)
            client.cancel()
        assert "was dropped" in await told

    in_loop(story)
    assert key not in desk.session.generation.pins
    assert desk.session.dropped == {key}


def test_a_pin_that_is_just_being_dropped_is_not_committed(desk: Desk, repository: Repository) -> None:
    key = key_of(repository)

    async def story() -> None:
        pin = await desk.suite(repository)
        await asyncio.gather(
            desk.first_sight.failed(key, pin, INDEX, AWAY),
            desk.first_sight.confirmed(key, pin),
        )

    in_loop(story)
    assert (desk.store.load().pins, desk.session.verdicts) == ({}, [])
    assert desk.session.dropped == {key}


def test_a_committed_pin_is_never_dropped(desk: Desk, repository: Repository) -> None:
    key = key_of(repository)

    async def story() -> None:
        pin = await desk.suite(repository)
        await desk.first_sight.confirmed(key, pin)
        assert await desk.first_sight.failed(key, pin, INDEX, AWAY) is AWAY

    in_loop(story)
    assert key in desk.store.load().pins
    assert key in desk.session.generation.pins


def test_the_end_of_the_process_is_no_fault_of_the_mirror(desk: Desk, repository: Repository) -> None:
    closing = ClosingError("closing")

    async def story() -> None:
        pin = await desk.suite(repository)
        assert await desk.first_sight.failed(key_of(repository), pin, INDEX, closing) is closing

    in_loop(story)
    assert list(desk.store.provisional()) == [key_of(repository)]


def test_a_file_of_an_earlier_pin_does_not_drop_the_present_one(desk: Desk, repository: Repository) -> None:
    key = key_of(repository)

    async def story() -> None:
        earlier = await desk.suite(repository)
        await desk.first_sight.failed(key, earlier, INDEX, AWAY)
        next_state(repository)
        present = await desk.suite(repository)
        for late in (AWAY, MissingUpstreamError("404")):
            assert isinstance(await desk.first_sight.failed(key, earlier, INDEX, late), MidSyncError)
        assert desk.session.generation.pins[key] == present

    in_loop(story)
    assert desk.session.provisional == {key}


def test_a_pin_that_another_run_has_dropped_is_dropped_here_too(desks: MakeDesk, repository: Repository) -> None:
    mine, other, key = desks(), desks(), key_of(repository)

    async def story() -> None:
        pin = await mine.suite(repository)
        await other.first_sight.failed(key, await other.suite(repository), INDEX, AWAY)
        assert isinstance(await mine.first_sight.failed(key, pin, INDEX, AWAY), MidSyncError)
        next_state(repository)
        assert root_of(await mine.suite(repository)) == digest_of(repository)

    in_loop(story)


def test_a_pin_that_another_run_has_committed_stays(desks: MakeDesk, repository: Repository) -> None:
    mine, other, key = desks(), desks(), key_of(repository)

    async def story() -> None:
        pin = await mine.suite(repository)
        await other.first_sight.confirmed(key, await other.suite(repository))
        assert await mine.first_sight.failed(key, pin, INDEX, AWAY) is AWAY
        assert mine.session.generation.pins[key] == pin

    in_loop(story)
    assert mine.session.provisional == set()
    assert mine.session.notices == []


# --- single files ---


def test_a_single_file_is_pinned_once_and_for_every_run(
    desks: MakeDesk, origin: Origin, repository: Repository
) -> None:
    first, second = desks(), desks()
    (origin.root / "key.asc").write_bytes(b"one")
    location = Location.parse(f"{origin.url}/key.asc".encode())

    async def story() -> None:
        await asyncio.gather(*(first.first_sight.single(location.text, location) for _ in range(3)))
        (origin.root / "key.asc").write_bytes(b"two")
        await second.first_sight.single(location.text, location)

    in_loop(story)
    extra = {location.text: Digest.of(b"one")}
    assert (first.session.generation.extra, second.session.generation.extra) == (extra, extra)
    assert first.store.load().extra == extra
    assert origin.count() == 1
    assert first.told == [f"pinned the single file {location.text} ({Digest.of(b'one')})"]
