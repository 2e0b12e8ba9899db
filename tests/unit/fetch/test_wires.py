# SPDX-License-Identifier: MIT
import socket
import ssl
from pathlib import Path

from aptfreeze.fetch.url import Endpoint
from aptfreeze.fetch.wires import Wires
from aptfreeze.settings import FetchSettings, HostTls, TlsSettings
from support.certificates import Authority, server_context
from support.origin import Origin

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
    tls = TlsSettings(HostTls(ca=ca.file))
    with Origin(tmp_path, server_context(ca.issue("127.0.0.1"))) as origin:
        wire = Wires(SETTINGS, tls).open(Endpoint.parse(origin.url))
        wire.sendall(b"GET /none HTTP/1.1\r\nHost: a\r\n\r\n")
        answer = bytearray(100)
        count = wire.recv_into(answer)
        assert answer[:count].startswith(b"HTTP/1.1 404")
        assert wire.gettimeout() == 7
        wire.close()
