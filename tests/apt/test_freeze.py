# SPDX-License-Identifier: MIT
"""The main promise: what an environment has seen first is what it gets from then on, whatever the mirror does."""

from datetime import UTC, datetime

import pytest

from support.apt import Apt, MakeApt, sha256_of_files
from support.aptfreeze import Aptfreeze
from support.build import build
from support.origin import Origin
from support.repository import MakeRepository, Repository

BY_HASH = pytest.mark.parametrize("by_hash", [True, False], ids=["by-hash", "no by-hash"])
TIMES = pytest.mark.parametrize(
    "last_modified", [None, datetime(2026, 1, 1, tzinfo=UTC)], ids=["own times", "equal Last-Modified"]
)


@BY_HASH
@TIMES
def test_the_first_state_is_served_until_the_end(
    make_repository: MakeRepository,
    make_apt: MakeApt,
    aptfreeze: Aptfreeze,
    origin: Origin,
    by_hash: bool,
    last_modified: datetime | None,
) -> None:
    repository = make_repository(by_hash=by_hash)
    hello = repository.add("hello", "1.0").sha256
    repository.publish(last_modified=last_modified)
    with aptfreeze.serve() as frozen:
        assert build(make_apt(proxy=frozen.proxy), repository) == {"hello_1.0_amd64.deb": hello}

        newer = repository.add("hello", "2.0").sha256
        repository.publish(last_modified=last_modified)
        assert build(make_apt(proxy=frozen.proxy), repository) == {"hello_1.0_amd64.deb": hello}

    with aptfreeze.serve() as restarted:
        assert build(make_apt(proxy=restarted.proxy), repository) == {"hello_1.0_amd64.deb": hello}

    with aptfreeze.beside("later").serve() as later:
        assert build(make_apt(proxy=later.proxy), repository) == {"hello_2.0_amd64.deb": newer}

    with aptfreeze.serve() as frozen:
        origin.stop()
        assert build(make_apt(proxy=frozen.proxy), repository) == {"hello_1.0_amd64.deb": hello}


@TIMES
def test_a_client_that_keeps_its_lists_stays_where_it_is(
    repository: Repository, aptfreeze: Aptfreeze, apt: Apt, last_modified: datetime | None
) -> None:
    repository.add("other", "1.0")
    repository.publish(last_modified=last_modified)
    with aptfreeze.serve() as frozen:
        apt.use_proxy(frozen.proxy)
        build(apt, repository)
        repository.add("hello", "2.0")
        repository.publish(last_modified=last_modified, keep_pool=True)

        assert "Hit:1" in apt.update().ok().output
        apt.install("other").ok()

    assert apt.candidate("hello") == "1.0"
    assert list(apt.fetched()) == ["hello_1.0_amd64.deb", "other_1.0_amd64.deb"]


def test_source_packages_are_frozen_too(
    repository: Repository, make_apt: MakeApt, aptfreeze: Aptfreeze, origin: Origin
) -> None:
    first = repository.add_source("hello", "1.0").sha256
    repository.publish()
    with aptfreeze.serve() as frozen:
        for client in (make_apt(proxy=frozen.proxy), make_apt(proxy=frozen.proxy)):
            client.add(repository, types=("deb", "deb-src"))
            client.update().ok()
            client.source("hello").ok()
            assert sha256_of_files(client.downloads) == first

            repository.add_source("hello", "2.0")
            repository.publish()
            origin.forget()

    assert origin.asked() == []


def test_a_package_that_the_mirror_dropped_before_it_was_asked_fails_by_name(
    repository: Repository, aptfreeze: Aptfreeze, apt: Apt
) -> None:
    repository.add("other", "1.0")
    repository.publish()
    with aptfreeze.serve() as frozen:
        apt.use_proxy(frozen.proxy)
        build(apt, repository)
        repository.add("other", "2.0")
        repository.publish()

        failed = apt.install("other").fails(100)

    assert "other_1.0_amd64.deb" in failed.output
    assert "other_2.0" not in failed.output


def test_the_lock_file_has_one_line_for_the_suite(
    repository: Repository, aptfreeze: Aptfreeze, apt: Apt, origin: Origin
) -> None:
    with aptfreeze.serve() as frozen:
        apt.use_proxy(frozen.proxy)
        build(apt, repository)

    pin = aptfreeze.pins[f"{origin.host}/debian bookworm"]

    assert pin["codename"] == "bookworm"
    assert pin["date"] == repository.date
    assert repository.key is not None
    assert pin["signers"] == [repository.key.fingerprint]
    assert len(aptfreeze.pins) == 1


def test_two_environments_fetch_a_file_only_once(
    repository: Repository, make_apt: MakeApt, aptfreeze: Aptfreeze, origin: Origin
) -> None:
    for environment in (aptfreeze, aptfreeze.beside("second")):
        with environment.serve() as frozen:
            build(make_apt(proxy=frozen.proxy), repository)

    assert origin.count("*.deb") == 1
    assert origin.count("*/InRelease") == 2
    assert origin.count("*/by-hash/*") == 2  # Packages and Sources
