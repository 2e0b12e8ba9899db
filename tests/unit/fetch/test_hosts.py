# SPDX-License-Identifier: MIT
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path

import pytest

from aptfreeze.errors import UpstreamError
from aptfreeze.fetch.failures import ClosingError, PassingError, UntrustedError
from aptfreeze.fetch.hosts import Hosts, Traffic
from aptfreeze.fetch.schemes import Schemes
from aptfreeze.fetch.turns import Standing
from aptfreeze.fetch.url import Endpoint
from aptfreeze.fetch.wires import Wires
from aptfreeze.settings import FetchSettings, TlsSettings
from support.askers import Asking
from support.certificates import Authority, server_context
from support.faults import Delay, Ending, Redirect, Status, Truncate
from support.origin import Origin
from support.upstream_proxy import UpstreamProxy, hosts_behind


@pytest.fixture
def origin(tmp_path: Path) -> Iterator[Origin]:
    (tmp_path / "a+b~c").write_bytes(b"bytes")
    with Origin(tmp_path) as origin:
        yield origin


@pytest.fixture
def hosts() -> Iterator[Hosts]:
    hosts = Hosts(FetchSettings(connect_timeout_s=2, read_timeout_s=5), {})
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


def test_a_host_that_refuses_is_away_for_a_while(hosts: Hosts, origin: Origin) -> None:
    url = f"{origin.url}/a+b~c"
    before = hosts.standing(url)
    origin.stop()
    with pytest.raises(UpstreamError, match="cannot connect"):
        get(hosts, url)
    assert (before, hosts.standing(url)) == (Standing.GOOD, Standing.AWAY)
    origin.start()
    get(hosts, url)
    assert hosts.standing(url) is Standing.GOOD


def test_nothing_is_asked_after_closing(hosts: Hosts, origin: Origin) -> None:
    hosts.close()
    with pytest.raises(ClosingError):
        get(hosts, f"{origin.url}/a+b~c")
    with pytest.raises(ClosingError):
        hosts.dedicated(Endpoint.parse(origin.url))
    assert origin.count() == 0


