# SPDX-License-Identifier: MIT
"""Clients that insist on https: apt is served frozen repositories, everybody else passes in a tunnel."""

import shutil
from pathlib import Path

import pytest

from support.apt import Apt, MakeApt
from support.aptfreeze import Aptfreeze
from support.build import build
from support.certificates import Authority
from support.origin import Origin
from support.process import Result
from support.repository import Repository

HELLO = "hello_1.0_amd64.deb"


@pytest.fixture
def repository(secure_repository: Repository) -> Repository:
    """No story of this module is about another one."""
    return secure_repository


@pytest.fixture
def product(aptfreeze: Aptfreeze, world: Authority) -> Aptfreeze:
    """It trusts the mirror."""
    aptfreeze.configure(f'[tls]\nca = "{world.file}"')
    return aptfreeze


def trusting(client: Apt, product: Aptfreeze) -> Apt:
    """The client trusts the authority of aptfreeze, and no other."""
    product.command("ca", "--out", str(client.root / "ca.pem")).ok()
    client.set("Acquire::https::CAInfo", str(client.root / "ca.pem"))
    return client


def test_apt_is_served_the_first_state_by_https_and_without_the_mirror(
    product: Aptfreeze, repository: Repository, make_apt: MakeApt, secure: Origin
) -> None:
    with product.serve() as frozen:

        def client() -> Apt:
            client = trusting(make_apt(proxy=frozen.proxy), product)
            client.set("Acquire::https::Proxy", frozen.proxy)
            return client

        first = build(client(), repository)
        assert list(first) == [HELLO]
        repository.add("hello", "2.0")
        repository.publish()
        assert build(client(), repository) == first
        secure.stop()
        assert build(client(), repository) == first
    assert list(product.pins) == [f"{secure.host}/debian bookworm"]


def test_the_same_repository_by_http_is_the_same(
    product: Aptfreeze, repository: Repository, make_apt: MakeApt, secure: Origin
) -> None:
    with product.serve() as frozen:
        one, two = trusting(make_apt(proxy=frozen.proxy), product), make_apt(proxy=frozen.proxy)
        one.set("Acquire::https::Proxy", frozen.proxy)
        first = build(one, repository)
        two.add(repository, url=repository.url.replace("https", "http"))
        two.update().ok()
        two.install("hello").ok()
    assert two.fetched() == first


def verb(product: Aptfreeze, name: str, *words: str) -> Result:
    return product.command(name, "--archive", str(product.archive), *words)


@pytest.fixture
def built(product: Aptfreeze, repository: Repository, apt: Apt) -> Aptfreeze:
    """A build has asked the repository by https."""
    apt.add(repository)
    command = ["sh", "-c", "apt-get update && apt-get install --download-only hello"]
    product.run(command, env=apt.environ).ok()
    return product


def test_later_commands_ask_by_https_what_was_asked_so(
    built: Aptfreeze, repository: Repository, secure: Origin
) -> None:
    shutil.rmtree(built.archive)
    verb(built, "fetch").ok()
    before = built.lock_file.read_bytes()
    repository.add("hello", "2.0")
    repository.publish()
    verb(built, "update").ok()
    assert built.lock_file.read_bytes() != before


def test_what_was_asked_by_https_is_never_asked_by_http(
    built: Aptfreeze, repository: Repository, secure: Origin
) -> None:
    repository.add("hello", "2.0")
    repository.publish()
    before = built.lock_file.read_bytes()
    shutil.rmtree(built.archive)
    secure.stop()
    secure.tls = None  # who took its place, or stands on the way
    secure.start()
    secure.forget()

    update, fetch = verb(built, "update").fails(4), verb(built, "fetch").fails()

    assert f"https://{secure.host}" in update.stderr
    assert f"https://{secure.host}" in fetch.output
    assert secure.requests == []
    assert built.lock_file.read_bytes() == before


def test_a_fresh_checkout_finds_out_that_a_mirror_speaks_https_alone(
    built: Aptfreeze, repository: Repository, secure: Origin
) -> None:
    fresh = built.beside("fresh")
    shutil.copy(built.lock_file, fresh.lock_file)
    shutil.rmtree(built.archive)
    verb(fresh, "fetch", "--all").ok()
    secure.stop()
    secure.tls = None
    secure.start()
    secure.forget()
    verb(fresh, "update").fails(4)
    assert secure.requests == []


