# SPDX-License-Identifier: MIT
"""A mirror that forgets, and a service that keeps: builds go on from the archive, or from a lock file alone."""

import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from support.apt import Apt, MakeApt
from support.aptfreeze import Aptfreeze
from support.build import build
from support.faults import Status
from support.origin import Origin
from support.repository import MakeRepository, Repository
from support.signing import SigningKey
from support.snapshot import SnapshotService, stamp_of

HOUR = timedelta(hours=1)
BUILD = ["sh", "-c", "apt-get update && apt-get install --download-only hello other"]


@pytest.fixture
def service(tmp_path: Path) -> Iterator[SnapshotService]:
    with SnapshotService(tmp_path / "snapshots") as service:
        yield service


@pytest.fixture
def repository(make_repository: MakeRepository) -> Repository:
    repository = make_repository()
    repository.add("hello", "1.0")
    repository.add("other", "1.0")
    repository.add_source("hello", "1.0")
    repository.publish()
    return repository


@pytest.fixture
def keep(service: SnapshotService, repository: Repository) -> Callable[[], Path]:
    """The service imports what the mirror has, an hour after it was published."""
    return lambda: service.keep("debian", repository.root, repository.date + HOUR)


@pytest.fixture
def first_build(
    aptfreeze: Aptfreeze, repository: Repository, make_apt: MakeApt, keep: Callable[[], Path], origin: Origin
) -> dict[str, str]:
    """Pinned, built and kept; the minute after, the mirror has something else and nothing of this any more."""
    with aptfreeze.serve() as frozen:
        fetched = build(make_apt(proxy=frozen.proxy), repository, "hello", "other")
    keep()
    for name in ("hello", "other"):
        repository.add(name, "2.0")
    repository.add_source("hello", "2.0")
    repository.publish()
    keep()
    origin.forget()
    return fetched


@pytest.fixture
def new_machine(
    tmp_path: Path, aptfreeze: Aptfreeze, first_build: dict[str, str], signing_key: SigningKey
) -> Aptfreeze:
    """Another one, with the lock file and nothing else; it knows no service yet."""
    machine = Aptfreeze(tmp_path / "new-machine")
    machine.lock_file.write_bytes(aptfreeze.lock_file.read_bytes())
    machine.trust(signing_key)
    machine.configure('[fetch]\nretries = 1\n[snapshot]\nservice = ""')
    return machine


def use(machine: Aptfreeze, service: SnapshotService, origin: Origin) -> None:
    machine.configure(f'[snapshot.archives]\n"{origin.host}/debian" = "{service.archive_url("debian")}"')


def test_the_next_build_works_from_the_archive(
    aptfreeze: Aptfreeze,
    repository: Repository,
    make_apt: MakeApt,
    first_build: dict[str, str],
    origin: Origin,
    service: SnapshotService,
) -> None:
    use(aptfreeze, service, origin)
    with aptfreeze.serve() as frozen:
        assert build(make_apt(proxy=frozen.proxy), repository, "hello", "other") == first_build
    assert (origin.count(), service.count()) == (0, 0)


def test_a_new_machine_builds_the_same_from_the_lock_alone(
    new_machine: Aptfreeze,
    repository: Repository,
    make_apt: MakeApt,
    first_build: dict[str, str],
    origin: Origin,
    service: SnapshotService,
) -> None:
    use(new_machine, service, origin)
    before = new_machine.lock_file.read_bytes()

    with new_machine.serve("--locked") as frozen:
        assert build(make_apt(proxy=frozen.proxy), repository, "hello", "other") == first_build

    assert new_machine.lock_file.read_bytes() == before
    assert origin.count("*/hello_1.0_amd64.deb") == 1  # the mirror was asked first
    asked = [seen.target for seen in service.requests]
    assert len(asked) == len(set(asked))
    assert service.count("/mr/*") == 1


def test_sources_come_from_there_too(
    new_machine: Aptfreeze, repository: Repository, make_apt: MakeApt, origin: Origin, service: SnapshotService
) -> None:
    use(new_machine, service, origin)
    with new_machine.serve("--locked") as frozen:
        client = make_apt(proxy=frozen.proxy)
        client.add(repository, types=("deb-src",))
        client.update().ok()
        client.source("hello").ok()
    assert sorted(path.name for path in client.downloads.iterdir()) == ["hello_1.0.dsc", "hello_1.0.tar.xz"]


