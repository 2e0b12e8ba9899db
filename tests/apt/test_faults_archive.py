# SPDX-License-Identifier: MIT
"""An archive that rots, is full, or can only be read: told in words, repaired if possible, nothing half written."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.apt import Apt, MakeApt
from support.aptfreeze import Aptfreeze
from support.archive import every_object_verifies, objects_of, quarantined, rot
from support.confined import Confined, protect
from support.origin import Origin
from support.packages import hexdigest
from support.repository import Repository
from support.starting import BUILD

SIZES = pytest.mark.parametrize("size", [300_000, 5_000_000], ids=["300 KB", "5 MB"])
OFFSETS = pytest.mark.parametrize("offset", [0, 150_000, -1], ids=["first bit", "in the middle", "last bit"])


@pytest.fixture
def client(apt: Apt, repository: Repository) -> Apt:
    apt.add(repository)
    return apt


@pytest.fixture
def confined(aptfreeze: Aptfreeze) -> Confined:
    """Another environment with an archive of its own."""
    confined = Confined(aptfreeze.root / "confined", archive=aptfreeze.root / "confined archive")
    confined.configure(aptfreeze.configuration.read_text())
    return confined


# --- rotten ---


@SIZES
@OFFSETS
def test_a_package_that_rots_is_noticed_and_fetched_again_in_the_same_run(
    repository: Repository, aptfreeze: Aptfreeze, client: Apt, origin: Origin, size: int, offset: int
) -> None:
    hello = repository.add("hello", "1.0", size=size).sha256
    repository.publish()
    aptfreeze.run(BUILD, env=client.environ).ok()
    rot(aptfreeze.archive, hello, offset)
    origin.forget()
    client.clear_archives()

    again = aptfreeze.run(BUILD, env=client.environ).ok()

    assert client.fetched() == {"hello_1.0_amd64.deb": hello}
    assert origin.asked() == ["/debian/pool/main/h/hello/hello_1.0_amd64.deb"]
    assert quarantined(aptfreeze.archive) == {hello}
    assert hello in again.said_by("aptfreeze")
    every_object_verifies(aptfreeze.archive)


@pytest.mark.parametrize("name", ["InRelease", "main/binary-amd64/Packages.xz"])
def test_an_index_that_rots_is_noticed_and_fetched_again(
    repository: Repository, aptfreeze: Aptfreeze, client: Apt, origin: Origin, make_apt: MakeApt, name: str
) -> None:
    aptfreeze.run(BUILD, env=client.environ).ok()
    rotten = hexdigest("SHA256", (repository.suite_folder / name).read_bytes())
    rot(aptfreeze.archive, rotten, 100)
    origin.forget()
    again = make_apt()
    again.add(repository)

    aptfreeze.run(BUILD, env=again.environ).ok()

    assert again.fetched() == client.fetched()
    assert len(origin.asked()) == 1
    assert quarantined(aptfreeze.archive) == {rotten}
    every_object_verifies(aptfreeze.archive)


def test_what_rots_and_cannot_be_replaced_is_an_error_that_names_it(
    repository: Repository, aptfreeze: Aptfreeze, client: Apt
) -> None:
    hello = repository.binary("hello").sha256
    aptfreeze.run(BUILD, env=client.environ).ok()
    lock = aptfreeze.lock_file.read_bytes()
    rot(aptfreeze.archive, hello, 100)
    client.clear_archives()

    offline = aptfreeze.run(BUILD, "--offline", env=client.environ).fails()

    assert hello in offline.said_by("aptfreeze")
    assert "hello_1.0_amd64.deb" in offline.said_by("aptfreeze")
    assert client.fetched() == {}
    assert aptfreeze.lock_file.read_bytes() == lock


def test_a_pinned_inrelease_that_rots_when_the_mirror_has_moved_on_is_an_error_and_no_new_pin(
    repository: Repository, aptfreeze: Aptfreeze, client: Apt, make_apt: MakeApt
) -> None:
    pinned = hexdigest("SHA256", (repository.suite_folder / "InRelease").read_bytes())
    aptfreeze.run(BUILD, env=client.environ).ok()
    lock = aptfreeze.lock_file.read_bytes()
    rot(aptfreeze.archive, pinned, 100)
    repository.add("hello", "2.0")
    repository.publish()
    again = make_apt()
    again.add(repository)
    again.set("Acquire::Retries", "0")

    failed = aptfreeze.run(BUILD, env=again.environ).fails()

    assert f"the pinned dists/bookworm/InRelease of {repository.url.removeprefix('http://')} bookworm" in failed.stderr
    assert pinned in failed.said_by("aptfreeze")
    assert "Hint: use the archive that was used when it was pinned" in failed.said_by("aptfreeze")
    assert again.fetched() == {}
    assert aptfreeze.lock_file.read_bytes() == lock


# --- full ---


@pytest.fixture
def full(confined: Confined) -> Confined:
    """The archive is a disk of 3 MB of its own."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount")
    confined.archive.mkdir()
    mount = 'mount -t tmpfs -o size=3m none "$0" && exec "$@"'
    confined.prefix = ("unshare", "--mount", "sh", "-c", mount, str(confined.archive))
    return confined


