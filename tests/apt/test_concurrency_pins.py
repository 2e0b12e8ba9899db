# SPDX-License-Identifier: MIT
"""Several processes that pin at the same moment: they agree, and nothing that any of them pinned is lost."""

import hashlib
import itertools
import os
import threading
import tomllib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from support.apt import MakeApt
from support.aptfreeze import Aptfreeze
from support.build import build
from support.client import ask
from support.faults import Answer, Delay, Fault
from support.origin import Origin
from support.repository import MakeRepository, Repository
from support.starting import started


class InTurn(Fault):
    """Each request gets its file from the next of these folders, like at a mirror behind a load balancer."""

    def __init__(self, folders: Iterable[Path]) -> None:
        self._folders = itertools.cycle(folders)

    def prepare(self, answer: Answer) -> None:
        answer.folder = next(self._folders)


@pytest.fixture
def two_states(repository: Repository, tmp_path: Path) -> list[Path]:
    """Memories of the mirror with hello 1.0 and hello 2.0; the mirror itself has the files of both, by hash."""
    states = [tmp_path / "first", tmp_path / "second"]
    repository.copy_to(states[0] / repository.root.name)
    repository.add("hello", "2.0")
    repository.publish(keep_by_hash=True, keep_pool=True)
    repository.copy_to(states[1] / repository.root.name)
    return states


@pytest.mark.parametrize(
    "rounds", [8, pytest.param(100, marks=[pytest.mark.long, pytest.mark.timeout(1200)])], ids=["8", "100"]
)
def test_two_runs_in_a_fresh_environment_pin_the_same_state_of_a_mirror_that_moves(
    rounds: int,
    repository: Repository,
    aptfreeze: Aptfreeze,
    make_apt: MakeApt,
    origin: Origin,
    two_states: list[Path],
) -> None:
    origin.inject("*/InRelease", Delay(0.05), InTurn(two_states))
    for number in range(rounds):
        product, clients = aptfreeze.beside(f"environment-{number}"), [make_apt(), make_apt()]
        for client in clients:
            client.add(repository)
        with started(product, clients[0]) as first, started(product, clients[1]) as second:
            first.result().ok()
            second.result().ok()

        assert clients[0].fetched() == clients[1].fetched() != {}
        roots = {path.read_bytes() for client in clients for path in client.lists.glob("*InRelease")}
        (root,) = roots
        (pin,) = product.pins.values()
        assert pin["inrelease"] == f"sha256:{hashlib.sha256(root).hexdigest()}"


def test_two_processes_that_pin_different_suites_at_once_lose_none_of_them(
    make_repository: MakeRepository, aptfreeze: Aptfreeze
) -> None:
    repositories = [make_repository(f"r{number}", codename=f"c{number}") for number in range(8)]
    for repository in repositories:
        repository.add("hello", "1.0")
        repository.publish()
    together = threading.Barrier(2)
    with aptfreeze.serve() as one, aptfreeze.serve() as other, ThreadPoolExecutor() as threads:

        def pin(proxy: str, mine: list[Repository]) -> None:
            for repository in mine:
                together.wait(20)
                for name in ("InRelease", "main/binary-amd64/Packages.xz"):
                    assert ask(proxy, f"{repository.url}/dists/bookworm/{name}").status == 200

        pinning = [
            threads.submit(pin, one.proxy, repositories[::2]),
            threads.submit(pin, other.proxy, repositories[1::2]),
        ]
        for each in pinning:
            each.result(60)

    assert set(aptfreeze.pins) == {f"{repository.url.removeprefix('http://')} bookworm" for repository in repositories}


def test_a_session_adds_to_its_own_generation_and_to_the_one_that_git_put_in_its_place(
    repository: Repository, make_repository: MakeRepository, aptfreeze: Aptfreeze, make_apt: MakeApt
) -> None:
    addition = make_repository("addition", codename="addition")
    addition.add("more", "1.0")
    addition.publish()
    other = aptfreeze.beside("other")
    with aptfreeze.serve("--watch-pid", str(os.getpid())) as frozen:  # one session
        build(make_apt(proxy=frozen.proxy), repository)
        aptfreeze.wait_until_pinned()
        own = aptfreeze.lock
        repository.add("hello", "2.0")
        repository.publish(keep_by_hash=True, keep_pool=True)
        with other.serve() as elsewhere:
            build(make_apt(proxy=elsewhere.proxy), repository)
        aptfreeze.lock_file.write_bytes(other.lock_file.read_bytes())

        client = make_apt(proxy=frozen.proxy)
        client.add(addition)
        assert list(build(client, repository, "hello", "more")) == ["hello_1.0_amd64.deb", "more_1.0_amd64.deb"]

    copy = aptfreeze.environment / ".aptfreeze/generations" / f"{own['generation']}.toml"
    grown = tomllib.loads(copy.read_text())
    (added,) = aptfreeze.pins.keys() - other.pins.keys()
    assert aptfreeze.lock["generation"] == other.lock["generation"] != own["generation"]
    assert aptfreeze.pins == {**other.pins, added: grown["pins"][added]}
    assert grown["pins"] == {**own["pins"], added: aptfreeze.pins[added]}
