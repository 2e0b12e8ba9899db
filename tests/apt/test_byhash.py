# SPDX-License-Identifier: MIT
"""by-hash is answered for every hash that this generation's Release lists, and for no other."""

import pytest

from support.apt import Apt
from support.aptfreeze import Aptfreeze, Serving
from support.build import build
from support.client import ask
from support.origin import Origin
from support.packages import hexdigest
from support.repository import MakeRepository, Repository

HASHES = ("MD5Sum", "SHA1", "SHA256", "SHA512")


@pytest.fixture
def repository(make_repository: MakeRepository) -> Repository:
    """All hash types, but neither by-hash folders nor a word of them."""
    repository = make_repository(by_hash=False, hashes=HASHES)
    repository.add("hello", "1.0")
    repository.publish()
    return repository


def _by_hash(repository: Repository, kind: str, data: bytes) -> str:
    return f"{repository.url}/dists/bookworm/main/binary-amd64/by-hash/{kind}/{hexdigest(kind, data)}"


@pytest.mark.parametrize("kind", HASHES)
def test_each_hash_type_works_although_the_mirror_has_none(
    repository: Repository, client: Apt, frozen: Serving, kind: str
) -> None:
    packages = (repository.suite_folder / "main/binary-amd64/Packages.xz").read_bytes()
    build(client, repository)
    repository.add("hello", "2.0")
    repository.publish()

    assert ask(frozen.proxy, _by_hash(repository, kind, packages)).body == packages


@pytest.mark.parametrize("kind", HASHES)
def test_the_hash_of_the_next_state_is_no_answer(
    make_repository: MakeRepository, client: Apt, frozen: Serving, kind: str
) -> None:
    repository = make_repository(hashes=HASHES)
    repository.add("hello", "1.0")
    repository.publish()
    build(client, repository)
    repository.add("hello", "2.0")
    repository.publish()
    packages = (repository.suite_folder / "main/binary-amd64/Packages.xz").read_bytes()

    answer = ask(frozen.proxy, _by_hash(repository, kind, packages))

    assert answer.status == 404
    assert "bookworm" in answer.text


def test_apt_may_insist_on_by_hash(repository: Repository, client: Apt, origin: Origin) -> None:
    assert len(build(client, repository, by_hash="force")) == 1
    assert origin.count("*/by-hash/*") == 0


@pytest.mark.parametrize("hashes", [("SHA512",), ("SHA256",), HASHES], ids="+".join)
def test_any_strong_hash_is_enough(
    make_repository: MakeRepository, client: Apt, origin: Origin, hashes: tuple[str, ...]
) -> None:
    repository = make_repository(hashes=hashes)
    hello = repository.add("hello", "1.0").sha256
    repository.publish()

    assert build(client, repository) == {"hello_1.0_amd64.deb": hello}
    assert origin.count("*/binary-amd64/by-hash/*") == 1


def test_md5_alone_counts_as_unsigned(
    make_repository: MakeRepository, apt: Apt, aptfreeze: Aptfreeze, origin: Origin
) -> None:
    repository = make_repository(hashes=("MD5Sum",))
    repository.add("hello", "1.0")
    repository.publish()
    apt.add(repository)

    failed = aptfreeze.run(["sh", "-c", "apt-get update"], env=apt.environ).fails()

    assert f"{origin.host}/debian bookworm" in failed.said_by("aptfreeze")
    assert aptfreeze.pins == {}


def test_a_mirror_that_promises_by_hash_and_has_none(make_repository: MakeRepository, client: Apt) -> None:
    repository = make_repository(by_hash=False, acquire_by_hash=True)
    repository.add("hello", "1.0")
    repository.publish()

    assert len(build(client, repository)) == 1
