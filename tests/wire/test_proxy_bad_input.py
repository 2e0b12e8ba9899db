# SPDX-License-Identifier: MIT
"""What no client should send to a real `aptfreeze serve`: the right status, and the next client gets its file.

The grammar itself has its tests in tests/unit/http/test_request.py; here it is the whole process that must not care.
"""

import re
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from support.apt import MakeApt
from support.aptfreeze import Aptfreeze, Serving
from support.build import build
from support.client import ask
from support.origin import Origin
from support.repository import Repository
from support.serving import PATIENCE_S, read_all
from support.signing import SigningKey

HOST = b"mirror.example.org"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bad-input")


@pytest.fixture(scope="module")
def repository(folder: Path, signing_key: SigningKey) -> Iterator[Repository]:
    with Origin(folder / "mirror") as origin:
        repository = Repository(origin.root / "debian", signing_key, url=f"{origin.url}/debian")
        repository.add("hello", "1.0")
        repository.publish()
        yield repository


@pytest.fixture(scope="module")
def serving(folder: Path, signing_key: SigningKey) -> Iterator[Serving]:
    """One process for all stories: each must leave it as good as new."""
    product = Aptfreeze(folder / "product")
    product.trust(signing_key)
    with product.serve() as serving:
        yield serving
        assert "Traceback" not in serving.output, serving.output
        assert "this is a bug" not in serving.output, serving.output


@pytest.fixture(autouse=True)
def lives_on(serving: Serving, repository: Repository) -> Iterator[None]:
    """After each story, a good request is answered well."""
    yield
    answer = ask(serving.proxy, f"{repository.url}/dists/bookworm/InRelease")
    assert (answer.status, answer.body) == (200, (repository.suite_folder / "InRelease").read_bytes())


def connect(serving: Serving) -> socket.socket:
    parts = urlsplit(serving.proxy)
    return socket.create_connection((parts.hostname, parts.port), PATIENCE_S)


def exchange(serving: Serving, data: bytes) -> bytes:
    """All that comes back until the server ends the connection."""
    with connect(serving) as client:
        try:
            client.sendall(data)
            client.shutdown(socket.SHUT_WR)
        except (BrokenPipeError, ConnectionResetError):
            pass  # it has seen enough, and its answer can still be read
        return read_all(client)


def statuses(answers: bytes) -> list[int]:
    return [int(status) for status in re.findall(rb"^HTTP/1\.1 (\d{3}) ", answers, re.MULTILINE)]


def request(line: bytes, *fields: bytes, body: bytes = b"") -> bytes:
    return b"\r\n".join([line, *fields, b"", body])


def good(repository: Repository) -> bytes:
    return request(f"GET {repository.url}/dists/bookworm/InRelease HTTP/1.1".encode(), b"Host: " + HOST)


GET = b"GET http://mirror.example.org/debian/x.deb HTTP/1.1"

