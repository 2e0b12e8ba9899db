# SPDX-License-Identifier: MIT
"""Each fault does what it says, and without faults the tests' mirror is a good HTTP server."""

import http.client
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from support.faults import (
    Chunked,
    CloseAfter,
    Delay,
    Ending,
    Fault,
    Flip,
    FromFolder,
    Headers,
    NoRange,
    Redirect,
    Stall,
    Status,
    Truncate,
    WrongLength,
)
from support.origin import Origin

BODY = bytes(range(256)) * 40


@pytest.fixture
def served(origin: Origin) -> Origin:
    """The mirror with two files."""
    (origin.root / "pool").mkdir(parents=True)
    (origin.root / "pool/a+b_1~c.deb").write_bytes(BODY)
    (origin.root / "second").write_bytes(b"second")
    return origin


@pytest.fixture
def client(served: Origin) -> Iterator[http.client.HTTPConnection]:
    with closing(http.client.HTTPConnection("127.0.0.1", served.port, timeout=10)) as connection:
        yield connection


def _get(client: http.client.HTTPConnection, target: str = "/pool/a+b_1~c.deb", **headers: str) -> tuple[int, bytes]:
    client.request("GET", target, headers={name.replace("_", "-"): value for name, value in headers.items()})
    response = client.getresponse()
    return response.status, response.read()


def _raw(origin: Origin, *targets: str) -> bytes:
    """Everything that the mirror says to pipelined requests until it closes, without waiting for answers."""
    with socket.create_connection(("127.0.0.1", origin.port), timeout=10) as connection:
        connection.sendall(b"".join(f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode() for target in targets))
        return b"".join(iter(lambda: connection.recv(65536), b""))


def test_get_and_its_log(served: Origin, client: http.client.HTTPConnection) -> None:
    assert _get(client, "/pool/a%2bb_1%7ec.deb", User_Agent="Debian APT") == (200, BODY)
    assert _get(client, "/no-such-file")[0] == 404
    assert _get(client, "/pool/../second")[0] == 404

    first, second, _ = served.requests
    assert (first.method, first.path, first.status) == ("GET", "/pool/a+b_1~c.deb", 200)
    assert (first.target, first.user_agent) == ("/pool/a%2bb_1%7ec.deb", "Debian APT")
    assert first.connection == second.connection
    assert served.count("*.deb") == 1


def test_absolute_targets_are_understood(served: Origin, client: http.client.HTTPConnection) -> None:
    assert _get(client, f"{served.url}/second") == (200, b"second")


def test_head(served: Origin, client: http.client.HTTPConnection) -> None:
    client.request("HEAD", "/pool/a+b_1~c.deb")
    response = client.getresponse()

    assert (response.status, response.headers["Content-Length"], response.read()) == (200, str(len(BODY)), b"")
    assert served.count(method="HEAD") == 1


def test_conditions(client: http.client.HTTPConnection) -> None:
    client.request("GET", "/second")
    response = client.getresponse()
    response.read()
    date, etag = response.headers["Last-Modified"], response.headers["ETag"]

    assert _get(client, "/second", If_Modified_Since=date) == (304, b"")
    assert _get(client, "/second", If_None_Match=etag) == (304, b"")
    assert _get(client, "/second", If_Modified_Since="Thu, 01 Jan 1970 00:00:00 GMT") == (200, b"second")


def test_ranges(client: http.client.HTTPConnection) -> None:
    assert _get(client, Range="bytes=10-19") == (206, BODY[10:20])
    assert _get(client, Range="bytes=10000-") == (206, BODY[10000:])
    assert _get(client, Range="bytes=-5") == (206, BODY[-5:])
    assert _get(client, Range="bytes=99999-") == (416, b"")
    assert _get(client, Range="bytes=0-0,5-9") == (200, BODY)
    assert _get(client, Range="bytes=10-19", If_Range="Thu, 01 Jan 1970 00:00:00 GMT") == (200, BODY)


def test_pipelined_requests_are_answered_in_order(served: Origin) -> None:
    served.inject("/second", CloseAfter())

    answers = _raw(served, "/pool/a+b_1~c.deb", "/second")

    assert answers.count(b"HTTP/1.1 200 OK") == 2
    assert answers.endswith(b"second")


def test_a_close_in_mid_pipeline(served: Origin) -> None:
    served.inject("/second", CloseAfter())

    answers = _raw(served, "/second", "/pool/a+b_1~c.deb", "/second")

    assert answers.count(b"HTTP/1.1") == 1
    assert answers.endswith(b"second")
    assert served.asked() == ["/second"]


def test_faults_happen_as_often_as_asked(served: Origin, client: http.client.HTTPConnection) -> None:
    served.inject("*.deb", Flip(3), times=1)

    assert _get(client)[1] == BODY[:3] + b"\x02" + BODY[4:]
    assert _get(client)[1] == BODY

    served.inject("*.deb", Flip(-1))
    served.heal()
    assert _get(client)[1] == BODY