def test_a_single_file_by_https_is_asked_so_by_update(product: Aptfreeze, secure: Origin) -> None:
    secure.root.mkdir(exist_ok=True)
    (secure.root / "tool").write_bytes(b"first")
    verb(product, "pin", f"{secure.url}/tool").ok()
    (secure.root / "tool").write_bytes(b"second")
    secure.stop()
    secure.tls, tls = None, secure.tls
    secure.start()
    secure.forget()
    verb(product, "update").fails(4)
    assert secure.requests == []
    secure.stop()
    secure.tls = tls
    secure.start()
    verb(product, "update").ok()
    assert secure.asked("/tool") == ["/tool"]


def test_run_tells_apt_whom_to_trust(product: Aptfreeze, repository: Repository, apt: Apt, secure: Origin) -> None:
    apt.add(repository)
    command = ["sh", "-c", "apt-get update && apt-get install --download-only hello"]
    product.run(command, env=apt.environ).ok()
    assert list(apt.fetched()) == [HELLO]
    secure.stop()
    apt.clear_archives()
    apt.clear_lists()
    product.run(command, "--locked", "--offline", env=apt.environ).ok()
    assert list(apt.fetched()) == [HELLO]


def test_an_apt_that_trusts_nobody_fails_and_the_summary_says_why(
    product: Aptfreeze, repository: Repository, make_apt: MakeApt
) -> None:
    with product.serve() as frozen:
        client = make_apt(proxy=frozen.proxy)
        client.set("Acquire::https::Proxy", frozen.proxy)
        client.add(repository)
        client.update("--error-on=any").fails(100)
        assert "broke the TLS handshake off" in frozen.output
        assert "aptfreeze ca" in frozen.output


def wget(url: str, out: Path, trusted: Path) -> list[str]:
    return ["wget", "-q", "-O", str(out), f"--ca-certificate={trusted}", url]


def test_any_other_client_passes_in_a_tunnel_and_is_counted(
    product: Aptfreeze, repository: Repository, secure: Origin, world: Authority, tmp_path: Path
) -> None:
    url = f"{repository.url}/dists/bookworm/InRelease"
    summary = product.summary_of(wget(url, tmp_path / "seen", world.file))
    assert summary["command_status"] == 0
    assert summary["not_frozen"] == {secure.host: 1}
    assert (tmp_path / "seen").read_bytes() == (secure.root / "debian/dists/bookworm/InRelease").read_bytes()
    assert product.pins == {}


def test_past_a_frozen_repository_it_is_told_and_with_the_setting_it_is_frozen(
    product: Aptfreeze, repository: Repository, apt: Apt, secure: Origin, world: Authority, tmp_path: Path
) -> None:
    apt.add(repository)
    product.run(["sh", "-c", "apt-get update"], env=apt.environ).ok()
    frozen = (secure.root / "debian/dists/bookworm/InRelease").read_bytes()
    repository.add("hello", "2.0")
    repository.publish()
    url = f"{repository.url}/dists/bookworm/InRelease"

    summary = product.summary_of(wget(url, tmp_path / "past", world.file))
    (notice,) = (each for each in summary["notices"] if "in a tunnel" in each)
    assert notice.startswith("Wget/")
    assert '"127.0.0.1" in [tls] intercept' in notice
    assert (tmp_path / "past").read_bytes() != frozen

    product.configure('intercept = ["127.0.0.1"]')  # the last table is still [tls]
    product.command("ca", "--out", str(tmp_path / "ca.pem")).ok()
    summary = product.summary_of(wget(url, tmp_path / "frozen", tmp_path / "ca.pem"))
    assert summary["not_frozen"] == {}
    assert (tmp_path / "frozen").read_bytes() == frozen


def test_apt_itself_passes_in_a_tunnel_to_hosts_of_the_other_setting(
    product: Aptfreeze, repository: Repository, apt: Apt, secure: Origin, world: Authority
) -> None:
    product.configure('tunnel = ["127.0.0.1"]')
    apt.set("Acquire::https::CAInfo", str(world.file))
    apt.add(repository)
    summary = product.summary_of(["sh", "-c", "apt-get update"], env=apt.environ)
    assert (summary["command_status"], summary["not_frozen"]) == (0, {secure.host: 1})
    assert product.pins == {}


def test_offline_there_is_no_tunnel(
    product: Aptfreeze, repository: Repository, secure: Origin, world: Authority, tmp_path: Path
) -> None:
    product.command("init").ok()
    command = wget(f"{repository.url}/dists/bookworm/InRelease", tmp_path / "seen", world.file)
    summary = product.summary_of(command, "--offline")
    assert summary["command_status"] != 0
    assert secure.requests == []
