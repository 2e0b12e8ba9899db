# SPDX-License-Identifier: MIT
"""Mirrors that are in mid-sync, away, silent, or without a name: what a whole `run` makes of them."""

import json
from pathlib import Path
from typing import Any

import pytest

from support.apt import Apt
from support.aptfreeze import Aptfreeze
from support.archive import every_object_verifies
from support.faults import Chunked, Fault, Flip, FromFolder, NoRange, Stall, Status, Truncate, WrongLength
from support.origin import Origin
from support.repository import MakeRepository, Repository
from support.starting import BUILD, started

NAME = "mirror.example.org/debian"
NO_NAME = "http://mirror.invalid/debian"
IMPATIENT = "[fetch]\nretries = 0\nconnect_timeout_s = 1\nread_timeout_s = 0.5"
BY_HASH = pytest.mark.parametrize("by_hash", [True, False], ids=["by hash", "by path"])


@pytest.fixture
def apt(apt: Apt) -> Apt:
    """One that does not try again: what it is told must be right at once."""
    apt.set("Acquire::Retries", "0")
    return apt


def mirrors(aptfreeze: Aptfreeze, *urls: str) -> str:
    """Gives the repository these mirrors; the URL that clients use."""
    aptfreeze.configure(f'[mirrors]\n"{NAME}" = {json.dumps(urls)}')
    return f"http://{NAME}"


def events(aptfreeze: Aptfreeze) -> list[str]:
    """What `status` says that happened."""
    said: Any = json.loads(aptfreeze.command("status", "--json").ok().stdout)
    return [event["event"] for event in said["events"]]


# --- in mid-sync ---


@BY_HASH
def test_a_right_second_mirror_makes_up_for_one_in_mid_sync(
    make_repository: MakeRepository,
    aptfreeze: Aptfreeze,
    apt: Apt,
    origin: Origin,
    second_origin: Origin,
    tmp_path: Path,
    by_hash: bool,
) -> None:
    repository = make_repository(by_hash=by_hash)
    repository.add("hello", "1.0")
    repository.publish()
    repository.copy_to(tmp_path / "old/debian")
    hello = repository.add("hello", "2.0").sha256
    repository.publish()
    repository.copy_to(second_origin.root / "debian")
    origin.inject("*/binary-amd64/*", FromFolder(tmp_path / "old"))  # new InRelease, old indexes
    apt.add(repository, url=mirrors(aptfreeze, repository.url, f"{second_origin.url}/debian"))

    aptfreeze.run(BUILD, env=apt.environ).ok()

    assert apt.fetched() == {"hello_2.0_amd64.deb": hello}
    assert second_origin.count("*/binary-amd64/*") == 1
    every_object_verifies(aptfreeze.archive)


@BY_HASH
@pytest.mark.parametrize(
    "faults",
    [
        pytest.param([Status(500)], id="500"),
        pytest.param([Status(404)], id="404"),
        pytest.param([Flip(20)], id="a bit"),
        pytest.param([NoRange(), Truncate(50)], id="cut"),
        pytest.param([WrongLength(-1)], id="too long"),
    ],
)
def test_no_pin_is_made_of_a_suite_whose_index_cannot_be_had(
    make_repository: MakeRepository,
    aptfreeze: Aptfreeze,
    apt: Apt,
    origin: Origin,
    faults: list[Fault],
    by_hash: bool,
) -> None:
    repository = make_repository(by_hash=by_hash)
    repository.add("hello", "1.0")
    repository.publish()
    origin.inject("*/binary-amd64/*", *faults)
    aptfreeze.configure(IMPATIENT)
    apt.add(repository)

    failed = aptfreeze.run(BUILD, env=apt.environ).fails(100)

    assert "503" in failed.stdout + failed.stderr
    assert "in the middle of an update" in failed.stderr
    assert aptfreeze.pins == {}
    assert events(aptfreeze)[-1] == "dropped"

    origin.heal()
    hello = repository.add("hello", "2.0").sha256
    repository.publish()
    aptfreeze.run(BUILD, env=apt.environ).ok()
    assert apt.fetched() == {"hello_2.0_amd64.deb": hello}
    assert len(aptfreeze.pins) == 1
    every_object_verifies(aptfreeze.archive)


