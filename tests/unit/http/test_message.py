# SPDX-License-Identifier: MIT
"""A connection's bytes to requests, however they are cut; and heads of answers that apt can read."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aptfreeze.http.message import BadRequest, Request, RequestParser, response_head
from aptfreeze.http.request import HEAD_LIMIT, TARGET_LIMIT


def get(path: str, *lines: str) -> bytes:
    return "\r\n".join([f"GET {path} HTTP/1.1", "Host: h.example.org", *lines, "", ""]).encode()


def targets(requests: list[Request]) -> list[bytes]:
    return [request.target for request in requests]


def refused(parser: RequestParser, data: bytes) -> BadRequest:
    with pytest.raises(BadRequest) as caught:
        parser.feed(data)
    return caught.value


def test_pipelined_requests_come_out_in_order() -> None:
    parser = RequestParser()
    assert targets(parser.feed(get("/1") + get("/2") + get("/3")[:-5])) == [b"/1", b"/2"]
    assert parser.pending
    assert targets(parser.feed(get("/3")[-5:] + get("/4"))) == [b"/3", b"/4"]
    assert not parser.pending


def test_a_head_may_arrive_byte_by_byte() -> None:
    parser = RequestParser()
    raw = get("/1", "X: y")
    for byte in raw[:-1]:
        assert parser.feed(bytes([byte])) == []
        assert parser.pending
    assert targets(parser.feed(raw[-1:])) == [b"/1"]
    assert not parser.pending


def test_nothing_is_pending_before_the_first_byte() -> None:
    parser = RequestParser()
    assert parser.feed(b"") == []
    assert not parser.pending


def test_empty_lines_before_a_request_are_ignored() -> None:
    parser = RequestParser()
    assert targets(parser.feed(b"\r\n" + get("/1") + b"\r\n\r\n" + get("/2"))) == [b"/1", b"/2"]
    assert parser.feed(b"\r") == []
    assert parser.feed(b"\n" + get("/3")[:5]) == []
    assert targets(parser.feed(get("/3")[5:])) == [b"/3"]
    assert parser.feed(b"\r\n\r\n\r\n") == []
    assert not parser.pending


def test_requests_before_a_bad_one_are_not_lost() -> None:
    bad = refused(RequestParser(), get("/1") + get("/2") + b"GARBAGE\r\n\r\n")
    assert bad.status == 400
    assert targets(bad.before) == [b"/1", b"/2"]
    assert str(bad) == f"400 {bad.reason}"


def test_nothing_is_parsed_after_a_bad_request() -> None:
    parser = RequestParser()
    refused(parser, b"GARBAGE\r\n\r\n")
    assert parser.feed(get("/1")) == []
    assert not parser.pending


@pytest.mark.parametrize("last", [get("/1", "Connection: close"), b"GET /1 HTTP/1.0\r\n\r\n"])
def test_what_follows_the_last_request_is_dropped(last: bytes) -> None:
    parser = RequestParser()
    assert targets(parser.feed(last + get("/2"))) == [b"/1"]
    assert parser.feed(get("/3")) == []
    assert not parser.pending


def test_after_connect_the_bytes_belong_to_the_tunnel() -> None:
    parser = RequestParser()
    connect = b"CONNECT h.example.org:443 HTTP/1.1\r\nHost: h.example.org:443\r\n\r\n"
    (request,) = parser.feed(connect + b"\x16\x03\x01")
    assert (request.method, request.target) == ("CONNECT", b"h.example.org:443")
    assert parser.leftover == b"\x16\x03\x01"
    assert parser.feed(b"\r\n\r\n") == []
    assert parser.leftover == b"\x16\x03\x01\r\n\r\n"
    assert not parser.pending


def test_what_comes_with_the_head_of_a_post_is_the_start_of_its_body() -> None:
    parser = RequestParser()
    first, last = parser.feed(
        get("/1") + get("/2", "Content-Length: 9").replace(b"GET", b"POST", 1) + b"body" + get("/3")
    )
    assert (first.target, last.target, last.early) == (b"/1", b"/2", b"body" + get("/3"))
    assert parser.leftover == b""
    assert parser.feed(b"more") == []


def test_without_connect_there_is_no_tunnel() -> None:
    parser = RequestParser()
    parser.feed(get("/1"))
    assert parser.leftover == b""


@pytest.mark.parametrize(
    ("start", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01", 400),  # a TLS ClientHello
        (b"SSH-2.0-OpenSSH_9.2\r\n", 400),
        (b"GET /\r\n", 400),  # HTTP/0.9
        (b"GET / HTTP/1.1\nHost: h", 400),
        (b"PRI * HTTP/2.0\r\n", 400),
        (b"GET / HTTP/3.0\r\n", 505),
        (b"X" * 33, 400),
        (b"GET /" + b"a" * (TARGET_LIMIT + 64), 414),
        (b"GET /%b HTTP/1.1\r\n" % (b"a" * TARGET_LIMIT), 414),
        (get("/")[:-2] + b"X: " + b"y" * HEAD_LIMIT, 431),
    ],
)
def test_what_cannot_become_a_request_is_refused_before_it_ends(start: bytes, status: int) -> None:
    assert refused(RequestParser(), start).status == status


def test_a_slow_head_over_the_limit_is_refused() -> None:
    parser = RequestParser()
    parser.feed(get("/")[:-2] + b"X: ")
    for _ in range(HEAD_LIMIT // 4096 - 1):
        parser.feed(b"y" * 4096)
    assert refused(parser, b"y" * 4096).status == 431


SAMPLES = [
    get("/1"),
    get("http://h.example.org/2", "Range: bytes=5-"),
    b"\r\n",
    get("/3", "X : y"),
    b"GET / HTTP/1.0\r\n\r\n",
]
SAMPLES += [
    get("/4", "Connection: close"),
    b"CONNECT h:443 HTTP/1.1\r\n\r\n",
    b"\x16\x03",
    get("/5", "Content-Length: 3") + b"abc",
]
SAMPLES += [b"GET /6 HTTP/2.0\r\n\r\n", b"\r", b"GET"]


def outcome(chunks: list[bytes]) -> tuple[list[Request], int | None, bytes]:
    """All requests, the status of the refusal, the tunnel's bytes."""
    parser = RequestParser()
    requests: list[Request] = []
    for chunk in chunks:
        try:
            requests += parser.feed(chunk)
        except BadRequest as bad:
            return requests + bad.before, bad.status, parser.leftover
    return requests, None, parser.leftover


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(SAMPLES), max_size=5), st.lists(st.integers(0, 400), max_size=6))
def test_how_the_bytes_are_cut_changes_nothing(samples: list[bytes], cuts: list[int]) -> None:
    raw = b"".join(samples)
    ends = [*sorted(cuts), len(raw)]
    chunks = [raw[start:end] for start, end in zip([0, *ends], ends, strict=False)]
    assert outcome(chunks) == outcome([raw])
    assert outcome([raw[i : i + 1] for i in range(len(raw))]) == outcome([raw])


def test_a_response_head() -> None:
    head = response_head(404, "not listed by bookworm", [("Content-Length", "0"), ("X-Empty", "")])
    assert head == b"HTTP/1.1 404 not listed by bookworm\r\nContent-Length: 0\r\nX-Empty: \r\n\r\n"


def test_an_empty_reason_becomes_the_usual_phrase() -> None:
    assert response_head(206, "", []) == b"HTTP/1.1 206 Partial Content\r\n\r\n"
    assert response_head(299, " \n", []) == b"HTTP/1.1 299 Unknown\r\n\r\n"


def test_a_reason_of_any_text_stays_one_line_that_apt_can_show() -> None:
    line, _, rest = response_head(502, "evil\r\nX: y\x00\x85" + "Ł" * 500 + "é", []).partition(b"\r\n")
    assert rest == b"\r\n"
    assert line.startswith(b"HTTP/1.1 502 evil X: y ??")
    assert len(line) == len("HTTP/1.1 502 ") + 359


@pytest.mark.parametrize("header", [("A", "b\r\nC: d"), ("A\n", "b"), ("A", "b\0"), ("", "b"), ("A:", "b")])
def test_a_header_that_would_become_two_is_an_error(header: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match="not a header"):
        response_head(200, "OK", [header])
