# SPDX-License-Identifier: MIT
"""Replies made of errors: what apt and wget will show."""

from aptfreeze.errors import MidSyncError, OfflineError, RefusedError, UsageError
from aptfreeze.serve.answers import error_reply, text_reply
from aptfreeze.serve.reply import Inline, Reply


def body_of(reply: Reply) -> bytes:
    assert isinstance(reply.body, Inline)
    return reply.body.data


def test_the_message_is_the_reason_phrase_and_the_hint_is_in_the_body() -> None:
    reply = error_reply(RefusedError("h/d sid is not in the lock file", hint="run once without --locked"))
    assert reply.head.startswith(b"HTTP/1.1 403 h/d sid is not in the lock file\r\n")
    assert body_of(reply) == b"aptfreeze: h/d sid is not in the lock file\nHint: run once without --locked\n"
    assert f"Content-Length: {len(body_of(reply))}\r\n".encode() in reply.head


def test_a_message_of_several_lines_makes_no_second_header() -> None:
    assert error_reply(UsageError("a\r\nX: y")).head.count(b"\r\n") == error_reply(UsageError("a")).head.count(b"\r\n")


def test_come_again_has_a_body_and_a_time_else_apt_would_not_come_again() -> None:
    reply = error_reply(MidSyncError("in the middle of an update"))
    assert reply.head.startswith(b"HTTP/1.1 503 ")
    assert b"\r\nRetry-After: 5\r\n" in reply.head
    assert body_of(reply)


def test_offline_is_neither_a_404_nor_a_reason_to_ask_again() -> None:
    assert error_reply(OfflineError("missing")).head.startswith(b"HTTP/1.1 403 ")


def test_head_gets_the_head_alone() -> None:
    whole, head = text_reply(404, "no", "no"), text_reply(404, "no", "no", head_only=True)
    assert whole.head == head.head
    assert body_of(head) == b""