def test_without_a_service_the_lost_inrelease_is_named(
    new_machine: Aptfreeze, repository: Repository, apt: Apt
) -> None:
    apt.add(repository)
    failed = new_machine.run(BUILD, "--locked", env=apt.environ).fails()
    assert "the pinned dists/bookworm/InRelease" in failed.said_by("aptfreeze")
    assert "no mirror has it any more" in failed.said_by("aptfreeze")


@pytest.mark.parametrize("has_service", [False, True])
def test_each_package_that_is_gone_everywhere_is_named(
    aptfreeze: Aptfreeze,
    repository: Repository,
    apt: Apt,
    make_apt: MakeApt,
    origin: Origin,
    service: SnapshotService,
    has_service: bool,
) -> None:
    aptfreeze.configure("[fetch]\nretries = 0")
    if has_service:
        use(aptfreeze, service, origin)
    apt.add(repository)
    aptfreeze.run(["apt-get", "update"], env=apt.environ).ok()
    repository.remove("hello")
    repository.remove("other")
    repository.publish()

    said = aptfreeze.run(BUILD, env=apt.environ).fails().said_by("aptfreeze")

    for name in ("hello", "other"):
        file = f"pool/main/{name[0]}/{name}/{name}_1.0_amd64.deb"
        assert f"{file} of {origin.host}/debian bookworm is frozen, and gone from every mirror" in said
    assert ("no state since then is kept" in said) is has_service


@pytest.mark.parametrize("where", ["/mr/timestamp/*", "*/InRelease", "*/Packages.*", "*.deb"])
@pytest.mark.parametrize("fault", [Status(429, headers={"Retry-After": "1"}), Status(503)], ids=["429", "503"])
def test_a_service_that_is_busy_is_asked_again_when_it_likes(
    new_machine: Aptfreeze,
    repository: Repository,
    make_apt: MakeApt,
    first_build: dict[str, str],
    origin: Origin,
    service: SnapshotService,
    where: str,
    fault: Status,
) -> None:
    use(new_machine, service, origin)
    service.inject(where, fault, times=1)
    with new_machine.serve("--locked") as frozen:
        assert build(make_apt(proxy=frozen.proxy), repository, "hello", "other") == first_build


def test_wrong_and_missing_files_of_a_state_are_made_up_for(
    new_machine: Aptfreeze,
    repository: Repository,
    make_apt: MakeApt,
    first_build: dict[str, str],
    origin: Origin,
    service: SnapshotService,
    tmp_path: Path,
) -> None:
    use(new_machine, service, origin)
    state = service.root / "archive/debian" / service.states("debian")[0]
    shutil.copytree(state / "pool", tmp_path / "earlier/pool")
    service.keep("debian", tmp_path / "earlier", repository.date - 90 * HOUR)
    hello, other = (next(state.glob(f"pool/*/*/*/{name}_1.0_amd64.deb")) for name in ("hello", "other"))
    data = hello.read_bytes()
    hello.unlink()
    hello.write_bytes(data[:-1] + b"?")
    other.unlink()

    with new_machine.serve("--locked") as frozen:
        assert build(make_apt(proxy=frozen.proxy), repository, "hello", "other") == first_build

    assert len(set(service.asked("/file/*"))) in (2, 3)  # the wrong hello has the same name and size


def test_a_state_that_was_never_imported_is_made_up_for_by_the_next(
    new_machine: Aptfreeze,
    repository: Repository,
    make_apt: MakeApt,
    first_build: dict[str, str],
    origin: Origin,
    service: SnapshotService,
    tmp_path: Path,
) -> None:
    use(new_machine, service, origin)
    first = service.root / "archive/debian" / service.states("debian")[0]
    first.rename(first.with_name(stamp_of(repository.date + 9 * HOUR)))
    with new_machine.serve("--locked") as frozen:
        assert build(make_apt(proxy=frozen.proxy), repository, "hello", "other") == first_build
