# SPDX-License-Identifier: MIT
"""`--locked` never writes the lock file, `--offline` never uses the network; both say what is missing."""

import pytest

from support.apt import Apt, MakeApt
from support.aptfreeze import Aptfreeze
from support.build import build
from support.origin import Origin
from support.repository import MakeRepository, Repository

UPDATE = ["sh", "-c", "apt-get update"]


@pytest.fixture
def built(repository: Repository, make_apt: MakeApt, aptfreeze: Aptfreeze, origin: Origin) -> Aptfreeze:
    """An environment in which `hello` was built once; `other` was not asked."""
    repository.add("other", "1.0")
    repository.publish()
    with aptfreeze.serve() as frozen:
        build(make_apt(proxy=frozen.proxy), repository)
    origin.forget()
    return aptfreeze


@pytest.mark.parametrize("flags", [("--offline",), ("--locked",), ("--locked", "--offline")], ids=" ".join)
def test_a_complete_environment_needs_neither(
    built: Aptfreeze, repository: Repository, make_apt: MakeApt, origin: Origin, flags: tuple[str, ...]
) -> None:
    before = built.lock_file.read_bytes()
    origin.stop()

    with built.serve(*flags) as frozen:
        assert list(build(make_apt(proxy=frozen.proxy), repository)) == ["hello_1.0_amd64.deb"]

    assert built.lock_file.read_bytes() == before


def test_locked_refuses_a_suite_that_is_not_in_the_lock_and_says_how_to_add_it(
    built: Aptfreeze, make_repository: MakeRepository, apt: Apt, origin: Origin
) -> None:
    other = make_repository("vendor", suite="trixie", codename="trixie")
    other.add("tool", "1.0")
    other.publish()
    apt.add(other)
    before = built.lock_file.read_bytes()

    failed = built.run(UPDATE, "--locked", env=apt.environ).fails(125)

    assert f"{origin.host}/vendor trixie" in failed.said_by("aptfreeze")
    assert "--locked" in failed.said_by("aptfreeze")
    assert built.lock_file.read_bytes() == before
    assert '"sha256:' in failed.said_by("aptfreeze")  # the line to add
    assert origin.asked("/vendor/*") == ["/vendor/dists/trixie/InRelease"]  # for that line


def test_locked_by_variable(built: Aptfreeze, make_repository: MakeRepository, apt: Apt, origin: Origin) -> None:
    other = make_repository("vendor")
    other.publish()
    apt.add(other)

    built.run(UPDATE, env={**apt.environ, "APTFREEZE_LOCKED": "1"}).fails(125)

    assert len(built.pins) == 1


def test_offline_names_the_package_that_is_missing(
    built: Aptfreeze, repository: Repository, apt: Apt, origin: Origin
) -> None:
    with built.serve("--offline") as frozen:
        apt.use_proxy(frozen.proxy)
        apt.add(repository)
        apt.update().ok()
        failed = apt.install("other").fails(100)
        said = frozen.output

    assert "other_1.0_amd64.deb" in failed.output
    assert "other_1.0_amd64.deb" in said
    assert origin.asked() == []


def test_offline_pins_nothing_new(aptfreeze: Aptfreeze, repository: Repository, apt: Apt, origin: Origin) -> None:
    apt.add(repository)

    failed = aptfreeze.run(UPDATE, "--offline", env=apt.environ).fails()

    assert f"{origin.host}/debian bookworm" in failed.said_by("aptfreeze")
    assert aptfreeze.pins == {}
    assert origin.asked() == []