def test_the_first_answers_are_spared(served: Origin, client: http.client.HTTPConnection) -> None:
    served.inject("*.deb", Flip(3), times=1, spared=2)

    bodies = [_get(client)[1] for _ in range(4)]

    assert [body == BODY for body in bodies] == [True, True, False, True]


@pytest.mark.parametrize("fault", [Truncate(100), WrongLength(+1)], ids=repr)
def test_bodies_that_end_too_early(served: Origin, client: http.client.HTTPConnection, fault: Fault) -> None:
    served.inject("*", fault)

    with pytest.raises(http.client.IncompleteRead):
        _get(client)


def test_a_body_that_ends_in_a_reset(served: Origin, client: http.client.HTTPConnection) -> None:
    served.inject("*", Truncate(100, Ending.RESET))

    with pytest.raises(ConnectionResetError):
        _get(client)


def test_a_body_longer_than_promised(served: Origin, client: http.client.HTTPConnection) -> None:
    served.inject("*", WrongLength(-1))

    assert _get(client) == (200, BODY[:-1])


def test_a_status_with_and_without_a_body(served: Origin, client: http.client.HTTPConnection) -> None:
    served.inject("*.deb", Status(503, headers={"Retry-After": "7"}))
    served.inject("/second", Status(503, body=b""))

    client.request("GET", "/pool/a+b_1~c.deb")
    response = client.getresponse()

    assert (response.status, response.headers["Retry-After"], response.read()) == (503, "7", b"said the mirror\n")
    assert _get(client, "/second") == (503, b"")
    assert [seen.status for seen in served.requests] == [503, 503]


def test_a_stall_before_the_head_and_in_the_body(served: Origin, client: http.client.HTTPConnection) -> None:
    for stall in (Stall(), Stall(100)):
        served.inject("*.deb", stall, times=1)
        client.request("GET", "/pool/a+b_1~c.deb")
        assert stall.reached.wait(10)
        stall.release()
        assert client.getresponse().read() == BODY


def test_a_stalled_answer_does_not_hinder_the_end(served: Origin, client: http.client.HTTPConnection) -> None:
    stall = Stall(100)
    served.inject("*.deb", stall)
    client.request("GET", "/pool/a+b_1~c.deb")
    assert stall.reached.wait(10)

    served.stop()

    with pytest.raises(http.client.IncompleteRead):
        client.getresponse().read()


def test_a_late_answer(served: Origin, client: http.client.HTTPConnection) -> None:
    served.inject("*.deb", Delay(0.2))
    client.timeout = 0.05

    with pytest.raises(TimeoutError):
        _get(client)


def test_a_redirect(served: Origin, client: http.client.HTTPConnection) -> None:
    served.inject("*.deb", Redirect("http://elsewhere.example.org/cdn"))

    client.request("GET", "/pool/a%2bb_1~c.deb")
    response = client.getresponse()
    response.read()

    assert response.status == 302
    assert response.headers["Location"] == "http://elsewhere.example.org/cdn/pool/a%2bb_1~c.deb"


def test_chunks_complete_and_cut(served: Origin, client: http.client.HTTPConnection) -> None:
    served.inject("*.deb", Chunked())
    client.request("GET", "/pool/a+b_1~c.deb")
    response = client.getresponse()
    assert (response.headers["Content-Length"], response.read()) == (None, BODY)

    served.inject("*.deb", Truncate(100))
    with pytest.raises(http.client.IncompleteRead):
        _get(client)


def test_no_ranges_and_other_fields(served: Origin, client: http.client.HTTPConnection) -> None:
    served.inject("*.deb", NoRange(), Headers({"Via": "1.1 varnish"}))

    client.request("GET", "/pool/a+b_1~c.deb", headers={"Range": "bytes=5-"})
    response = client.getresponse()

    assert (response.status, response.read()) == (200, BODY)
    assert (response.headers["Accept-Ranges"], response.headers["Via"]) == (None, "1.1 varnish")


def test_a_mirror_in_mid_sync(served: Origin, client: http.client.HTTPConnection, tmp_path: Path) -> None:
    (tmp_path / "old/pool").mkdir(parents=True)
    (tmp_path / "old/pool/a+b_1~c.deb").write_bytes(b"old")

    served.inject("*.deb", FromFolder(tmp_path / "old"))

    assert _get(client) == (200, b"old")
    assert _get(client, "/second") == (200, b"second")


def test_a_stopped_mirror_refuses_and_comes_back_on_its_port(served: Origin) -> None:
    port = served.port
    served.stop()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=10)

    served.start()

    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as client:
        assert _get(client, "/second") == (200, b"second")


def test_waiting_for_a_request_that_never_comes_fails(served: Origin) -> None:
    with pytest.raises(AssertionError, match="never was not asked"):
        served.wait_for("*/never", timeout_s=0.01)
