# SPDX-License-Identifier: MIT
"""Who may lead to whom. That a server is outside is said by `Everywhere`: no test has a public address."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from aptfreeze.errors import UpstreamError
from aptfreeze.fetch.hosts import Hosts, Traffic
from aptfreeze.fetch.places import Named, places
from aptfreeze.fetch.redirects import Redirects
from aptfreeze.fetch.routes import Routes
from aptfreeze.fetch.url import Endpoint
from aptfreeze.settings import FetchSettings, ProxySettings
from support.askers import Asking
from support.faults import Redirect
from support.origin import Origin

DIRECT = Routes(ProxySettings())
BY_PROXY = Routes(ProxySettings("http://127.0.0.1:9"))


class Everywhere(Redirects):
    """Knows one server that everybody can reach: the one on this port."""

    def __init__(self, port: int, *listed: str) -> None:
        super().__init__(DIRECT, lambda: Named(frozenset(), places(listed)))
        self.port = port

    def is_outside(self, endpoint: Endpoint, address: str) -> bool:
        assert address == "127.0.0.1"
        return endpoint.port == self.port


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[Origin]:
    with Origin(tmp_path) as origin:
        yield origin


@pytest.fixture
def inside(tmp_path: Path) -> Iterator[Origin]:
    (tmp_path / "secret").write_bytes(b"secret")
    with Origin(tmp_path) as origin:
        yield origin


def get(hosts: Hosts, url: str) -> bytes:
    with hosts.get(url, Asking()) as response:
        return b"".join(response.body())


def hosts_with(redirects: Redirects) -> Hosts:
    return Hosts(FetchSettings(connect_timeout_s=2, read_timeout_s=5), {}, None, redirects)


def test_who_is_outside_leads_to_nobody_inside_also_where_a_connection_is_open(outside: Origin, inside: Origin) -> None:
    outside.inject("*", Redirect(inside.url))
    with closing(hosts_with(Everywhere(outside.port))) as hosts:
        assert get(hosts, f"{inside.url}/secret") == b"secret"
        with pytest.raises(
            UpstreamError, match=r"is at 127\.0\.0\.1, a loopback address: .* leads there by a redirect"
        ):
            get(hosts, f"{outside.url}/secret")
    assert inside.count() == 1


def test_also_by_a_detour_that_leads_back_inside(outside: Origin, inside: Origin) -> None:
    inside.inject("*", Redirect(outside.url))
    outside.inject("*", Redirect(inside.url))
    with closing(hosts_with(Everywhere(outside.port))) as hosts, pytest.raises(UpstreamError, match="by a redirect"):
        get(hosts, f"{inside.url}/secret")
    assert inside.count() == 1


def test_a_server_that_the_settings_name_may_be_led_to(outside: Origin, inside: Origin) -> None:
    outside.inject("*", Redirect(inside.url))
    with closing(hosts_with(Everywhere(outside.port, inside.host))) as hosts:
        assert get(hosts, f"{outside.url}/secret") == b"secret"
        assert hosts.traffic()[inside.host] == Traffic(1, 6)


def test_who_is_inside_leads_anywhere(outside: Origin, inside: Origin) -> None:
    outside.inject("*", Redirect(inside.url))
    with closing(hosts_with(Redirects(DIRECT))) as hosts:
        assert get(hosts, f"{outside.url}/secret") == b"secret"


@pytest.mark.parametrize(
    ("address", "is_outside"),
    [("8.8.8.8", True), ("2a00:1450::5", True), ("", True), ("10.0.0.1", False), ("127.0.0.1", False), ("::1", False)],
)
def test_outside_is_who_has_a_public_address(address: str, is_outside: bool) -> None:
    assert Redirects(DIRECT).is_outside(Endpoint.parse("http://mirror.example.org/"), address) is is_outside


@pytest.mark.parametrize(
    ("url", "is_outside"),
    [("http://8.8.8.8/", True), ("http://10.0.0.1/", False), ("http://a..b/", True), ("https://10.0.0.1/", False)],
)
def test_by_a_proxy_it_is_who_is_not_known_to_be_inside(url: str, is_outside: bool) -> None:
    assert Redirects(BY_PROXY).is_outside(Endpoint.parse(url), "127.0.0.1") is is_outside
