# SPDX-License-Identifier: MIT
from collections.abc import Iterator
from pathlib import Path

import pytest

from aptfreeze.errors import UpstreamError
from aptfreeze.fetch.failures import ClosingError
from aptfreeze.fetch.hosts import Hosts, Traffic
from aptfreeze.fetch.url import Endpoint
from aptfreeze.settings import FetchSettings
from support.askers import Asking
from support.origin import Origin


@pytest.fixture
def origin(tmp_path: Path) -> Iterator[Origin]:
    (tmp_path / "a+b~c").write_bytes(b"bytes")
    with Origin(tmp_path) as origin:
        yield origin


@pytest.fixture
def hosts() -> Iterator[Hosts]:
    hosts = Hosts(FetchSettings(connect_timeout_s=2, read_timeout_s=5))
    yield hosts
    hosts.close()


def get(hosts: Hosts, url: str, start: int = 0) -> bytes:
    with hosts.get(url, Asking(), start=start) as response:
        return b"".join(response.body())


def test_the_raw_path_goes_out_and_no_encoding_is_accepted(hosts: Hosts, origin: Origin) -> None:
    assert get(hosts, f"{origin.url}/a%2bb%7Ec?x=%20") == b"bytes"
    seen = origin.requests[0]
    assert seen.target == "/a%2bb%7Ec?x=%20"
    assert seen.headers["accept-encoding"] == "identity"
    assert seen.headers["host"] == origin.host
    assert seen.user_agent.startswith("aptfreeze/")
    assert "range" not in seen.headers


def test_a_part_is_asked_by_range(hosts: Hosts, origin: Origin) -> None:
    assert get(hosts, f"{origin.url}/a+b~c", start=2) == b"tes"


def test_traffic_is_counted_by_host(hosts: Hosts, origin: Origin) -> None:
    get(hosts, f"{origin.url}/a+b~c")
    get(hosts, f"{origin.url}/a+b~c")
    assert hosts.traffic() == {origin.host: Traffic(requests=2, received=10)}


def test_a_host_that_refuses_is_down_for_a_while(hosts: Hosts, origin: Origin) -> None:
    url = f"{origin.url}/a+b~c"
    before = hosts.is_down(url)
    origin.stop()
    with pytest.raises(UpstreamError, match="cannot connect"):
        get(hosts, url)
    assert (before, hosts.is_down(url)) == (False, True)
    origin.start()
    get(hosts, url)
    assert hosts.is_down(url) is False


def test_nothing_is_asked_after_closing(hosts: Hosts, origin: Origin) -> None:
    hosts.close()
    with pytest.raises(ClosingError):
        get(hosts, f"{origin.url}/a+b~c")
    with pytest.raises(ClosingError):
        hosts.dedicated(Endpoint.parse(origin.url))
    assert origin.count() == 0
