# SPDX-License-Identifier: MIT
"""One head: what is read from a good one, and that every ambiguous one is refused with the right status."""

import contextlib

import httptools
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aptfreeze.http.request import HEAD_LIMIT, HEADER_LIMIT, TARGET_LIMIT, BadRequest, Headers, parse_head

APT = (
    b"GET http://mirror.example.org/debian/pool/main/libs/libstdc%2b%2b_1%7e2_amd64.deb HTTP/1.1\r\n"
    b"Host: mirror.example.org\r\n"
    b"User-Agent: Debian APT-HTTP/1.3 (2.6.1) non-interactive\r\n"
    b"Cache-Control: max-age=0\r\n"
    b"Accept: text/*\r\n"
    b"If-Modified-Since: Sat, 11 Jul 2026 10:16:37 GMT\r\n"
    b"\r\n"
)


def head(
    *lines: bytes, start: bytes = b"GET /debian/dists/bookworm/InRelease HTTP/1.1", host: bytes = b"h.example.org"
) -> bytes:
    return b"\r\n".join([start, b"Host: " + host, *lines, b"", b""])


def refusal(raw: bytes) -> BadRequest:
    with pytest.raises(BadRequest) as caught:
        parse_head(raw)
    return caught.value


def test_an_apt_request_keeps_its_target_as_it_was_sent() -> None:
    request = parse_head(APT)
    assert request.method == "GET"
    assert request.target == b"http://mirror.example.org/debian/pool/main/libs/libstdc%2b%2b_1%7e2_amd64.deb"
    assert request.version == "1.1"
    assert request.keep_alive
    assert request.headers.get("user-agent") == "Debian APT-HTTP/1.3 (2.6.1) non-interactive"
    assert request.headers.get("If-Modified-Since") == "Sat, 11 Jul 2026 10:16:37 GMT"
    assert request.headers.get("range") is None


def test_headers_keep_their_spelling_order_and_repetitions() -> None:
    headers = parse_head(head(b"ACCEPT:text/html", b"X-Odd: \tb\xe9 \t", b"accept: */*", b"Empty:")).headers
    assert list(headers) == [
        ("Host", "h.example.org"),
        ("ACCEPT", "text/html"),
        ("X-Odd", "b\xe9"),
        ("accept", "*/*"),
        ("Empty", ""),
    ]
    assert headers.getall("Accept") == ["text/html", "*/*"]
    assert headers.get("Accept") == "text/html, */*"
    assert headers.get("empty") == ""
    assert "EMPTY" in headers
    assert "range" not in headers
    assert len(headers) == 5


def test_headers_are_values() -> None:
    assert Headers([("A", "1")]) == Headers([("A", "1")])
    assert hash(Headers([("A", "1")])) == hash(Headers([("A", "1")]))
    assert Headers([("A", "1")]) != Headers([("A", "2")])
    assert Headers([("A", "1")]) != "A: 1"
    assert repr(Headers([("A", "1")])) == "Headers([('A', '1')])"


@pytest.mark.parametrize(
    ("version", "connection", "keep_alive"),
    [
        (b"1.1", b"", True),
        (b"1.1", b"Connection: close\r\n", False),
        (b"1.1", b"Connection: TE, Close\r\n", False),
        (b"1.1", b"Connection: TE\r\nConnection: close\r\n", False),
        (b"1.1", b"Connection: keep-alive\r\n", True),
        (b"1.0", b"", False),
        (b"1.0", b"Connection: Keep-Alive\r\n", True),
        (b"1.0", b"Connection: keep-alive, close\r\n", False),
    ],
)
def test_whether_the_connection_stays_open(version: bytes, connection: bytes, keep_alive: bool) -> None:
    request = parse_head(b"GET / HTTP/%b\r\nHost: h\r\n%b\r\n" % (version, connection))
    assert request.keep_alive is keep_alive
    assert request.version == version.decode()


@pytest.mark.parametrize(
    "start",
    [
        b"GET / HTTP/1.1",
        b"HEAD //double/slash HTTP/1.1",
        b"GET /a?b=c&d HTTP/1.0",
        b"GET http://[2001:db8::1]:8080/x HTTP/1.1",
        b"GET https://h/x HTTP/1.1",
        b"GET http://env@h/x HTTP/1.1",
        b"CONNECT h.example.org:443 HTTP/1.1",
        b"CONNECT [2001:db8::1]:443 HTTP/1.1",
        b"OPTIONS * HTTP/1.1",
        b"PROPFIND / HTTP/1.1",
    ],
)
def test_each_form_of_a_target_is_taken(start: bytes) -> None:
    assert parse_head(head(start=start)).target == start.split(b" ")[1]


