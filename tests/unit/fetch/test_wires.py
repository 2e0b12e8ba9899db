# SPDX-License-Identifier: MIT
import os
import socket
import ssl
from pathlib import Path

import pytest

from aptfreeze.errors import RefusedError, UpstreamError, UsageError
from aptfreeze.fetch.addresses import AddressCheck
from aptfreeze.fetch.failures import UntrustedError
from aptfreeze.fetch.routes import Routes
from aptfreeze.fetch.url import Endpoint
from aptfreeze.fetch.wires import Wires
from aptfreeze.settings import FetchSettings, ProxySettings, TlsSettings
from support.certificates import Authority, server_context
from support.origin import Origin
from support.upstream_proxy import UpstreamProxy

SETTINGS = FetchSettings(connect_timeout_s=5, read_timeout_s=7)


def test_a_plain_url_gets_a_plain_socket_with_the_read_timeout(tmp_path: Path) -> None:
    with Origin(tmp_path) as origin:
        wire = Wires(SETTINGS).open(Endpoint.parse(origin.url))
        assert isinstance(wire, socket.socket)
        assert not isinstance(wire, ssl.SSLSocket)
        assert wire.gettimeout() == 7
        wire.close()


def test_a_secure_url_gets_a_wire_with_tls_and_the_read_timeout(tmp_path: Path) -> None:
    ca = Authority(tmp_path)
    tls = TlsSettings(ca=ca.file)
    with Origin(tmp_path, server_context(ca.issue("127.0.0.1"))) as origin:
        wire = Wires(SETTINGS, tls).open(Endpoint.parse(origin.url))
        wire.sendall(b"GET /none HTTP/1.1\r\nHost: a\r\n\r\n")
        answer = bytearray(100)
        count = wire.recv_into(answer)
        assert answer[:count].startswith(b"HTTP/1.1 404")
        assert wire.gettimeout() == 7
        wire.close()


def as_apt(tmp_path: Path, line: str) -> Wires:
    """On a machine whose apt is configured so."""
    file = tmp_path / "apt.conf"
    file.write_text(f'Dir::Etc::main "/dev/null";\nDir::Etc::parts "/dev/null";\n{line}\n')
    variables = {"PATH": os.environ["PATH"], "APT_CONFIG": str(file)}
    return Wires(SETTINGS, None, Routes(ProxySettings("", variables)))


def test_the_authorities_of_apt_count_where_no_setting_names_others(tmp_path: Path) -> None:
    ca = Authority(tmp_path)
    with Origin(tmp_path, server_context(ca.issue("127.0.0.1"))) as origin:
        as_apt(tmp_path, f'Acquire::https::CAInfo "{ca.file}";').open(Endpoint.parse(origin.url)).close()
        with pytest.raises(UsageError, match=r"absent\.pem cannot be used") as caught:
            as_apt(tmp_path, 'Acquire::https::CAInfo "/absent.pem";').open(Endpoint.parse(origin.url))
        assert "Acquire::https::CAInfo of apt names" in (caught.value.hint or "")


def test_a_server_is_checked_also_where_apt_is_told_not_to(tmp_path: Path) -> None:
    with Origin(tmp_path, server_context(Authority(tmp_path).issue("127.0.0.1"))) as origin:
        wires = as_apt(tmp_path, 'Acquire::https::Verify-Peer "false";')
        with pytest.raises(UntrustedError, match='Verify-Peer "false"; aptfreeze always does'):
            wires.open(Endpoint.parse(origin.url))


def behind(proxy: UpstreamProxy, tls: TlsSettings | None = None) -> Wires:
    return Wires(SETTINGS, tls, Routes(ProxySettings(proxy.url)))


def test_a_secure_url_behind_a_proxy_gets_tls_through_a_tunnel(tmp_path: Path) -> None:
    ca = Authority(tmp_path)
    (tmp_path / "file").write_bytes(b"bytes")
    with (
        Origin(tmp_path, server_context(ca.issue("mirror.example.org"))) as origin,
        UpstreamProxy({"mirror.example.org": origin.port}, credentials="me:secret") as proxy,
    ):
        wires = behind(proxy, TlsSettings(ca=ca.file))
        page = Endpoint.parse("https://mirror.example.org/file")
        assert wires.proxy_for(page) is None  # the request itself is none of the proxy's
        wire = wires.open(page)
        wire.sendall(b"GET /file HTTP/1.1\r\nHost: a\r\n\r\n")
        answer = bytearray(1000)
        assert answer[: wire.recv_into(answer)].startswith(b"HTTP/1.1 200")
        wire.close()
    assert proxy.asked == ["CONNECT mirror.example.org:443"]
    assert "proxy-authorization" not in origin.requests[0].headers


def test_a_proxy_without_a_user_is_told_that_of_its_entry(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"bytes")
    auth = tmp_path / "auth.conf"
    with (
        Origin(tmp_path) as origin,
        UpstreamProxy({"mirror.example.org": origin.port}, credentials="me:p\u00e4ss") as proxy,
    ):
        entries = ("127.0.0.1 login wrong password x", f"http://127.0.0.1:{proxy.port} login me password p\u00e4ss")
        auth.write_text("".join(f"machine {entry}\n" for entry in entries))
        settings = FetchSettings(credentials=(auth,))
        wires = Wires(settings, None, Routes(ProxySettings(f"http://127.0.0.1:{proxy.port}")))
        for url in ("http://mirror.example.org/file", "https://mirror.example.org/"):
            told = wires.proxy_for(Endpoint.parse(url))
            assert told is None or (told.user, told.password) == ("me", "p\u00e4ss")
        with pytest.raises(UpstreamError, match=r"^https://mirror"):  # the proxy has let us through to what is no TLS
            wires.open(Endpoint.parse("https://mirror.example.org/"))


def test_a_plain_url_behind_a_proxy_gets_a_wire_to_the_proxy() -> None:
    with UpstreamProxy({}) as proxy:
        page = Endpoint.parse("http://mirror.example.org/file")
        asked = behind(proxy).proxy_for(page)
        assert asked is not None
        wire = behind(proxy).open(page)
        assert isinstance(wire, socket.socket)
        assert wire.getpeername() == ("127.0.0.1", proxy.port)
        wire.close()


def test_addresses_are_judged_behind_a_proxy_too() -> None:
    check = AddressCheck("mirror", frozenset(), is_public_only=True)
    with UpstreamProxy({}) as proxy:
        with pytest.raises(RefusedError, match=r"192\.0\.2\.1, a private or reserved"):
            behind(proxy).open(Endpoint.parse("http://192.0.2.1/file"), check)
        behind(proxy).open(Endpoint.parse("http://mirror.invalid-/file"), check).close()  # the proxy's to resolve
