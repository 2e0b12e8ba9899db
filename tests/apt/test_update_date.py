# SPDX-License-Identifier: MIT
"""`update --date`: the states of a day, from a service that keeps them; with real apt."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from support.apt import MakeApt
from support.aptfreeze import Aptfreeze
from support.build import build
from support.faults import Status
from support.origin import Origin
from support.process import Result
from support.repository import MakeRepository, Repository
from support.snapshot import SnapshotService

NOW = datetime.now(UTC).replace(microsecond=0)
DAYS = timedelta(days=1)
HOUR = timedelta(hours=1)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[SnapshotService]:
    with SnapshotService(tmp_path / "snapshots") as service:
        yield service


@pytest.fixture
def repository(make_repository: MakeRepository, service: SnapshotService) -> Repository:
    """States 1.0 of 30 days ago, 2.0 of 20 days ago, both kept; 3.0 of yesterday is on the mirror."""
    repository = make_repository()
    for version, age in (("1.0", 30), ("2.0", 20), ("3.0", 1)):
        repository.add("hello", version)
        repository.add_source("hello", version)
        repository.publish(date=NOW - age * DAYS, valid_for=7 * DAYS)
        service.keep("debian", repository.root, repository.date + HOUR)
    return repository


@pytest.fixture
def product(
    aptfreeze: Aptfreeze, repository: Repository, make_apt: MakeApt, service: SnapshotService, origin: Origin
) -> Aptfreeze:
    """It has built from the newest state."""
    archives = f'"{origin.host}/debian" = "{service.archive_url("debian")}"'
    aptfreeze.configure(f"[fetch]\nretries = 1\n[snapshot.archives]\n{archives}")
    assert built(aptfreeze, make_apt, repository) == ["hello_3.0_amd64.deb"]
    return aptfreeze


def built(product: Aptfreeze, make_apt: MakeApt, repository: Repository) -> list[str]:
    with product.serve() as frozen:
        client = make_apt(proxy=frozen.proxy)
        client.set("Acquire::Check-Valid-Until", "false")  # as `run` does it
        return list(build(client, repository))


def update(product: Aptfreeze, *words: str) -> Result:
    return product.command("update", "--archive", str(product.archive), *words)


def day(age: int) -> str:
    return f"{NOW - age * DAYS:%Y-%m-%d}"


def test_the_state_of_a_day_that_is_over(product: Aptfreeze, repository: Repository, make_apt: MakeApt) -> None:
    said = update(product, "--date", day(25)).ok()

    assert "v hello amd64 3.0 -> 1.0" in said.stdout
    (pin,) = product.pins.values()
    assert pin["date"] == NOW - 30 * DAYS
    assert built(product, make_apt, repository) == ["hello_1.0_amd64.deb"]


def test_a_time_of_a_day(product: Aptfreeze, repository: Repository, make_apt: MakeApt) -> None:
    moment = NOW - 20 * DAYS + 2 * HOUR
    update(product, "--date", f"{moment:%Y-%m-%dT%H:%M:%SZ}").ok()
    assert built(product, make_apt, repository) == ["hello_2.0_amd64.deb"]

    update(product, "--date", f"{moment - 3 * HOUR:%Y-%m-%dT%H:%M:%SZ}").ok()
    assert built(product, make_apt, repository) == ["hello_1.0_amd64.deb"]


def test_and_forth_to_the_newest_again(product: Aptfreeze, repository: Repository, make_apt: MakeApt) -> None:
    update(product, "--date", day(15)).ok()
    assert update(product, "--dry-run").returncode == 10
    update(product).ok()
    assert built(product, make_apt, repository) == ["hello_3.0_amd64.deb"]


def unchanged(product: Aptfreeze, status: int, *words: str) -> str:
    before = product.lock_file.read_text()
    said = update(product, *words).fails(status).stderr
    assert product.lock_file.read_text() == before
    return said


def test_never_half_dated_half_live(
    product: Aptfreeze, make_repository: MakeRepository, make_apt: MakeApt, service: SnapshotService
) -> None:
    vendor = make_repository("vendor", suite="stable-vendor", codename="stable-vendor")
    vendor.add("hello", "9.0")
    vendor.publish()
    built(product, make_apt, vendor)

    said = unchanged(product, 2, "--date", day(25))
    assert "/vendor stable-vendor" in said
    assert "[snapshot]" in said

    update(product, "bookworm", "--date", day(25)).ok()


def test_a_service_that_is_down_moves_nothing(product: Aptfreeze, service: SnapshotService) -> None:
    service.inject("*", Status(503))
    unchanged(product, 4, "--date", day(25))


def test_a_day_before_anything_was_kept(product: Aptfreeze) -> None:
    unchanged(product, 4, "--date", day(400))


@pytest.mark.parametrize("date", ["yesterday", "2026-13-01", "2099-01-01", "1999-01-01"])
def test_what_is_no_date_is_a_mistake(product: Aptfreeze, date: str) -> None:
    assert date in unchanged(product, 2, "--date", date)
