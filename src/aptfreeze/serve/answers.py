# SPDX-License-Identifier: MIT
"""Replies made of errors and of short texts.

apt shows the reason phrase of a status line and not the body, wget the body at most: the message stands in both.
"""

from aptfreeze.errors import AptfreezeError, MidSyncError, UsageError
from aptfreeze.http.message import response_head
from aptfreeze.serve.reply import Inline, Reply

_TEXT = "text/plain; charset=utf-8"


class MistakenRequest(UsageError):
    """A client's mistake: not what the environment's owner should do something about."""


def text_reply(
    status: int,
    reason: str,
    text: str,
    *,
    head_only: bool = False,
    headers: tuple[tuple[str, str], ...] = (),
    close: bool = False,
) -> Reply:
    """A short plain text; the answer to HEAD has its head only."""
    body = f"aptfreeze: {text}\n".encode()
    head = response_head(status, reason, [("Content-Type", _TEXT), ("Content-Length", str(len(body))), *headers])
    return Reply(head, Inline(b"" if head_only else body), close)


def error_reply(error: AptfreezeError, *, head_only: bool = False) -> Reply:
    """The reply that a request gets whose answer is an error."""
    headers: tuple[tuple[str, str], ...] = ()
    if isinstance(error, MidSyncError):
        # apt asks again after 408, 429 and 5xx only if they have a body; it honours Retry-After since 2.3.
        headers = (("Retry-After", str(error.retry_after_s)),)
    return text_reply(error.status, error.message, str(error), head_only=head_only, headers=headers)
