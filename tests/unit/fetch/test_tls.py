# SPDX-License-Identifier: MIT
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from aptfreeze.errors import UsageError
from aptfreeze.fetch.failures import UnreachableError, UntrustedError
from aptfreeze.fetch.tls import Security
from aptfreeze.fetch.url import Endpoint
from aptfreeze.settings import TlsSettings
from support.certificates import Authority, server_context


@pytest.fixture
def ca(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@contextmanager
def serving(answer: Callable[[socket.socket], object]) -> Iterator[Endpoint]:
    """A server that does this with each of its connections."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection, suppress(OSError):
                    answer(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield Endpoint("127.0.0.1", listener.getsockname()[1], "/", True)
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(10)


def speaking(context: ssl.SSLContext) -> Callable[[socket.socket], None]:
    """A server that makes the handshake and says what was agreed on."""

    def answer(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as secure:
            secure.sendall(f"{secure.version()} {secure.selected_alpn_protocol()}".encode())
            secure.recv(1)

    return answer


def said(security: Security, endpoint: Endpoint) -> str:
    def reach() -> socket.socket:
        return socket.create_connection((endpoint.host, endpoint.port), 5)

    with closing(security.secured(reach, endpoint)) as wire:
        buffer = bytearray(100)
        return buffer[: wire.recv_into(buffer)].decode()


def trusting(ca: Authority, **files: Path) -> Security:
    """Knows this CA alone; `files` of client certificates."""
    return Security(TlsSettings(None, {"127.0.0.1": {"ca": ca.file, **files}}), 5)


def test_who_has_a_certificate_of_the_named_ca_is_spoken_to(ca: Authority) -> None:
    with serving(speaking(server_context(ca.issue("127.0.0.1")))) as endpoint:
        assert said(trusting(ca), endpoint) == "TLSv1.3 http/1.1"


@pytest.mark.parametrize("is_self_signed", [True, False])
def test_a_server_s_own_certificate_may_be_named_as_its_ca(ca: Authority, is_self_signed: bool) -> None:
    certificate = ca.issue("127.0.0.1", is_self_signed=is_self_signed)
    naming_it = Security(TlsSettings(None, {"127.0.0.1": {"ca": certificate}}), 5)
    with serving(speaking(server_context(certificate))) as endpoint:
        assert said(naming_it, endpoint) == "TLSv1.3 http/1.1"


def test_a_general_ca_counts_beside_those_of_the_machine(ca: Authority) -> None:
    with serving(speaking(server_context(ca.issue("127.0.0.1")))) as endpoint:
        assert said(Security(TlsSettings(ca.file), 5), endpoint) == "TLSv1.3 http/1.1"


@pytest.mark.parametrize(
    ("names", "ends", "is_self_signed", "reason"),
    [
        (["127.0.0.1"], -0.5, False, r"its certificate expired \(valid from 20"),
        (["127.0.0.2", "b.example.org"], 1, False, r"is not for 127.0.0.1 but for b.example.org, 127.0.0.2"),
        (["127.0.0.1"], 1, True, r"is signed by itself \(CN=127.0.0.1\)"),
    ],
)
def test_who_cannot_prove_to_be_it_is_refused_with_what_it_showed(
    ca: Authority, names: list[str], ends: float, is_self_signed: bool, reason: str
) -> None:
    certificate = ca.issue(*names, end_days=ends, is_self_signed=is_self_signed)
    with serving(speaking(server_context(certificate))) as endpoint, pytest.raises(UntrustedError, match=reason):
        said(trusting(ca), endpoint)


def test_another_ca_than_the_one_named_for_the_host_does_not_count(ca: Authority, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = Authority(tmp_path / "other", "Other CA")
    reason = r"signed by a CA that is not known \(CN=Other CA\); known are /.*Test-CA\.pem\n"
    there = serving(speaking(server_context(other.issue("127.0.0.1"))))
    with there as endpoint, pytest.raises(UntrustedError, match=reason) as caught:
        said(trusting(ca), endpoint)
    assert f'[tls.host."{endpoint.authority}"] ca' in (caught.value.hint or "")


def test_nothing_is_sent_to_a_server_that_is_not_trusted(ca: Authority) -> None:
    got: list[bytes] = []

    def listen(connection: socket.socket) -> None:
        with server_context(certificate).wrap_socket(connection, server_side=True) as secure:
            got.append(secure.recv(1))

    certificate = ca.issue("127.0.0.1", is_self_signed=True)
    with serving(listen) as endpoint, pytest.raises(UntrustedError):
        said(trusting(ca), endpoint)
    assert not any(got)


def test_a_handshake_that_never_ends_is_ended(ca: Authority) -> None:
    silent = threading.Event()
    with serving(lambda _: silent.wait(10)) as endpoint:
        with pytest.raises(UnreachableError, match=r"did not end the TLS handshake within 0.2 s"):
            said(Security(TlsSettings(), 0.2), endpoint)
        silent.set()


def test_a_handshake_of_which_a_byte_comes_now_and_then_is_ended(ca: Authority) -> None:
    done = threading.Event()

    def drip(connection: socket.socket) -> None:
        for byte in b"\x16\x03\x03\x40\x00" + bytes(1000):
            connection.sendall(bytes([byte]))
            if done.wait(0.05):
                return

    with serving(drip) as endpoint:
        with pytest.raises(UnreachableError, match="did not end the TLS handshake"):
            said(Security(TlsSettings(), 0.3), endpoint)
        done.set()


def test_who_hangs_up_during_the_handshake_cannot_be_reached(ca: Authority) -> None:
    rude = serving(lambda connection: connection.recv(1000))
    with rude as endpoint, pytest.raises(UnreachableError, match="ended the TLS handshake"):
        said(trusting(ca), endpoint)


def test_who_speaks_plain_http_is_no_https_server(ca: Authority) -> None:
    plain = serving(lambda connection: connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n"))
    with plain as endpoint, pytest.raises(UntrustedError, match="speaks no TLS") as caught:
        said(trusting(ca), endpoint)
    assert "http://" in (caught.value.hint or "")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_who_speaks_only_old_tls_is_refused(ca: Authority) -> None:
    old = server_context(ca.issue("127.0.0.1"))
    old.set_ciphers("DEFAULT:@SECLEVEL=0")
    old.minimum_version = ssl.TLSVersion.TLSv1
    old.maximum_version = ssl.TLSVersion.TLSv1_1
    with serving(speaking(old)) as endpoint, pytest.raises(UntrustedError, match=r"only TLS that is older than 1\.2"):
        said(trusting(ca), endpoint)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_server_that_wants_a_client_certificate_is_shown_the_one_of_its_host(
    ca: Authority, version: ssl.TLSVersion
) -> None:
    demanding = server_context(ca.issue("127.0.0.1"), clients=ca.file)
    demanding.maximum_version = version
    with serving(speaking(demanding)) as endpoint:
        with pytest.raises(UntrustedError, match="it may want a client certificate, and none is configured"):
            said(trusting(ca), endpoint)
        client = ca.issue("client")
        assert "http/1.1" in said(trusting(ca, client_certificate=client), endpoint)
        assert "http/1.1" in said(trusting(ca, client_certificate=client, client_key=client), endpoint)
        foreign = ca.issue("foreign", is_self_signed=True)
        with pytest.raises(UntrustedError, match=r"does not accept the client certificate .*foreign"):
            said(trusting(ca, client_certificate=foreign), endpoint)


def test_files_that_are_no_good_are_told_with_the_setting(tmp_path: Path, ca: Authority) -> None:
    none = tmp_path / "none.pem"
    none.write_text("none\n")
    with serving(lambda _: None) as endpoint:
        with pytest.raises(UsageError, match=r"CA file .*none\.pem cannot be used") as caught:
            said(Security(TlsSettings(none), 5), endpoint)
        assert "[tls]" in (caught.value.hint or "")
        with pytest.raises(UsageError, match=r"CA file .* cannot be used .No such file"):
            said(Security(TlsSettings(tmp_path / "missing.pem"), 5), endpoint)
        with pytest.raises(UsageError, match=r"client certificate .*none\.pem .* cannot be used"):
            said(trusting(ca, client_certificate=none), endpoint)


def test_an_encrypted_key_is_refused_and_nobody_is_asked_for_its_password(ca: Authority, tmp_path: Path) -> None:
    plain = ca.issue("client").read_bytes()
    key = serialization.load_pem_private_key(plain, None)
    encrypted = tmp_path / "encrypted.key"
    encrypted.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        )
    )
    certificate = tmp_path / "client.pem"
    certificate.write_bytes(plain)
    with serving(lambda _: None) as endpoint, pytest.raises(UsageError, match="is encrypted"):
        said(trusting(ca, client_certificate=certificate, client_key=encrypted), endpoint)
