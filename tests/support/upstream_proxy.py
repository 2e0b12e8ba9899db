# SPDX-License-Identifier: MIT
"""`UpstreamProxy`: the proxy between a build and the world, as a company has one.

    with UpstreamProxy({"mirror.example.org": origin.port}, credentials="me:p@ss") as proxy:
        ...                                     # http_proxy = proxy.url
        assert proxy.asked == ["GET http://mirror.example.org/debian/dists/..."]

It alone knows where the names lead: to ports of 127.0.0.1. Others it answers with 503, as squid does. It passes on one
request for each connection, and CONNECT to any number of bytes.
"""

import base64
import socket
import threading
from collections.abc import Mapping
from contextlib import closing, suppress
from http import HTTPStatus
from typing import Self
from urllib.parse import quote, urlsplit

from aptfreeze.fetch.hosts import Hosts
from aptfreeze.fetch.routes import Routes
from aptfreeze.fetch.wires import Wires
from aptfreeze.settings import FetchSettings, ProxySettings


def hosts_behind(url: str) -> Hosts:
    """Hosts that are reached by the proxy with this URL."""
    limits = FetchSettings(connect_timeout_s=2, read_timeout_s=5)
    return Hosts(limits, {}, Wires(limits, None, Routes(ProxySettings(url))))


class UpstreamProxy:
    """On a free port of 127.0.0.1; `credentials` (`USER:PASSWORD`) are asked for by Basic if they are given."""

    def __init__(self, names: Mapping[str, int], *, credentials: str = "") -> None:
        self.asked: list[str] = []
        """Method and target of each request, refused ones too, in order."""
        self._names = names
        self._credentials = credentials
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        self._acceptor = threading.Thread(target=self._accept, name=f"proxy-{self.port}", daemon=True)

    @property
    def url(self) -> str:
        """With the credentials, percent-encoded."""
        user = ":".join(quote(part, safe="") for part in self._credentials.split(":", 1))
        return f"http://{user}{'@' if user else ''}127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._acceptor.start()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):  # wakes accept(2)
            self._listener.shutdown(socket.SHUT_RDWR)
        self._acceptor.join()
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):  # the listener was shut down
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with closing(client), suppress(OSError), client.makefile("rb") as reader:
            lines = [line.decode("latin-1").rstrip() for line in iter(reader.readline, b"\r\n") if line]
            if not lines:
                return
            method, target, _ = lines[0].split(" ")
            self.asked.append(f"{method} {target}")
            fields = [line for line in lines[1:] if not line.lower().startswith("proxy-")]
            given = [line for line in lines[1:] if line not in fields]
            if self._credentials and given != [f"Proxy-Authorization: Basic {_token(self._credentials)}"]:
                client.sendall(_head(407, {"Proxy-Authenticate": 'Basic realm="here"', "Content-Length": "0"}))
            else:
                self._pass_on(client, method, target, fields)

    def _pass_on(self, client: socket.socket, method: str, target: str, fields: list[str]) -> None:
        url = urlsplit(f"//{target}" if method == "CONNECT" else target)
        port = self._names.get(url.hostname or "")
        if port is None:
            client.sendall(_head(503, {"Content-Length": "0"}))
            return
        with closing(socket.create_connection(("127.0.0.1", port))) as origin:
            if method == "CONNECT":
                client.sendall(_head(200, {}))
                threading.Thread(target=_copy, args=(client, origin), daemon=True).start()
            else:
                path = url._replace(scheme="", netloc="").geturl()
                lines = [f"{method} {path} HTTP/1.1", *fields, "Connection: close", "", ""]
                origin.sendall("\r\n".join(lines).encode("latin-1"))
            _copy(origin, client)


def _token(credentials: str) -> str:
    return base64.b64encode(credentials.encode()).decode()


def _copy(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


def _head(status: int, fields: Mapping[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", *(f"{name}: {value}" for name, value in fields.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")