class _Unhurried(threading.Thread):
    """Answers three requests of one connection, each after a while; `early` is what came before an answer was out."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.host = f"127.0.0.1:{self.listener.getsockname()[1]}"
        self.early = b""
        self.start()

    def run(self) -> None:
        connection, _ = self.listener.accept()
        with connection:
            for _ in range(3):
                head = b""
                while not head.endswith(b"\r\n\r\n"):
                    head += connection.recv(1)
                time.sleep(0.05)
                with suppress(BlockingIOError):
                    self.early += connection.recv(65536, socket.MSG_DONTWAIT | socket.MSG_PEEK)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx")


@pytest.mark.parametrize("is_spared", [True, False])
def test_a_host_that_is_spared_gets_one_request_at_a_time(is_spared: bool) -> None:
    server = _Unhurried()
    hosts = Hosts(FetchSettings(connections=1, depth=3), {server.host: 1} if is_spared else {})
    url = f"http://{server.host}/x"
    with closing(server.listener), closing(hosts), ThreadPoolExecutor(3) as threads:
        assert list(threads.map(lambda _: get(hosts, url), range(3))) == [b"x"] * 3
    assert bool(server.early) is not is_spared


def test_a_host_that_is_spared_has_its_own_number_of_connections_and_gives_no_parts(origin: Origin) -> None:
    hosts = Hosts(FetchSettings(connections=8, parts=8), {origin.host: 2})
    origin.inject("*", Delay(0.05))
    url = f"{origin.url}/a+b~c"
    with closing(hosts), ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: get(hosts, url), range(8)))
        assert hosts.parts_at_once(url) == 1
    assert len({seen.connection for seen in origin.requests}) <= 2


def test_a_proxy_gets_the_whole_url_and_the_credentials_and_each_origin_has_its_queue(tmp_path: Path) -> None:
    (tmp_path / "a+b").write_bytes(b"bytes")
    with Origin(tmp_path) as proxy, closing(hosts_behind(f"http://me:p%40ss@{proxy.host}")) as hosts:
        assert get(hosts, "http://one.example.org:81/a%2bb?x=%20") == b"bytes"
        assert get(hosts, "http://two.example.org/a%2bb") == b"bytes"
        assert sorted(hosts.traffic()) == ["one.example.org:81", "two.example.org"]
    first, second = proxy.requests
    assert (first.target, second.target) == (
        "http://one.example.org:81/a%2bb?x=%20",
        "http://two.example.org/a%2bb",
    )
    assert (first.headers["host"], second.headers["host"]) == ("one.example.org:81", "two.example.org")
    assert first.headers["proxy-authorization"] == "Basic bWU6cEBzcw=="


def test_a_loopback_host_is_asked_itself(origin: Origin) -> None:
    with closing(hosts_behind("http://127.0.0.1:1")) as hosts:
        assert get(hosts, f"{origin.url}/a+b~c") == b"bytes"
    assert "proxy-authorization" not in origin.requests[0].headers


def test_a_proxy_that_asks_for_credentials_is_told() -> None:
    with UpstreamProxy({}, credentials="me:right") as proxy:
        url = f"http://me:wrong@127.0.0.1:{proxy.port}"
        with closing(hosts_behind(url)) as hosts, pytest.raises(UpstreamError) as raised:
            get(hosts, "http://mirror.example.org/x")
    assert "refuses the credentials of 'me' (407" in raised.value.message
    assert "wrong" not in raised.value.message


def test_an_error_through_a_proxy_names_it() -> None:
    with (
        UpstreamProxy({}) as proxy,
        closing(hosts_behind(proxy.url)) as hosts,
        hosts.get("http://mirror.example.org/x", Asking()) as response,
    ):
        said = f"{response.status} {response.head.reason}"
    assert said == f"503 Service Unavailable through the proxy {proxy.url} ([fetch] proxy)"


# --- https and users -------------------------------------------------------------------------------------------------


@pytest.fixture
def secure(tmp_path: Path) -> Iterator[Origin]:
    """The same files by TLS, its CA in `ca.pem`."""
    ca = Authority(tmp_path, "ca")
    with Origin(tmp_path, server_context(ca.issue("127.0.0.1", "localhost"))) as origin:
        yield origin


@pytest.fixture
def knowing(tmp_path: Path, secure: Origin) -> Iterator[Hosts]:
    """Knows the CA, and a user for the secure origin below /private and /moved."""
    file = tmp_path / "auth.conf"
    entries = (f"machine 127.0.0.1:{secure.port}/{path} login jane password secret\n" for path in ("private", "moved"))
    file.write_text("".join(entries))
    settings = FetchSettings(connect_timeout_s=2, read_timeout_s=5, credentials=(file,))
    hosts = Hosts(settings, {}, Wires(settings, TlsSettings(tmp_path / "ca.pem")))
    yield hosts
    hosts.close()


JANE = "Basic amFuZTpzZWNyZXQ="


def test_a_file_comes_by_https_and_is_counted_for_another_server(
    knowing: Hosts, secure: Origin, origin: Origin
) -> None:
    assert get(knowing, f"{secure.url}/a+b~c") == get(knowing, f"{origin.url}/a+b~c") == b"bytes"
    assert knowing.traffic() == {f"https://{secure.host}": Traffic(1, 5), origin.host: Traffic(1, 5)}


def test_a_large_file_comes_whole_by_https_over_a_warm_connection(
    knowing: Hosts, secure: Origin, tmp_path: Path
) -> None:
    data = bytes(range(256)) * 20_000
    (tmp_path / "large").write_bytes(data)
    assert get(knowing, f"{secure.url}/large") == get(knowing, f"{secure.url}/large") == data
    assert {seen.connection for seen in secure.requests} == {1}


def test_many_at_once_share_a_connection_by_tls_and_each_gets_its_own_bytes(
    knowing: Hosts, secure: Origin, tmp_path: Path
) -> None:
    sizes = {f"file{number}": number * 997 for number in range(200)}
    for name, size in sizes.items():
        (tmp_path / name).write_bytes(name.encode() * size)
    with ThreadPoolExecutor(16) as threads:
        got = threads.map(lambda name: get(knowing, f"{secure.url}/{name}"), sizes)
        assert all(data == name.encode() * size for data, (name, size) in zip(got, sizes.items(), strict=True))
    assert len({seen.connection for seen in secure.requests}) < 16


@pytest.mark.parametrize("ending", [Ending.CLOSE, Ending.RESET])
def test_an_answer_that_is_cut_on_tls_is_a_failure(
    knowing: Hosts, secure: Origin, tmp_path: Path, ending: Ending
) -> None:
    (tmp_path / "file").write_bytes(bytes(1000))
    secure.inject("*/file", Truncate(100, ending))
    with pytest.raises(PassingError):
        get(knowing, f"{secure.url}/file")


def test_a_user_is_told_where_the_entry_says_and_nowhere_else(knowing: Hosts, secure: Origin, tmp_path: Path) -> None:
    for name in ("private", "public"):
        (tmp_path / name).touch()
        get(knowing, f"{secure.url}/{name}")
    assert [seen.headers.get("authorization") for seen in secure.requests] == [JANE, None]


def test_a_redirect_takes_no_user_along(knowing: Hosts, secure: Origin, tmp_path: Path) -> None:
    (tmp_path / "private").write_bytes(b"bytes")
    secure.inject("/private", Redirect(f"https://localhost:{secure.port}"), times=1)
    assert get(knowing, f"{secure.url}/private") == b"bytes"
    assert [seen.headers.get("authorization") for seen in secure.requests] == [JANE, None]


def test_a_redirect_from_https_to_http_is_refused_as_apt_does(knowing: Hosts, secure: Origin, origin: Origin) -> None:
    secure.inject("*", Redirect(origin.url))
    with pytest.raises(UpstreamError, match=f"^https://{secure.host} leads from https to {origin.url}/a") as caught:
        get(knowing, f"{secure.url}/a+b~c")
    assert "[mirrors]" in (caught.value.hint or "")
    assert origin.count() == 0


def test_a_redirect_to_https_is_followed(knowing: Hosts, secure: Origin, origin: Origin) -> None:
    origin.inject("*", Redirect(secure.url), times=1)
    assert get(knowing, f"{origin.url}/a+b~c") == b"bytes"
    assert secure.count() == 1


@pytest.mark.parametrize(("path", "reason"), [("private", "does not let user 'jane'"), ("x", "was told no user")])
def test_a_refusal_tells_why(knowing: Hosts, secure: Origin, path: str, reason: str) -> None:
    secure.inject("*", Status(401))
    with pytest.raises(UpstreamError, match=f"^401 .*{reason}"):
        get(knowing, f"{secure.url}/{path}")


def test_a_bad_request_by_https_may_want_a_client_certificate(knowing: Hosts, secure: Origin, origin: Origin) -> None:
    for server in (secure, origin):
        server.inject("*", Status(400))
    with pytest.raises(UpstreamError, match=r"^400 .*misses a client certificate") as caught:
        get(knowing, f"{secure.url}/x")
    assert f'[tls.host."{secure.host}"] client_certificate' in (caught.value.hint or "")
    assert get(knowing, f"{origin.url}/x") == b"said the mirror\n"


def test_a_host_of_which_nobody_knows_is_asked_by_https_if_it_speaks_nothing_else(
    knowing: Hosts, secure: Origin, tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(b"bytes")
    schemes = Schemes()
    knowing.heed(schemes)
    url = f"http://{secure.host}/file"
    with pytest.raises(PassingError):
        get(knowing, url)  # somebody said http
    assert schemes.of(secure.host) == "http"
    assert get(knowing, url) == b"bytes"
    assert schemes.of(secure.host) == "https"


def test_a_bad_request_by_http_is_told_where_https_does_not_answer_either(hosts: Hosts, origin: Origin) -> None:
    schemes = Schemes()
    hosts.heed(schemes)
    schemes.of(origin.host)
    origin.inject("*", Status(400))
    for _ in range(2):
        assert get(hosts, f"{origin.url}/x") == b"said the mirror\n"
    assert schemes.of(origin.host) == "http"


def test_a_server_that_is_not_trusted_is_away_and_asked_nothing(hosts: Hosts, secure: Origin) -> None:
    url = f"{secure.url}/a+b~c"
    with pytest.raises(UntrustedError):
        get(hosts, url)
    assert hosts.standing(url) is Standing.AWAY
    assert secure.count() == 0
