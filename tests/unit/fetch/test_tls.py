# SPDX-License-Identifier: MIT
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

from aptfreeze.errors import UsageError
from aptfreeze.fetch.failures import UnreachableError, UntrustedError
from aptfreeze.fetch.tls import Security
from aptfreeze.fetch.url import Endpoint
from aptfreeze.settings import HostTls, TlsSettings
from support.certificates import Authority, server_context


@pytest.fixture
def ca(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@contextmanager
def serving(answer: Callable[[socket.socket], object]) -> Iterator[Endpoint]:
    """A server that does this with its first connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with suppress(OSError):
                connection, _ = listener.accept()
                with connection:
                    answer(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield Endpoint("127.0.0.1", listener.getsockname()[1], "/", True)
        thread.join(10)


def speaking(context: ssl.SSLContext) -> Callable[[socket.socket], None]:
    """A server that makes the handshake and says what was agreed on."""

    def answer(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as secure:
            secure.sendall(f"{secure.version()} {secure.selected_alpn_protocol()}".encode())
            secure.recv(1)

    return answer


def said(security: Security, endpoint: Endpoint) -> str:
    plain = socket.create_connection((endpoint.host, endpoint.port), 5)
    with closing(security.secured(plain, endpoint)) as wire:
        buffer = bytearray(100)
        return buffer[: wire.recv_into(buffer)].decode()


def trusting(ca: Authority) -> Security:
    return Security(TlsSettings(HostTls(ca=ca.file)), 5)


def test_who_has_a_certificate_of_the_named_ca_is_spoken_to(ca: Authority) -> None:
    with serving(speaking(server_context(ca.issue("127.0.0.1")))) as endpoint:
        assert said(trusting(ca), endpoint) == "TLSv1.3 http/1.1"


@pytest.mark.parametrize(
    ("names", "ends", "is_self_signed", "reason"),
    [
        (["127.0.0.1"], -0.5, False, "expired"),
        (["127.0.0.2"], 1, False, "mismatch"),
        (["127.0.0.1"], 1, True, "self-signed"),
    ],
)
def test_who_cannot_prove_to_be_it_is_refused_with_the_reason(
    ca: Authority, names: list[str], ends: float, is_self_signed: bool, reason: str
) -> None:
    certificate = ca.issue(*names, end_days=ends, is_self_signed=is_self_signed)
    with serving(speaking(server_context(certificate))) as endpoint, pytest.raises(UntrustedError, match=reason):
        said(trusting(ca), endpoint)


def test_a_handshake_that_never_ends_is_ended(ca: Authority) -> None:
    silent = threading.Event()
    with serving(lambda _: silent.wait(10)) as endpoint:
        with pytest.raises(UnreachableError, match=r"did not end the TLS handshake within 0.2 s"):
            said(Security(TlsSettings(), 0.2), endpoint)
        silent.set()


def test_who_speaks_plain_http_is_no_https_server(ca: Authority) -> None:
    plain = serving(lambda connection: connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n"))
    with plain as endpoint, pytest.raises(UntrustedError, match="speaks no TLS"):
        said(trusting(ca), endpoint)


def test_a_ca_file_that_is_none_is_told_with_the_setting(tmp_path: Path, ca: Authority) -> None:
    (tmp_path / "none.pem").write_text("none\n")
    with serving(lambda _: None) as endpoint, pytest.raises(UsageError, match=r"none\.pem cannot be used") as caught:
        said(Security(TlsSettings(HostTls(ca=tmp_path / "none.pem")), 5), endpoint)
    assert "[tls] ca" in (caught.value.hint or "")