def test_a_form_of_an_index_that_the_mirror_never_has_hinders_nothing(
    make_repository: MakeRepository, aptfreeze: Aptfreeze, apt: Apt
) -> None:
    repository = make_repository(stored=(".gz",))  # Release lists .xz, which apt prefers, too
    repository.add("hello", "1.0")
    repository.publish()
    apt.add(repository)

    aptfreeze.run(BUILD, env=apt.environ).ok()

    assert list(apt.fetched()) == ["hello_1.0_amd64.deb"]
    assert len(aptfreeze.pins) == 1


def test_a_frozen_index_that_is_gone_everywhere_is_an_error_until_a_mirror_has_it(
    repository: Repository, aptfreeze: Aptfreeze, apt: Apt, origin: Origin, tmp_path: Path
) -> None:
    apt.add(repository)
    aptfreeze.run(BUILD, env=apt.environ).ok()
    before = aptfreeze.lock_file.read_bytes()
    aptfreeze.archive = tmp_path / "another archive"
    origin.inject("*/binary-amd64/*", Status(404))
    apt.clear_lists()

    failed = aptfreeze.run(BUILD, env=apt.environ).fails(100)

    assert "no mirror has main/binary-amd64/Packages in any form" in failed.said_by("aptfreeze")
    assert aptfreeze.lock_file.read_bytes() == before
    origin.heal()
    aptfreeze.run(BUILD, env=apt.environ).ok()
    assert aptfreeze.lock_file.read_bytes() == before


# --- away ---


def test_a_mirror_that_is_away_fails_the_run_with_its_reason_and_the_next_run_goes_on(
    repository: Repository, aptfreeze: Aptfreeze, apt: Apt, origin: Origin
) -> None:
    aptfreeze.configure(IMPATIENT)
    apt.add(repository)
    origin.stop()

    failed = aptfreeze.run(BUILD, env=apt.environ).fails(100)

    assert f"{repository.url}/dists/bookworm/InRelease" in failed.said_by("aptfreeze")
    assert "refused" in failed.said_by("aptfreeze")
    assert aptfreeze.pins == {}

    origin.start()
    aptfreeze.run(BUILD, env=apt.environ).ok()
    assert list(apt.fetched()) == ["hello_1.0_amd64.deb"]


def test_a_mirror_that_goes_away_in_mid_build_is_an_error_and_the_next_run_goes_on_with_its_pin(
    repository: Repository, aptfreeze: Aptfreeze, apt: Apt, origin: Origin
) -> None:
    hello = repository.add("hello", "1.0", size=3_000_000).sha256
    repository.publish()
    aptfreeze.configure(IMPATIENT)
    apt.add(repository)
    stall = Stall(2_000_000)
    origin.inject("*.deb", stall, times=1)
    with started(aptfreeze, apt) as run:
        assert stall.reached.wait(20)
        origin.stop()
        failed = run.result().fails(100)

    assert "hello_1.0_amd64.deb" in failed.said_by("aptfreeze")
    before = aptfreeze.lock_file.read_bytes()
    every_object_verifies(aptfreeze.archive)

    origin.start()
    origin.forget()
    aptfreeze.run(BUILD, env=apt.environ).ok()
    assert apt.fetched() == {"hello_1.0_amd64.deb": hello}
    assert aptfreeze.lock_file.read_bytes() == before
    (resumed,) = origin.requests
    assert resumed.headers["range"].startswith("bytes=")


