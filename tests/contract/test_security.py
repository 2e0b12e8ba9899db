# SPDX-License-Identifier: MIT
"""What somebody on the network gets out of a server that other machines reach: what the settings say, nothing more.

docs/internals/threat-model.md names these tests. A client comes from this machine's own address, as from another one.
"""

import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from support.aptfreeze import Aptfreeze
from support.client import APT_USER_AGENT, Response, ask
from support.faults import Redirect
from support.origin import Origin
from support.repository import Repository

WGET = "Wget/1.21"


def own_address() -> str | None:
    """The address by which this machine would reach another one; None without a network."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect(("192.0.2.1", 9))  # sends nothing
            return str(probe.getsockname()[0])
    except OSError:
        return None


pytestmark = pytest.mark.skipif(own_address() is None, reason="this machine has no address but loopback")


@pytest.fixture
def inside(tmp_path: Path) -> Iterator[Origin]:
    """A service that only this machine reaches."""
    root = tmp_path / "inside"
    (root / "dists/bookworm").mkdir(parents=True)
    for name in ("secret", "secret.asc", "dists/bookworm/InRelease"):
        (root / name).write_text("secret")
    with Origin(root) as origin:
        yield origin


@contextmanager
def reached(product: Aptfreeze, policy: str) -> Iterator[str]:
    """The proxy's address for other machines."""
    product.configure(f"[policy]\n{policy}\n[fetch]\nretries = 0")
    with product.serve("--listen", "0.0.0.0:0") as serving:
        yield f"http://{own_address()}:{urlsplit(serving.proxy).port}"


def passwords(product: Aptfreeze) -> str:
    file = product.root / "passwords"
    file.write_text("jane:secret\n")
    file.chmod(0o600)
    return f'credentials = "{file}"'


def as_jane(proxy: str, url: str, agent: str = WGET, method: str = "GET") -> Response:
    return ask(proxy, url, user_agent=agent, method=method, headers={"Proxy-Authorization": "Basic amFuZTpzZWNyZXQ="})


def within_tls(proxy: str, url: str) -> bytes:
    """The status line of the answer to a GET within the CONNECT of a client that says it is apt."""
    place = urlsplit(url)
    where = urlsplit(proxy)
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # whose certificate it is, other tests ask
    with socket.create_connection((where.hostname or "", where.port or 0), 20) as plain:
        plain.sendall(f"CONNECT {place.hostname}:{place.port or 443} HTTP/1.1\r\nHost: x\r\n".encode())
        plain.sendall(f"User-Agent: {APT_USER_AGENT}\r\n\r\n".encode())
        assert b" 200 " in plain.recv(1000)
        with context.wrap_socket(plain) as secured:
            secured.sendall(f"GET {place.path} HTTP/1.1\r\nHost: {place.hostname}\r\n\r\n".encode())
            return secured.recv(1000)


# --- an open relay ---


def test_with_a_list_nobody_gets_anything_else(aptfreeze: Aptfreeze, repository: Repository, inside: Origin) -> None:
    listed = repository.url.removeprefix("http://")
    with reached(aptfreeze, f'serve = ["{listed}"]') as proxy:
        assert ask(proxy, f"{repository.url}/dists/bookworm/InRelease").status == 200
        for agent in (WGET, APT_USER_AGENT):
            for url in (f"{inside.url}/secret", f"{inside.url}/dists/bookworm/InRelease", "http://www.example.org/"):
                assert ask(proxy, url, user_agent=agent).status == 403
        assert ask(proxy, inside.host, method="CONNECT", user_agent=WGET).status == 403
        for url in (f"https://{inside.host}/secret", "https://www.example.org/"):
            assert within_tls(proxy, url).startswith(b"HTTP/1.1 403 this proxy serves other machines only")
    assert inside.count() == 0


def test_without_a_password_nobody_gets_anything(aptfreeze: Aptfreeze, inside: Origin, repository: Repository) -> None:
    with reached(aptfreeze, passwords(aptfreeze)) as proxy:
        for url in (f"{inside.url}/secret", f"{repository.url}/dists/bookworm/InRelease"):
            assert ask(proxy, url).status == 407
        assert ask(proxy, "www.example.org:443", method="CONNECT").status == 407
    assert inside.count() == 0


def test_the_password_goes_to_no_server(aptfreeze: Aptfreeze, inside: Origin) -> None:
    with reached(aptfreeze, f'{passwords(aptfreeze)}\nallow = ["{inside.host}"]') as proxy:
        assert as_jane(proxy, f"{inside.url}/secret").text == "secret"
    assert "proxy-authorization" not in inside.requests[-1].headers


# --- requests to private addresses through us ---


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0", "[::ffff:127.0.0.1]"])
def test_nobody_reaches_what_only_this_machine_reaches(aptfreeze: Aptfreeze, inside: Origin, host: str) -> None:
    with reached(aptfreeze, passwords(aptfreeze)) as proxy:
        for agent, path in ((WGET, "secret"), (APT_USER_AGENT, "secret.asc"), (APT_USER_AGENT, "dists/x/InRelease")):
            answer = as_jane(proxy, f"http://{host}:{inside.port}/{path}", agent)
            assert answer.status in (403, 502)
            assert "not passed on to for clients of other machines" in answer.text or "cannot resolve" in answer.text
        assert as_jane(proxy, f"{host}:{inside.port}", method="CONNECT").status in (403, 501, 502)
    assert inside.count() == 0


@pytest.mark.parametrize("agent", [WGET, APT_USER_AGENT])
def test_nobody_reaches_a_metadata_service(aptfreeze: Aptfreeze, agent: str) -> None:
    with reached(aptfreeze, passwords(aptfreeze)) as proxy:
        for host in ("169.254.169.254", "[fd00:ec2::254]", "100.100.100.200"):
            answer = as_jane(proxy, f"http://{host}/latest/meta-data/", agent)
            assert answer.status in (403, 502)
            assert "not passed on to for clients of other machines" in answer.text


def test_who_is_on_this_machine_reaches_it_without_us_and_with_us(aptfreeze: Aptfreeze, inside: Origin) -> None:
    with aptfreeze.serve() as serving:
        assert ask(serving.proxy, f"{inside.url}/secret", user_agent=WGET).text == "secret"


def test_nobody_makes_us_ask_ourselves(aptfreeze: Aptfreeze) -> None:
    with reached(aptfreeze, passwords(aptfreeze)) as proxy:
        for url in (f"{proxy}/x", f"http://127.0.0.1:{urlsplit(proxy).port}/x"):
            for agent in (WGET, APT_USER_AGENT):
                assert "is this proxy itself" in as_jane(proxy, url, agent).text


# --- a hostile mirror ---


def test_a_mirror_that_redirects_leads_no_further(
    aptfreeze: Aptfreeze, repository: Repository, origin: Origin, inside: Origin
) -> None:
    with ExitStack() as stack:
        proxy = stack.enter_context(reached(aptfreeze, f'serve = ["{origin.host}"]'))
        origin.inject("*", Redirect(inside.url))
        for path in ("dists/bookworm/InRelease", "secret.asc"):
            answer = ask(proxy, f"{origin.url}/{path}")
            assert answer.status == 502
            assert "secret" not in answer.body.decode().replace("secret.asc", "")
    assert inside.count() == 0
