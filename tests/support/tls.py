# SPDX-License-Identifier: MIT
"""Clients that speak TLS through a proxy, and the other end of it: an authority and a handler that answers CONNECT."""

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache

from aptfreeze.http.message import Request, response_head
from aptfreeze.serve.certificates import Certificates
from aptfreeze.serve.handshake import secured
from aptfreeze.serve.reply import Inline, Reply
from aptfreeze.trust.authority import Authority
from support.serving import PATIENCE_S, Answer, Running, Scripted, read_exactly

HOST = "mirror.example.org"
ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"
CONNECT = f"CONNECT {HOST}:443 HTTP/1.1\r\nHost: {HOST}:443\r\n\r\n".encode()


@cache
def authority() -> Authority:
    """One for all tests."""
    return Authority.generate("test")


@cache
def certificates() -> Certificates:
    return Certificates(authority)


def client_context(trusted: Authority | None = None) -> ssl.SSLContext:
    """Of a client that trusts this authority, by default the one of all tests, and no other."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=(trusted or authority()).certificate.decode())
    return context


@dataclass
class Intercepting(Scripted):
    """A handler whose CONNECTs all lead to TLS, in which `inside` answers."""

    inside: Scripted = field(default_factory=Scripted)
    failures: list[str] = field(default_factory=list)
    """Why handshakes failed."""

    def answer(self, request: Request) -> Answer:
        if request.method != "CONNECT":
            return super().answer(request)
        context = certificates().context(HOST)
        upgrade = secured(context, lambda _: self.inside, self.failures.append)
        return Reply(response_head(200, "Connection established", []), Inline(), upgrade=upgrade)


@contextmanager
def tls_client(
    server: Running, context: ssl.SSLContext | None = None, *, receive_buffer: int | None = None
) -> Iterator[ssl.SSLSocket]:
    """A client behind its handshake."""
    plain = server.connect(receive_buffer=receive_buffer)
    try:
        plain.sendall(CONNECT)
        assert read_exactly(plain, len(ESTABLISHED)) == ESTABLISHED
        client = (context or client_context()).wrap_socket(plain, server_hostname=HOST)
    except BaseException:
        plain.close()
        raise
    with client:
        yield client


class EarlyClient:
    """A client that sends its CONNECT and its ClientHello in one piece, and by hand whatever comes then."""

    def __init__(self, plain: socket.socket, context: ssl.SSLContext | None = None) -> None:
        self._plain = plain
        self._from_peer, self._to_peer = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._secured = (context or client_context()).wrap_bio(self._from_peer, self._to_peer, server_hostname=HOST)
        plain.settimeout(PATIENCE_S)

    def hello(self) -> bytes:
        try:
            self._secured.do_handshake()
        except ssl.SSLWantReadError:
            return self._to_peer.read()
        raise AssertionError("the handshake was over before it began")

    def shake_hands(self) -> None:
        while True:
            self._from_peer.write(self._plain.recv(1 << 16))
            try:
                self._secured.do_handshake()
            except ssl.SSLWantReadError:
                continue
            finally:
                self._plain.sendall(self._to_peer.read())
            return

    def ask(self, data: bytes, *, is_last: bool = False) -> None:
        """`is_last`: and TLS's own goodbye behind it."""
        self._secured.write(data)
        if is_last:
            with suppress(ssl.SSLWantReadError):  # it would wait for the peer's
                self._secured.unwrap()
        self._plain.sendall(self._to_peer.read())

    def read_exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            try:
                data += self._secured.read(size - len(data))
            except ssl.SSLWantReadError:
                self._from_peer.write(self._plain.recv(1 << 16))
        return data
