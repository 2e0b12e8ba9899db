# SPDX-License-Identifier: MIT
"""What the stories about real apt begin with: the product, serving one environment."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.apt import Apt, MakeApt, NewClient
from support.aptfreeze import Aptfreeze, Serving
from support.certificates import Authority, server_context
from support.isolated import WHO, Builds
from support.layout import Layout
from support.machine import machine_with_a_builder
from support.origin import Origin
from support.repository import Repository
from support.signing import SigningKey


@pytest.fixture
def frozen(aptfreeze: Aptfreeze) -> Iterator[Serving]:
    """`aptfreeze serve`, ready."""
    with aptfreeze.serve() as serving:
        yield serving


@pytest.fixture
def new_client(make_apt: MakeApt, frozen: Serving) -> NewClient:
    """Machines that have never seen a repository, and whose apt goes through the frozen proxy."""
    return lambda: make_apt(proxy=frozen.proxy)


@pytest.fixture
def who(request: pytest.FixtureRequest, signing_key: SigningKey) -> Iterator[Builds]:
    """One of those that `support.isolated` names."""
    has_ranges, options = WHO[request.param]
    with machine_with_a_builder(has_ranges=has_ranges) as machine:
        yield Builds(machine, signing_key, **options)


@pytest.fixture
def client(new_client: NewClient) -> Apt:
    """The first of the new clients."""
    return new_client()


@pytest.fixture
def world(tmp_path: Path) -> Authority:
    """Who vouches for `secure`."""
    return Authority(tmp_path)


@pytest.fixture
def secure(tmp_path: Path, world: Authority) -> Iterator[Origin]:
    """A mirror that speaks https only."""
    with Origin(tmp_path / "mirror", server_context(world.issue("127.0.0.1"))) as origin:
        yield origin


@pytest.fixture
def secure_repository(secure: Origin, signing_key: SigningKey) -> Repository:
    repository = Repository(secure.root / "debian", signing_key, Layout(), url=f"{secure.url}/debian")
    repository.add("hello", "1.0")
    repository.publish()
    return repository
