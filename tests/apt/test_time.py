# SPDX-License-Identifier: MIT
"""A product is built again with the clock ten years ahead, or two years behind: `aptfreeze` and apt alike.

The whole command runs with that clock, as on a machine whose clock is wrong.
"""

import re
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from support import clock
from support.apt import Apt, MakeApt
from support.aptfreeze import Aptfreeze
from support.origin import Origin
from support.process import Result, run
from support.repository import MakeRepository, Repository
from support.signing import SigningKey, throwaway_key

pytestmark = pytest.mark.skipif(not clock.can_move(), reason="libfaketime is not installed")

WEEK = timedelta(days=7)
BUILD = ["sh", "-c", "apt-get update && apt-get install --download-only hello"]
AHEAD, BEHIND = 10 * clock.YEAR, -2 * clock.YEAR
both_ways = pytest.mark.parametrize("days", [AHEAD, BEHIND], ids=["ten years ahead", "two years behind"])


@pytest.fixture(autouse=True)
def _apt_minds_dates_only_by_options(request: pytest.FixtureRequest) -> None:
    if "behind" in request.node.name and shutil.which("sqv"):
        pytest.skip("apt 3 asks sqv, which refuses a signature from the future whatever apt is told about dates")


@pytest.fixture
def first(repository: Repository, apt: Apt, aptfreeze: Aptfreeze) -> dict[str, str]:
    """What a build got today of a suite that is valid for a week; the mirror has moved on since."""
    repository.publish(valid_for=WEEK)
    apt.add(repository)
    aptfreeze.run(BUILD, env=apt.environ).ok()
    repository.add("hello", "2.0")
    repository.publish(valid_for=WEEK)
    return apt.fetched()


@pytest.fixture
def short_lived_key() -> Iterator[SigningKey]:
    with throwaway_key("Short-lived", lives="1y") as key:
        yield key


def build_later(aptfreeze: Aptfreeze, client: Apt, days: int, *flags: str) -> Result:
    return aptfreeze.run(BUILD, *flags, env={**client.environ, **clock.variables(days)})


@both_ways
@pytest.mark.parametrize("flags", [[], ["--locked"], ["--offline"]], ids=["", "locked", "offline"])
def test_the_same_is_built_whatever_the_clock_says(
    repository: Repository,
    make_apt: MakeApt,
    aptfreeze: Aptfreeze,
    origin: Origin,
    first: dict[str, str],
    days: int,
    flags: list[str],
) -> None:
    client, lock = make_apt(), aptfreeze.lock_file.read_bytes()
    client.add(repository)
    origin.forget()

    build_later(aptfreeze, client, days, *flags).ok()

    assert client.fetched() == first
    assert origin.asked() == []
    assert aptfreeze.lock_file.read_bytes() == lock


@both_ways
def test_on_another_machine_the_lock_file_and_the_archive_are_enough(
    repository: Repository, make_apt: MakeApt, aptfreeze: Aptfreeze, first: dict[str, str], days: int
) -> None:
    other, client = aptfreeze.beside("other-machine"), make_apt()
    other.lock_file.write_bytes(aptfreeze.lock_file.read_bytes())
    client.add(repository)

    build_later(other, client, days, "--locked", "--offline").ok()

    assert client.fetched() == first


@both_ways
def test_outside_of_run_apt_refuses_the_suite(
    repository: Repository, make_apt: MakeApt, aptfreeze: Aptfreeze, first: dict[str, str], days: int
) -> None:
    """The reason for what `run` tells apt; and the proof that the clock of these tests moves apt's."""
    with aptfreeze.serve() as frozen:
        client = make_apt(proxy=frozen.proxy)
        client.add(repository)
        env = {**client.environ, **clock.variables(days)}
        refused = run(client.command("update"), env=env, cwd=client.root).fails(100)

    assert ("is expired" if days > 0 else "is not valid yet") in refused.output
    assert client.candidate("hello") is None


