# SPDX-License-Identifier: MIT
"""`--locked` never writes the lock file, `--offline` never uses the network; both say what is missing."""

import pytest

from support.apt import Apt, MakeApt
from support.aptfreeze import Aptfreeze
from support.build import build
from support.origin import Origin
from support.repository import Repository

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