def test_a_package_that_does_not_fit_is_refused_before_anything_of_it_is_sent(
    repository: Repository, full: Confined, apt: Apt, origin: Origin
) -> None:
    hello = repository.add("hello", "1.0", size=5_000_000)
    small = repository.add("small", "1.0")
    repository.publish()
    apt.add(repository)
    with full.serve() as frozen:
        apt.use_proxy(frozen.proxy)
        apt.update().ok()
        failed = apt.install("hello").fails(100)
        apt.install("small").ok()  # which fits
        archive = Path(f"/proc/{frozen.process.pid}/root{full.archive}")
        held = set(objects_of(archive))
        every_object_verifies(archive)
        assert list((archive / "partial").iterdir()) == []

    assert (hello.sha256 in held, small.sha256 in held) == (False, True)
    assert "507  cannot write to the archive" in failed.output
    assert failed.output.count("Err:1") == 1
    assert "No space left on device\naptfreeze: Hint: free some space" in frozen.output
    assert origin.count("*/hello_*.deb") == 0


def test_a_run_whose_disk_is_full_does_not_count(repository: Repository, full: Confined, apt: Apt) -> None:
    repository.add("hello", "1.0", size=5_000_000)
    repository.publish()
    apt.add(repository)

    failed = full.run(["sh", "-c", "apt-get update && apt-get install --download-only hello; true"], env=apt.environ)

    failed.fails(125)
    assert "No space left on device" in failed.said_by("aptfreeze")
    assert len(full.pins) == 1


@pytest.mark.parametrize("size", [900_000, 5_000_000], ids=["900 KB", "5 MB"])
def test_a_disk_that_gets_full_in_the_middle_is_told_and_leaves_nothing_half_written(
    repository: Repository, confined: Confined, apt: Apt, size: int
) -> None:
    hello = repository.add("hello", "1.0", size=size)
    repository.publish()
    confined.prefix = ("prlimit", "--fsize=500000")  # no file can get larger
    apt.add(repository)
    apt.set("Acquire::Retries", "0")
    with confined.serve() as frozen:
        apt.use_proxy(frozen.proxy)
        apt.update().ok()
        apt.install("hello").fails(100)
        every_object_verifies(confined.archive)
        assert hello.sha256 not in objects_of(confined.archive)
    assert "cannot write to the archive" in frozen.output
    assert apt.fetched() == {}

    confined.prefix = ()
    with confined.serve() as frozen:
        apt.use_proxy(frozen.proxy)
        apt.install("hello").ok()
    assert apt.fetched() == {"hello_1.0_amd64.deb": hello.sha256}


# --- read-only ---


@pytest.fixture
def read_only(confined: Confined) -> Iterator[Confined]:
    """Its archive can only be read from now on by those that are started then: call `protect`."""
    yield confined
    if os.geteuid() != 0 and confined.archive.exists():
        protect(confined, writable=True)


def test_a_read_only_archive_is_served_from(
    repository: Repository, read_only: Confined, make_apt: MakeApt, origin: Origin
) -> None:
    clients = [make_apt(), make_apt()]
    for client in clients:
        client.add(repository)
    read_only.run(BUILD, env=clients[0].environ).ok()
    protect(read_only)
    origin.forget()

    read_only.run(BUILD, env=clients[1].environ).ok()

    assert clients[1].fetched() == clients[0].fetched() != {}
    assert origin.asked() == []


def test_a_read_only_archive_is_enough_to_sign_suites_anew(
    repository: Repository, read_only: Confined, make_apt: MakeApt
) -> None:
    public = read_only.resign()
    clients = [make_apt(), make_apt()]
    for client in clients:
        client.add(repository, signed_by=str(public))
    read_only.run(BUILD, env=clients[0].environ).ok()
    protect(read_only)

    read_only.run(BUILD, "--offline", env=clients[1].environ).ok()

    assert clients[1].fetched() == clients[0].fetched() != {}


def test_a_read_only_archive_that_lacks_something_is_told_with_what_helps(
    repository: Repository, read_only: Confined, apt: Apt, origin: Origin
) -> None:
    repository.add("other", "1.0")
    repository.publish()
    apt.add(repository)
    read_only.run(BUILD, env=apt.environ).ok()
    protect(read_only)
    origin.forget()

    failed = read_only.run(["sh", "-c", "apt-get install --download-only other; true"], env=apt.environ).fails(125)

    assert "can only be read" in failed.said_by("aptfreeze")
    assert "Hint: name an archive that can be written with --archive" in failed.said_by("aptfreeze")
    assert origin.asked() == []