def test_ten_years_later_an_update_refuses_what_has_expired_and_moves_nothing(
    aptfreeze: Aptfreeze, first: dict[str, str]
) -> None:
    lock = aptfreeze.lock_file.read_bytes()
    archive = ("--archive", str(aptfreeze.archive))

    refused = aptfreeze.command("update", *archive, env=clock.variables(AHEAD)).fails(2)

    assert "expired" in refused.said_by("aptfreeze")
    assert aptfreeze.lock_file.read_bytes() == lock
    aptfreeze.command("update", *archive).ok()
    assert aptfreeze.lock_file.read_bytes() != lock


def test_the_way_back_is_known_though_a_generation_was_made_two_years_before(
    repository: Repository, make_apt: MakeApt, aptfreeze: Aptfreeze, first: dict[str, str]
) -> None:
    lock, client = aptfreeze.lock, make_apt()
    client.add(repository)
    aptfreeze.command("reset", env=clock.variables(BEHIND)).ok()
    assert aptfreeze.lock["created"] > lock["created"]

    aptfreeze.command("rollback", env=clock.variables(AHEAD)).ok()

    assert aptfreeze.lock == lock
    build_later(aptfreeze, client, AHEAD, "--locked").ok()
    assert client.fetched() == first


def test_ten_years_later_an_expired_suite_is_no_first_pin(
    repository: Repository, apt: Apt, aptfreeze: Aptfreeze
) -> None:
    repository.publish(valid_for=WEEK)
    apt.add(repository)

    said = build_later(aptfreeze, apt, AHEAD).fails(125).said_by("aptfreeze")

    assert aptfreeze.pins == {}
    later = datetime.now(UTC) + timedelta(days=AHEAD)
    assert f"expired {repository.date + WEEK:%Y-%m-%d %H:%M:%S} UTC, and it is {later:%Y-%m-%d}" in said
    assert "[trust] expired" in said


def test_two_years_before_it_was_made_a_suite_is_no_first_pin(
    repository: Repository, apt: Apt, aptfreeze: Aptfreeze
) -> None:
    apt.add(repository)
    said = build_later(aptfreeze, apt, BEHIND).fails(125).said_by("aptfreeze")
    assert aptfreeze.pins == {}
    assert "in the future" in said
    assert "clock" in said


def test_a_suite_without_an_end_is_pinned_with_its_age_in_the_message(
    repository: Repository, apt: Apt, aptfreeze: Aptfreeze
) -> None:
    apt.add(repository)
    said = build_later(aptfreeze, apt, AHEAD).ok().said_by("aptfreeze")
    age = datetime.now(UTC) + timedelta(days=AHEAD) - repository.date
    assert f"{age.days} days old (it has no Valid-Until)" in said
    assert len(aptfreeze.pins) == 1


def test_with_a_key_that_has_expired_since_apt_refuses_what_aptfreeze_serves(
    make_repository: MakeRepository, make_apt: MakeApt, aptfreeze: Aptfreeze, short_lived_key: SigningKey
) -> None:
    """The lock file needs no key any more, but apt verifies for itself: re-sign mode is for that."""
    repository, today, later = make_repository(key=short_lived_key), make_apt(), make_apt()
    aptfreeze.configure(f'[trust.repository."{repository.url.removeprefix("http://")}"]')
    aptfreeze.configure(f'keyrings = ["{short_lived_key.keyring}"]')
    repository.add("hello", "1.0")
    repository.publish()
    today.add(repository)
    later.add(repository)
    aptfreeze.run(BUILD, env=today.environ).ok()

    failed = build_later(aptfreeze, later, AHEAD, "--offline").fails(100)

    assert re.search(r"signatures? were invalid: EXPKEYSIG|[Ee]xpired", failed.output)
    assert "is not signed" in failed.output
    assert later.candidate("hello") is None