@pytest.mark.parametrize(
    "start",
    [
        b"GET  / HTTP/1.1",
        b"GET / HTTP/1.1 ",
        b"GET /a b HTTP/1.1",
        b" GET / HTTP/1.1",
        b"GET\t/ HTTP/1.1",
        b"GET /",
        b"GET / http/1.1",
        b"GET /a\x00b HTTP/1.1",
        b"GET /a\x7fb HTTP/1.1",
        b"GET /a\xc3\xa9 HTTP/1.1",
        b"GET /a#b HTTP/1.1",
        b"GET a/b HTTP/1.1",
        b"GET * HTTP/1.1",
        b"GET http:///x HTTP/1.1",
        b"CONNECT h.example.org HTTP/1.1",
        b"CONNECT /x HTTP/1.1",
        b"CONNECT u@h:443 HTTP/1.1",
        b"G@T / HTTP/1.1",
        b"X" * 33 + b" / HTTP/1.1",
        b"PRI * HTTP/2.0",
        b"\x16\x03\x01\x02\x00",
        b"",
    ],
)
def test_a_request_line_of_another_form_is_400(start: bytes) -> None:
    assert refusal(head(start=start)).status == 400


@pytest.mark.parametrize("version", [b"2.0", b"1.2", b"0.9"])
def test_another_version_is_505(version: bytes) -> None:
    assert refusal(head(start=b"GET / HTTP/" + version)).status == 505


@pytest.mark.parametrize(
    "line",
    [
        b"A : b",
        b" A: b",
        b"\tfolded",
        b"A b",
        b": b",
        b"A\xc4: b",
        b"A: b\x00c",
        b"A: b\rc",
        b"A: b\nC: d",
        b"A: b\n",
        b"A: b\x7f",
        b"A(b): c",
    ],
)
def test_a_malformed_header_is_400(line: bytes) -> None:
    assert refusal(head(line)).status == 400


def test_the_reason_says_which_header_and_why() -> None:
    assert refusal(head(b"X: 1", b" 2")).reason == "a folded header: b' 2'"
    assert refusal(head(b"X : 1")).reason == "a malformed header: b'X : 1'"


def test_lines_that_end_without_cr_are_400() -> None:
    assert refusal(head().replace(b"\r\n", b"\n")).status == 400
    assert refusal(head(b"A: b").replace(b"b\r\n", b"b\n")).status == 400


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        ([b"Content-Length: 3"], 501),
        ([b"Transfer-Encoding: chunked"], 501),
        ([b"Transfer-Encoding: xchunked"], 501),
        ([b"transfer-encoding:"], 501),
        ([b"Content-Length: 3", b"Transfer-Encoding: chunked"], 400),
        ([b"Transfer-Encoding: chunked", b"Content-Length: 0"], 400),
        ([b"Content-Length: 0", b"Content-Length: 3"], 400),
        ([b"Content-Length: 0", b"Content-Length: 0"], 400),
        ([b"Content-Length: 0, 0"], 400),
        ([b"Content-Length: +0"], 400),
        ([b"Content-Length: -1"], 400),
        ([b"Content-Length: 00"], 400),
        ([b"Content-Length: 0x0"], 400),
        ([b"Content-Length: \xb2"], 400),
        ([b"Content-Length:"], 400),
    ],
)
def test_a_body_in_any_disguise_is_refused(lines: list[bytes], status: int) -> None:
    assert refusal(head(*lines)).status == status


@pytest.mark.parametrize("line", [b"Content-Length: 3", b"Content-Length: 0", b"Transfer-Encoding: chunked", b"X: y"])
def test_a_request_that_may_have_a_body_is_the_last_of_its_connection(line: bytes) -> None:
    for method in (b"POST", b"PUT", b"PROPFIND"):
        assert not parse_head(head(line).replace(b"GET", method, 1)).keep_alive


def test_an_empty_body_is_none() -> None:
    assert parse_head(head(b"Content-Length: 0")).headers.get("content-length") == "0"