MALFORMED = {
    "rubbish": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 20, 400),
    "no version": (request(b"GET http://mirror.example.org/"), 400),
    "another protocol": (request(b"GET http://mirror.example.org/ ICY/1.1", b"Host: " + HOST), 400),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    "HTTP/3.0": (request(b"GET http://mirror.example.org/ HTTP/3.0", b"Host: " + HOST), 505),
    "blanks around the target": (request(b"GET  http://mirror.example.org/ HTTP/1.1", b"Host: " + HOST), 400),
    "bare line feeds": (b"GET http://mirror.example.org/ HTTP/1.1\nHost: mirror.example.org\n\n", 400),
    "a zero byte in the target": (request(b"GET http://mirror.example.org/\x00 HTTP/1.1", b"Host: " + HOST), 400),
    "a zero byte in a field": (request(GET, b"Host: " + HOST, b"X: \x00"), 400),
    "a blank before the colon": (request(GET, b"Host : " + HOST), 400),
    "a folded field": (request(GET, b"Host: " + HOST, b"X: a", b" b"), 400),
    "a field without a name": (request(GET, b"Host: " + HOST, b": x"), 400),
    "two hosts": (request(GET, b"Host: " + HOST, b"Host: other.example.org"), 400),
    "a target without a host": (request(b"GET /debian/x.deb HTTP/1.1", b"Host: " + HOST), 400),
    "a target that is no URL": (request(b"GET debian/x.deb HTTP/1.1", b"Host: " + HOST), 400),
    "a scheme that is none of ours": (request(b"GET ftp://mirror.example.org/x.deb HTTP/1.1", b"Host: " + HOST), 400),
    "a port that is none": (request(b"GET http://mirror.example.org:http/x.deb HTTP/1.1", b"Host: " + HOST), 400),
    "a port beyond all ports": (request(b"GET http://mirror.example.org:99999/x.deb HTTP/1.1", b"Host: " + HOST), 400),
    "a host with an empty label": (request(b"GET http://mirror..example.org/x.deb HTTP/1.1", b"Host: " + HOST), 400),
    "a host with a label too long": (
        request(b"GET http://" + b"a" * 64 + b".org/x.deb HTTP/1.1", b"Host: " + HOST),
        400,
    ),
    "bytes that are no ASCII": (request("GET http://mirror.example.org/é HTTP/1.1".encode(), b"Host: " + HOST), 400),
    "no UTF-8 behind the percent": (request(b"GET http://mirror.example.org/%ff HTTP/1.1", b"Host: " + HOST), 400),
    "a control character behind the percent": (
        request(b"GET http://mirror.example.org/%0d%0aX:%20y HTTP/1.1", b"Host: " + HOST),
        400,
    ),
    "a field line of 100 KB": (request(GET, b"Host: " + HOST, b"X: " + b"a" * 100_000), 431),
    "a target of 100 KB": (request(b"GET http://mirror.example.org/" + b"a" * 100_000 + b" HTTP/1.1"), 414),
    "a method of 100 KB": (b"A" * 100_000, 400),
    "a thousand fields": (request(GET, b"Host: " + HOST, *(b"X-%d: y" % number for number in range(1000))), 431),
    "GET with a body": (request(GET, b"Host: " + HOST, b"Content-Length: 3", body=b"abc"), 501),
    "POST in another coding than chunks": (
        request(GET.replace(b"GET", b"POST"), b"Host: " + HOST, b"Transfer-Encoding: gzip, chunked", body=b"x"),
        501,
    ),
    "POST with two lengths": (
        request(
            GET.replace(b"GET", b"POST"), b"Host: " + HOST, b"Content-Length: 3", b"Content-Length: 3", body=b"abc"
        ),
        400,
    ),
    "TRACE": (request(GET.replace(b"GET", b"TRACE"), b"Host: " + HOST), 501),
    "OPTIONS *": (request(b"OPTIONS * HTTP/1.1", b"Host: " + HOST), 501),
    "CONNECT to nobody": (request(b"CONNECT 127.0.0.1:9 HTTP/1.1", b"Host: " + HOST), 502),
    "CONNECT to no port": (request(b"CONNECT mirror.example.org HTTP/1.1", b"Host: " + HOST), 400),
    "CONNECT to a URL": (request(b"CONNECT http://mirror.example.org/ HTTP/1.1", b"Host: " + HOST), 400),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_a_bad_request_gets_one_answer(serving: Serving, name: str) -> None:
    data, status = MALFORMED[name]

    answers = exchange(serving, data)

    assert statuses(answers) == [status], answers[:2000]
    assert b"Content-Length:" in answers, answers[:2000]


# --- smuggling: what two servers could read in two ways ends the connection, and nothing behind it is a request ------

SMUGGLING = {
    "both lengths": (b"Content-Length: 0", b"Transfer-Encoding: chunked"),
    "two lengths": (b"Content-Length: 0", b"Content-Length: 5"),
    "a list of lengths": (b"Content-Length: 0, 0",),
    "a length with a sign": (b"Content-Length: +0",),
    "a length in hex": (b"Content-Length: 0x10",),
    "a length that is absurd": (b"Content-Length: " + b"9" * 5000,),
    "a length below zero": (b"Content-Length: -1",),
    "an empty length": (b"Content-Length:",),
    "a length behind a tab": (b"Content-Length:\t7",),
    "chunks in disguise": (b"Transfer-Encoding: xchunked",),
    "chunks twice": (b"Transfer-Encoding: chunked, identity",),
    "chunks behind a vertical tab": (b"Transfer-Encoding:\x0bchunked",),
    "a name with a blank": (b"Transfer-Encoding : chunked",),
    "a bare carriage return": (b"X: y\rTransfer-Encoding: chunked",),
}