@pytest.mark.parametrize("kind", ["refused", "silent", "no name"])
def test_another_mirror_stands_in_for_one_that_cannot_be_reached(
    repository: Repository, aptfreeze: Aptfreeze, apt: Apt, origin: Origin, second_origin: Origin, kind: str
) -> None:
    repository.copy_to(second_origin.root / "debian")
    first = NO_NAME if kind == "no name" else repository.url
    if kind == "refused":
        origin.stop()
    else:
        origin.inject("*", Stall())
    aptfreeze.configure(IMPATIENT)
    apt.add(repository, url=mirrors(aptfreeze, first, f"{second_origin.url}/debian"))

    aptfreeze.run(BUILD, env=apt.environ).ok()

    assert list(apt.fetched()) == ["hello_1.0_amd64.deb"]
    assert origin.count() <= 1  # then it counts as down, and the other one is asked first


@pytest.mark.parametrize("size", [300_000, 5_000_000], ids=["300 KB", "5 MB"])
@pytest.mark.parametrize("after", [None, 100_000], ids=["at once", "in the middle"])
def test_another_mirror_goes_on_where_one_fell_silent(
    repository: Repository,
    aptfreeze: Aptfreeze,
    apt: Apt,
    origin: Origin,
    second_origin: Origin,
    size: int,
    after: int | None,
) -> None:
    hello = repository.add("hello", "1.0", size=size).sha256
    repository.publish()
    repository.copy_to(second_origin.root / "debian")
    origin.inject("*.deb", Stall(after))
    aptfreeze.configure(IMPATIENT)
    apt.add(repository, url=mirrors(aptfreeze, repository.url, f"{second_origin.url}/debian"))

    aptfreeze.run(BUILD, env=apt.environ).ok()

    assert apt.fetched() == {"hello_1.0_amd64.deb": hello}
    (taken_over,) = (seen for seen in second_origin.requests if seen.path.endswith(".deb"))
    assert taken_over.headers.get("range") == (None if after is None else f"bytes={after}-")


@pytest.mark.parametrize("file", ["*/InRelease", "*.deb"])
def test_a_silent_mirror_without_another_is_an_error_in_time(
    repository: Repository, aptfreeze: Aptfreeze, apt: Apt, origin: Origin, file: str
) -> None:
    stall = Stall()
    origin.inject(file, stall)
    aptfreeze.configure(IMPATIENT)
    apt.add(repository)

    failed = aptfreeze.run(BUILD, env=apt.environ).fails(100)

    assert stall.reached.is_set()
    assert "fell silent" in failed.said_by("aptfreeze")


def test_a_mirror_without_a_name_is_told_as_such(repository: Repository, aptfreeze: Aptfreeze, apt: Apt) -> None:
    aptfreeze.configure(IMPATIENT)
    apt.add(repository, url=NO_NAME)

    failed = aptfreeze.run(BUILD, env=apt.environ).fails(100)

    assert "mirror.invalid" in failed.said_by("aptfreeze")
    assert aptfreeze.pins == {}


# --- whole files, sent in an unusual or a broken way ---


@pytest.mark.parametrize("size", [300_000, 5_000_000], ids=["300 KB", "5 MB"])
@pytest.mark.parametrize(
    "faults",
    [
        pytest.param([NoRange(), Chunked()], id="chunked"),
        pytest.param([NoRange(), Chunked(), Truncate(100_000)], id="chunked and cut"),
        pytest.param([NoRange(), Chunked(), Flip(-1)], id="chunked and wrong"),
    ],
)
def test_without_a_length_it_is_the_hash_that_tells(
    repository: Repository,
    aptfreeze: Aptfreeze,
    apt: Apt,
    origin: Origin,
    second_origin: Origin,
    size: int,
    faults: list[Fault],
) -> None:
    hello = repository.add("hello", "1.0", size=size).sha256
    repository.publish()
    repository.copy_to(second_origin.root / "debian")
    origin.inject("*.deb", *faults)
    aptfreeze.configure(IMPATIENT)
    apt.set("Acquire::Retries", "3")
    apt.add(repository, url=mirrors(aptfreeze, repository.url, f"{second_origin.url}/debian"))

    aptfreeze.run(BUILD, env=apt.environ).ok()

    assert apt.fetched() == {"hello_1.0_amd64.deb": hello}
    every_object_verifies(aptfreeze.archive)