def test_host_is_required_once_and_valid() -> None:
    assert refusal(b"GET / HTTP/1.1\r\n\r\n").status == 400
    assert refusal(head(b"host: other.example.org")).status == 400
    assert refusal(head(b"Host: h.example.org")).status == 400
    for host in (b"a b", b"a/b", b"user@h", b"a\\b", b"h:8x", b"[::1"):
        assert refusal(head(host=host)).status == 400
    for host in (b"", b"h", b"h:", b"h:80", b"[::1]:80", b"192.0.2.1"):
        assert parse_head(head(host=host)).headers.get("host") == host.decode()


def test_no_host_is_needed_where_none_was_ever_required_or_the_target_has_one() -> None:
    assert parse_head(b"GET / HTTP/1.0\r\n\r\n").version == "1.0"
    assert parse_head(b"GET http://h/ HTTP/1.1\r\n\r\n").target == b"http://h/"
    assert parse_head(b"CONNECT h:443 HTTP/1.1\r\n\r\n").method == "CONNECT"


def test_the_same_fields_are_judged_by_each_request_anew() -> None:
    assert parse_head(b"GET / HTTP/1.0\r\nAccept: */*\r\n\r\n").keep_alive is False
    assert parse_head(b"GET http://h/ HTTP/1.1\r\nAccept: */*\r\n\r\n").keep_alive is True
    for _ in range(2):
        assert refusal(b"GET / HTTP/1.1\r\nAccept: */*\r\n\r\n").reason == "no Host header"
        assert refusal(head(b"Content-Length: 3")).status == 501


def test_the_limits_are_those_that_are_documented() -> None:
    target = b"/" + b"a" * (TARGET_LIMIT - 1)
    assert parse_head(head(start=b"GET %b HTTP/1.1" % target)).target == target
    assert refusal(head(start=b"GET %ba HTTP/1.1" % target)).status == 414

    line = b"X: " + b"y" * (HEAD_LIMIT - len(head()) - len(b"X: \r\n"))
    assert len(head(line)) == HEAD_LIMIT
    assert parse_head(head(line))
    assert refusal(head(line + b"y")).status == 431

    lines = [b"X: y"] * (HEADER_LIMIT - 1)
    assert len(parse_head(head(*lines)).headers) == HEADER_LIMIT
    assert refusal(head(*lines, b"X: y")).status == 431


class Oracle:
    """What httptools reads from the same bytes."""

    def __init__(self) -> None:
        self.target = b""
        self.fields: list[tuple[str, str]] = []
        self.is_complete = False

    def on_url(self, part: bytes) -> None:
        self.target += part

    def on_header(self, name: bytes, value: bytes) -> None:
        self.fields.append((name.decode("latin-1"), value.decode("latin-1").strip(" \t")))

    def on_message_complete(self) -> None:
        self.is_complete = True


def read_by_httptools(raw: bytes) -> Oracle | None:
    """None for a method, or the scheme of a target, that it does not know."""
    oracle = Oracle()
    try:
        with contextlib.suppress(httptools.HttpParserUpgrade):
            httptools.HttpRequestParser(oracle).feed_data(raw)
    except (httptools.HttpParserInvalidMethodError, httptools.HttpParserInvalidURLError):
        return None
    return oracle


PIECES = [b"GET", b"HEAD", b" ", b"/", b"http://h/", b"/a%2bb", b" HTTP/1.1", b" HTTP/1.0", b"\r\n", b"\n", b"\r", b":"]
PIECES += [
    b"Host: h",
    b"Content-Length: 0",
    b"Content-Length",
    b"Transfer-Encoding: chunked",
    b"\t",
    b"\0",
    b"\xff",
    b"X: y",
]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=8), st.integers(0, len(APT)))
def test_what_is_accepted_means_the_same_to_another_parser(pieces: list[bytes], position: int) -> None:
    """Neither more nor fewer requests, the same target, the same headers: nothing to smuggle with."""
    raw = APT[:position] + b"".join(pieces) + APT[position:]
    raw = raw[: raw.find(b"\r\n\r\n") + 4]
    try:
        request = parse_head(raw)
    except BadRequest:
        return
    oracle = read_by_httptools(raw)
    if oracle is not None:
        assert oracle.is_complete
        assert oracle.target == request.target
        assert oracle.fields == list(request.headers)
