# SPDX-License-Identifier: MIT
"""apt never goes back: with newer lists it ignores an older InRelease without a word, and asks for newer packages."""

import shutil

import pytest

from support.apt import Apt, MakeApt
from support.aptfreeze import Aptfreeze
from support.build import build
from support.client import ask
from support.origin import Origin
from support.repository import Repository


@pytest.fixture
def rolled_back(repository: Repository, make_apt: MakeApt, aptfreeze: Aptfreeze) -> Apt:
    """A client whose lists are of the second state, in an environment whose lock is back at the first one."""
    with aptfreeze.serve() as frozen:
        build(make_apt(proxy=frozen.proxy), repository)
    older = aptfreeze.root / "older.lock"
    shutil.move(aptfreeze.lock_file, older)

    repository.add("hello", "2.0")
    repository.publish()
    with aptfreeze.serve() as frozen:
        client = make_apt(proxy=frozen.proxy)
        assert list(build(client, repository)) == ["hello_2.0_amd64.deb"]
    client.clear_archives()

    shutil.copy(older, aptfreeze.lock_file)
    return client


def test_a_package_of_another_generation_is_404_and_says_why(
    rolled_back: Apt, aptfreeze: Aptfreeze, repository: Repository, origin: Origin
) -> None:
    origin.forget()
    with aptfreeze.serve() as frozen:
        rolled_back.use_proxy(frozen.proxy)
        rolled_back.update().ok()
        failed = rolled_back.install("hello").fails(100)
        answer = ask(frozen.proxy, f"{repository.url}/pool/main/h/hello/hello_2.0_amd64.deb")

    assert "404" in failed.output
    assert answer.status == 404
    assert "lists" in answer.text
    assert origin.asked() == []


def test_empty_lists_are_the_way_out(rolled_back: Apt, aptfreeze: Aptfreeze) -> None:
    with aptfreeze.serve() as frozen:
        rolled_back.use_proxy(frozen.proxy)
        rolled_back.clear_lists()
        rolled_back.update().ok()
        rolled_back.install("hello").ok()

    assert list(rolled_back.fetched()) == ["hello_1.0_amd64.deb"]


def test_run_ends_with_its_own_verdict_and_names_the_lists(
    rolled_back: Apt, aptfreeze: Aptfreeze, repository: Repository
) -> None:
    rolled_back.use_proxy("")
    command = "apt-get update && apt-get install --download-only hello || true"

    failed = aptfreeze.run(["sh", "-c", command], env=rolled_back.environ).fails(125)

    assert "hello_2.0_amd64.deb" in failed.said_by("aptfreeze")
    assert "lists" in failed.said_by("aptfreeze")


def test_apt_itself_gets_lists_of_its_own_from_run(rolled_back: Apt, aptfreeze: Aptfreeze) -> None:
    rolled_back.use_proxy("")
    aptfreeze.run(rolled_back.command("update"), env=rolled_back.environ).ok()

    aptfreeze.run(rolled_back.command("download", "hello"), env=rolled_back.environ).ok()

    assert [file.name for file in aptfreeze.environment.glob("*.deb")] == ["hello_1.0_amd64.deb"]


def test_a_package_of_no_generation_is_never_fetched(
    repository: Repository, apt: Apt, aptfreeze: Aptfreeze, origin: Origin
) -> None:
    with aptfreeze.serve() as frozen:
        apt.use_proxy(frozen.proxy)
        build(apt, repository)
        repository.add("secret", "1.0")
        repository.publish()
        origin.forget()

        answer = ask(frozen.proxy, f"{repository.url}/pool/main/s/secret/secret_1.0_amd64.deb")

    assert answer.status == 404
    assert "secret_1.0_amd64.deb" in answer.text
    assert origin.asked() == []