@pytest.mark.parametrize("name", SMUGGLING)
def test_nothing_is_smuggled(serving: Serving, repository: Repository, name: str) -> None:
    hidden = good(repository)
    data = request(GET, b"Host: " + HOST, *SMUGGLING[name], body=b"0\r\n\r\n") + hidden

    answers = exchange(serving, data)

    assert len(statuses(answers)) == 1, answers[:2000]
    assert statuses(answers)[0] in (400, 501), answers[:2000]


def test_requests_before_the_bad_one_are_answered(serving: Serving, repository: Repository) -> None:
    answers = exchange(serving, good(repository) + good(repository) + b"rubbish\r\n\r\n" + good(repository))

    assert statuses(answers) == [200, 200, 400]


# --- paths that lead out ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "../../etc/passwd",
        "debian/../../../etc/passwd",
        "debian/%2e%2e/%2E%2E/etc/passwd",
        "debian/dists/bookworm/../../../aptfreeze.lock",
        "debian/pool/main/..%2f..%2f..%2fetc/passwd",
        "..",
    ],
)
@pytest.mark.parametrize("agent", ["Debian APT-HTTP/1.3 (2.6.1)", "Wget/1.21"])
def test_a_path_never_leads_out(serving: Serving, repository: Repository, path: str, agent: str) -> None:
    answer = ask(serving.proxy, f"{repository.url}/{path}", user_agent=agent)

    assert (answer.status, "'..'" in answer.text) == (400, True)


def test_a_digest_that_is_none_names_no_file(serving: Serving, repository: Repository) -> None:
    url = f"{repository.url}/dists/bookworm/main/binary-amd64/by-hash/SHA256/"

    assert ask(serving.proxy, url + "..%2f..%2fRelease").status == 400
    assert ask(serving.proxy, url + "zz").status == 404
    assert ask(serving.proxy, url + "a" * 10_000).status == 404


# --- clients that do not behave --------------------------------------------------------------------------------------


def test_a_client_that_drips_holds_up_nobody(serving: Serving, repository: Repository) -> None:
    with connect(serving) as slow:
        for byte in good(repository)[:40]:
            slow.sendall(bytes([byte]))
            assert ask(serving.proxy, f"{repository.url}/dists/bookworm/InRelease").status == 200
        slow.sendall(good(repository)[40:])
        slow.shutdown(socket.SHUT_WR)

        assert statuses(read_all(slow)) == [200]


def test_a_client_that_reads_nothing_holds_up_nobody(serving: Serving, repository: Repository) -> None:
    with connect(serving) as deaf:
        deaf.setblocking(False)
        try:
            for _ in range(10_000):
                deaf.send(good(repository))
        except BlockingIOError:
            pass  # the server takes no more before its answers are taken: back pressure

        assert ask(serving.proxy, f"{repository.url}/dists/bookworm/InRelease").status == 200


def test_clients_that_vanish_leave_nothing_behind(serving: Serving, repository: Repository) -> None:
    def vanish(part: int) -> None:
        with connect(serving) as client:
            client.sendall(good(repository)[:part])

    threads = [threading.Thread(target=vanish, args=(part,)) for part in range(0, len(good(repository)), 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)


@pytest.mark.parametrize(
    "field",
    [
        "bytes=" + ",".join(f"{n}-{n}" for n in range(5000)),
        "bytes=" + "9" * 5000 + "-",
        "bytes=-" + "9" * 5000,
        "bytes=5-1",
        "lines=1-2",
        "bytes=",
        "bytes=-",
    ],
    ids=lambda field: field[:12],
)
def test_a_range_that_is_none_is_no_error_of_the_server(serving: Serving, repository: Repository, field: str) -> None:
    answer = ask(serving.proxy, f"{repository.url}/dists/bookworm/InRelease", headers={"Range": field})

    assert answer.status in (200, 206, 416)


@pytest.mark.parametrize("value", ["yesterday", "Thu, 99 Foo 9999 99:99:99 GMT", "0", "Sat, 01 Jan 0000 00:00:00 GMT"])
def test_a_date_that_is_none_is_no_condition(serving: Serving, repository: Repository, value: str) -> None:
    answer = ask(serving.proxy, f"{repository.url}/dists/bookworm/InRelease", headers={"If-Modified-Since": value})

    assert answer.status == 200


def test_a_real_client_is_served_after_all_that(serving: Serving, repository: Repository, make_apt: MakeApt) -> None:
    client = make_apt(proxy=serving.proxy)

    assert build(client, repository) == {"hello_1.0_amd64.deb": repository.binary("hello").sha256}
