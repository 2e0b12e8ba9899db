# SPDX-License-Identifier: MIT
"""When a connection stays open, and what the client is told about it."""

import pytest

from aptfreeze.http.message import RequestParser
from aptfreeze.serve.exchange import Exchange
from aptfreeze.serve.reply import Inline, Reply

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


def _exchange(line: bytes, field: bytes, reply: Reply) -> Exchange:
    (request,) = RequestParser().feed(line + b"\r\nHost: a:1\r\n" + field + b"\r\n")
    return Exchange(request, reply)


@pytest.mark.parametrize(
    ("line", "field", "closes", "stays", "option"),
    [
        (b"GET / HTTP/1.1", b"", False, True, b""),
        (b"GET / HTTP/1.1", b"", True, False, b"Connection: close\r\n"),
        (b"GET / HTTP/1.1", b"Connection: close\r\n", False, False, b"Connection: close\r\n"),
        (b"GET / HTTP/1.0", b"", False, False, b"Connection: close\r\n"),
        (b"GET / HTTP/1.0", b"Connection: keep-alive\r\n", False, True, b"Connection: keep-alive\r\n"),
        (b"GET / HTTP/1.0", b"Connection: keep-alive\r\n", True, False, b"Connection: close\r\n"),
        (b"CONNECT a:1 HTTP/1.1", b"", False, False, b"Connection: close\r\n"),
    ],
)
def test_the_connection_field_says_what_happens(
    line: bytes, field: bytes, closes: bool, stays: bool, option: bytes
) -> None:
    reply = Reply(HEAD, Inline(), closes)
    exchange = _exchange(line, field, reply)
    assert exchange.keeps_alive(reply) is stays
    assert exchange.head(reply, stays) == HEAD[:-2] + option + b"\r\n"


def test_the_answer_to_no_request_is_the_last() -> None:
    reply = Reply(HEAD, Inline())
    assert not Exchange(None, reply).keeps_alive(reply)


def test_a_connect_that_leads_further_closes_nothing() -> None:
    reply = Reply(HEAD, Inline(), upgrade=lambda *_: pytest.fail("not yet"))
    assert _exchange(b"CONNECT a:1 HTTP/1.1", b"", reply).head(reply, False) == HEAD


def test_a_head_that_comes_through_a_pipe_is_left_alone() -> None:
    reply = Reply(b"", Inline(b"head and body"), close=True)
    assert _exchange(b"GET / HTTP/1.1", b"", reply).head(reply, False) == b""
