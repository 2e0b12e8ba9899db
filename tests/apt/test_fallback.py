# SPDX-License-Identifier: MIT
"""InRelease, or Release with Release.gpg: what is pinned is all there is, and only 404 makes apt change over."""

import pytest

from support.apt import Apt, MakeApt
from support.aptfreeze import Aptfreeze, Serving
from support.build import build
from support.client import ask
from support.faults import Status
from support.origin import Origin
from support.repository import MakeRepository, Repository


def test_a_pair_is_pinned_as_a_pair(
    make_repository: MakeRepository, make_apt: MakeApt, aptfreeze: Aptfreeze, origin: Origin
) -> None:
    repository = make_repository(inrelease=False)
    repository.add("hello", "1.0")
    repository.publish()
    with aptfreeze.serve() as frozen:
        first = build(make_apt(proxy=frozen.proxy), repository)
        modern = make_repository()  # the mirror has learned to sign in line
        modern.add("hello", "2.0")
        modern.publish()
        origin.forget()

        assert build(make_apt(proxy=frozen.proxy), repository) == first
        assert ask(frozen.proxy, f"{repository.url}/dists/bookworm/InRelease").status == 404

    assert origin.asked() == []
    assert {"release", "release_gpg"} <= aptfreeze.pins[f"{origin.host}/debian bookworm"].keys()


def test_beside_an_inrelease_the_release_is_its_payload_and_has_no_signature(
    repository: Repository, client: Apt, frozen: Serving
) -> None:
    release = (repository.suite_folder / "Release").read_bytes()
    build(client, repository)
    repository.add("hello", "2.0")
    repository.publish()

    assert ask(frozen.proxy, f"{repository.url}/dists/bookworm/Release").body == release
    assert ask(frozen.proxy, f"{repository.url}/dists/bookworm/Release.gpg").status == 404


@pytest.mark.parametrize("status", [403, 500])
def test_another_error_than_404_is_no_fallback(
    repository: Repository, apt: Apt, aptfreeze: Aptfreeze, origin: Origin, status: int
) -> None:
    origin.inject("*/InRelease", Status(status))
    aptfreeze.configure("[fetch]\nretries = 0")
    apt.add(repository)
    apt.set("Acquire::Retries", "0")

    aptfreeze.run(["sh", "-c", "apt-get update"], env=apt.environ).fails(100)

    assert origin.count("*/Release") == 0
    assert aptfreeze.pins == {}


def test_a_short_absence_of_the_mirror_is_ridden_out(repository: Repository, client: Apt, origin: Origin) -> None:
    origin.inject("*", Status(503), times=1)

    assert len(build(client, repository)) == 1


def test_run_fails_when_the_mirror_does(repository: Repository, apt: Apt, aptfreeze: Aptfreeze, origin: Origin) -> None:
    origin.inject("*", Status(503))
    apt.add(repository)
    apt.set("Acquire::Retries", "0")
    aptfreeze.configure("[fetch]\nretries = 0")

    # by itself apt-get update would exit 0 with a warning
    aptfreeze.run(apt.command("update"), env=apt.environ).fails(100)
