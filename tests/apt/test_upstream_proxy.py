# SPDX-License-Identifier: MIT
"""Where the way to the mirror is a proxy of the user's."""

from collections.abc import Iterator

import pytest

from support.apt import Apt
from support.aptfreeze import Aptfreeze
from support.origin import Origin
from support.repository import Repository
from support.upstream_proxy import UpstreamProxy

NAME = "mirror.example.org"
URL = f"http://{NAME}/debian"


@pytest.fixture
def proxy(origin: Origin) -> Iterator[UpstreamProxy]:
    """The only one who knows where the mirror is."""
    with UpstreamProxy({NAME: origin.port}, credentials="me:p@ss/word") as proxy:
        yield proxy


def test_a_mirror_is_reached_by_http_proxy_with_its_credentials(
    repository: Repository, apt: Apt, aptfreeze: Aptfreeze, proxy: UpstreamProxy
) -> None:
    apt.add(repository, url=URL)
    env = {**apt.environ, "http_proxy": proxy.url}

    aptfreeze.run(apt.command("update"), env=env).ok()
    done = aptfreeze.run(apt.command("install", "--download-only", "hello"), env=env).ok()

    assert "%40ss%2Fword@" in proxy.url
    assert list(aptfreeze.pins) == [f"{NAME}/debian bookworm"]
    assert f"GET {URL}/dists/bookworm/InRelease" in proxy.asked
    assert any("hello_1.0" in asked for asked in proxy.asked)
    assert "p%40ss" not in done.output
    assert 'http_proxy="http://me:***@' in done.said_by("aptfreeze")


def test_apt_s_own_proxy_is_ours_upstream(
    repository: Repository, apt: Apt, aptfreeze: Aptfreeze, proxy: UpstreamProxy
) -> None:
    apt.add(repository, url=URL)
    apt.set(f"Acquire::http::Proxy::{NAME}", proxy.url)

    done = aptfreeze.run(apt.command("update"), env=apt.environ).ok()

    assert f"GET {URL}/dists/bookworm/InRelease" in proxy.asked
    assert "which goes by that setting itself" in done.said_by("aptfreeze")


def test_a_setting_names_the_proxy_for_other_commands_too(
    repository: Repository, apt: Apt, aptfreeze: Aptfreeze, proxy: UpstreamProxy
) -> None:
    apt.add(repository, url=URL)
    aptfreeze.configure(f'[fetch]\nproxy = "{proxy.url}"')
    aptfreeze.run(apt.command("update"), env=apt.environ).ok()
    proxy.asked.clear()
    repository.publish()

    aptfreeze.command("update", "--archive", str(aptfreeze.archive)).ok()

    assert f"GET {URL}/dists/bookworm/InRelease" in proxy.asked


@pytest.mark.parametrize("credentials", ["", "me:wrong@"])
def test_a_407_is_explained_and_names_who_named_the_proxy(
    credentials: str, repository: Repository, apt: Apt, aptfreeze: Aptfreeze, proxy: UpstreamProxy
) -> None:
    apt.add(repository, url=URL)
    url = f"http://{credentials}127.0.0.1:{proxy.port}"

    done = aptfreeze.run(apt.command("update"), env={**apt.environ, "http_proxy": url})

    assert done.returncode != 0
    assert ("refuses the credentials of 'me'" if credentials else "none are given") in done.output
    assert "(http_proxy)" in done.output
    assert "wrong" not in done.output


@pytest.mark.parametrize(("no_proxy", "is_direct"), [("192.0.2.0/24", True), ("198.51.100.0/24", False)])
def test_no_proxy_with_a_network_says_what_is_asked_directly(
    no_proxy: str, is_direct: bool, repository: Repository, apt: Apt, aptfreeze: Aptfreeze, origin: Origin
) -> None:
    apt.add(repository, url="http://192.0.2.1/debian")  # RFC 5737: nobody answers there
    aptfreeze.configure("[fetch]\nconnect_timeout_s = 0.1\nretries = 0")
    with UpstreamProxy({"192.0.2.1": origin.port}) as proxy:
        env = {**apt.environ, "http_proxy": proxy.url, "no_proxy": no_proxy}
        done = aptfreeze.run(apt.command("update"), env=env)

    assert (proxy.asked == []) is is_direct
    assert (done.returncode == 0) is not is_direct


def test_a_proxy_that_is_away_is_told_and_not_the_mirror(
    repository: Repository, apt: Apt, aptfreeze: Aptfreeze, proxy: UpstreamProxy
) -> None:
    apt.add(repository, url=URL)
    aptfreeze.configure("[fetch]\nretries = 0")
    with UpstreamProxy({}) as other:
        url = other.url

    done = aptfreeze.run(apt.command("update"), env={**apt.environ, "http_proxy": url})

    assert f"the proxy {url} (http_proxy) is of no use: cannot connect" in done.output


def test_an_update_by_way_of_serve_says_that_nothing_there_is_new(
    repository: Repository, apt: Apt, aptfreeze: Aptfreeze, proxy: UpstreamProxy
) -> None:
    apt.add(repository, url=URL)
    aptfreeze.configure(f'[fetch]\nproxy = "{proxy.url}"')
    aptfreeze.run(apt.command("update"), env=apt.environ).ok()
    repository.add("hello", "2.0")
    repository.publish()
    with aptfreeze.serve() as frozen:
        without = aptfreeze.configuration.read_text().replace(f'proxy = "{proxy.url}"', "")
        aptfreeze.configuration.write_text(without)
        done = aptfreeze.command("update", "--archive", str(aptfreeze.archive), env={"http_proxy": frozen.proxy}).ok()

    assert f"the proxy {frozen.proxy} (http_proxy) is an aptfreeze itself" in done.said_by("aptfreeze")
