# SPDX-License-Identifier: MIT
"""Fixtures of all tests: a signing key, a mirror with repositories, apt clients, the product.

    def test_story(make_repository, apt, aptfreeze): ...

`online` tests use the mirror of this machine's own apt and are skipped where it has none.
"""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.apt import Apt, MakeApt
from support.aptfreeze import Aptfreeze
from support.defaults import NO_SERVICE
from support.layout import Layout
from support.mirror import Mirror, machine_mirror
from support.origin import Origin
from support.repository import MakeRepository, Repository
from support.signing import SigningKey, throwaway_key


def pytest_configure() -> None:
    """Heed signals that whoever started us has ignored, as nohup and a shell's background jobs do: tests send them."""
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler if number is signal.SIGINT else signal.SIG_DFL)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    online = [item for item in items if item.get_closest_marker("online")]
    if online and machine_mirror() is None:
        reason = "apt's sources on this machine have no plain http entry for Debian's main"
        for item in online:
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def mirror() -> Mirror:
    """The real mirror, for tests marked `online`."""
    found = machine_mirror()
    assert found is not None, "only tests marked online may ask for the mirror"
    return found


@pytest.fixture(scope="session")
def signing_key() -> Iterator[SigningKey]:
    with throwaway_key() as key:
        yield key


@pytest.fixture(scope="session")
def stranger_key() -> Iterator[SigningKey]:
    """A key that nobody trusts."""
    with throwaway_key("Stranger") as key:
        yield key


@pytest.fixture
def origin(tmp_path: Path) -> Iterator[Origin]:
    """The mirror; it serves the folder `mirror` of the test's own."""
    with Origin(tmp_path / "mirror") as origin:
        yield origin


@pytest.fixture
def second_origin(tmp_path: Path) -> Iterator[Origin]:
    """Another mirror, empty at first."""
    with Origin(tmp_path / "second-mirror") as origin:
        yield origin


@pytest.fixture
def make_repository(origin: Origin, signing_key: SigningKey) -> MakeRepository:
    def make(name: str = "debian", *, key: SigningKey | None = signing_key, **layout: object) -> Repository:
        return Repository(origin.root / name, key, Layout(**layout), url=f"{origin.url}/{name}")  # type: ignore[arg-type]  # a typo fails at once

    return make


@pytest.fixture
def repository(make_repository: MakeRepository) -> Repository:
    """Debian-like, by-hash, with `hello` 1.0, published."""
    repository = make_repository()
    repository.add("hello", "1.0")
    repository.publish()
    return repository


@pytest.fixture
def make_apt(tmp_path: Path) -> MakeApt:
    made = 0

    def make(*, proxy: str | None = None) -> Apt:
        nonlocal made
        made += 1
        return Apt(tmp_path / f"apt-{made}", proxy=proxy)

    return make


@pytest.fixture
def apt(make_apt: MakeApt) -> Apt:
    """One client, without a proxy at first."""
    return make_apt()


@pytest.fixture
def aptfreeze(tmp_path: Path, signing_key: SigningKey) -> Aptfreeze:
    """One environment that trusts the tests' key, and asks no snapshot service."""
    product = Aptfreeze(tmp_path / "product")
    product.configure(NO_SERVICE)
    product.trust(signing_key)
    return product
