# SPDX-License-Identifier: MIT
"""HTTP/1.1 on one connection: bytes to requests, and answers to the bytes of their heads.

Rule 1: a request that another one may follow has no body, so that the byte after one head always starts the next.
Rule 2: how the bytes were cut into pieces on their way never changes what is read from them.
Rule 3: a client that speaks something else than HTTP is refused with its first line, not after a timeout.
Rule 4: after CONNECT the rest belongs to the tunnel; after a request that may have a body, to that; after the last
request of a connection the rest is dropped.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from aptfreeze.http.request import HEAD_LIMIT, BadRequest, Headers, Request, line_fault, parse_head

__all__ = ["REASONS", "BadRequest", "Headers", "Request", "RequestParser", "response_head"]

REASONS: Mapping[int, str] = {
    200: "OK",
    206: "Partial Content",
    301: "Moved Permanently",
    302: "Found",
    303: "See Other",
    304: "Not Modified",
    307: "Temporary Redirect",
    308: "Permanent Redirect",
    400: "Bad Request",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    408: "Request Timeout",
    412: "Precondition Failed",
    414: "URI Too Long",
    416: "Range Not Satisfiable",
    421: "Misdirected Request",
    429: "Too Many Requests",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
    501: "Not Implemented",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
    505: "HTTP Version Not Supported",
}
"""Reason phrases of the statuses that we send."""


REASON_LIMIT = 359
"""apt shows no more of a reason phrase (its buffer for the status line has 360 bytes)."""

_FIELD_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_FIELD_VALUE = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]*")


class RequestParser:
    """Cuts the bytes of one connection into requests."""

    __slots__ = ("_buffer", "_client", "_is_line_checked", "_is_over", "_tunnel")

    def __init__(self, client: str = "") -> None:
        """`client` is the address that the bytes come from."""
        self._client = client
        self._buffer = bytearray()  # an incomplete head
        self._is_line_checked = False
        self._is_over = False
        self._tunnel: bytearray | None = None

    @property
    def pending(self) -> bool:
        """Whether a head is half received."""
        return bool(self._buffer)

    @property
    def leftover(self) -> bytes:
        """What came after the head of a CONNECT request."""
        return bytes(self._tunnel or b"")

    def feed(self, data: bytes) -> list[Request]:
        """The requests that these bytes complete; those after one that ends the connection are dropped.

        Raises BadRequest; after that, nothing more is parsed.
        """
        requests: list[Request] = []
        if self._tunnel is not None:
            self._tunnel += data
        elif not self._is_over:
            try:
                self._parse(data, requests)
            except BadRequest as bad:
                self._is_over = True
                self._buffer.clear()
                bad.before = requests
                raise
        return requests

    def _parse(self, data: bytes, requests: list[Request]) -> None:
        data = self._join(data)
        start = 0
        while not self._is_over and start < len(data):
            if data.startswith(b"\r\n", start):  # RFC 9112 2.2: ignore empty lines before the request line
                start += 2
                continue
            end = data.find(b"\r\n\r\n", start) + 4
            if end < 4:
                self._buffer += data[start:]
                self._check_unfinished()
                return
            self._take(parse_head(data[start:end], self._client), data, end, requests)
            start = end

    def _join(self, data: bytes) -> bytes:
        """All bytes from the start of the unfinished head; none while it stays so, to copy it only once."""
        if not self._buffer:
            return data
        searched = max(0, len(self._buffer) - 3)
        self._buffer += data
        is_empty_line = self._buffer.startswith(b"\r")  # that came in two pieces
        if self._buffer.find(b"\r\n\r\n", searched) < 0 and not is_empty_line:
            self._check_unfinished()
            return b""
        data = bytes(self._buffer)
        self._buffer.clear()
        self._is_line_checked = False
        return data

    def _take(self, request: Request, data: bytes, end: int, requests: list[Request]) -> None:
        requests.append(request)
        self._is_over = not request.keep_alive
        if request.method == "CONNECT":
            self._is_over, self._tunnel = True, bytearray(data[end:])
        elif request.method not in ("GET", "HEAD"):
            requests[-1] = replace(request, early=data[end:])

    def _check_unfinished(self) -> None:
        """Refuse early what can never become a request: another protocol, lines without CR, a head over the limit."""
        if self._buffer != b"\r" and not self._is_line_checked:  # it may become an empty line
            if fault := line_fault(self._buffer):
                raise fault
            self._is_line_checked = b"\n" in self._buffer
        if len(self._buffer) > HEAD_LIMIT:
            raise BadRequest(431, f"the head is larger than {HEAD_LIMIT} bytes")


def response_head(status: int, reason: str, headers: Iterable[tuple[str, str]]) -> bytes:
    """Status line and headers with the empty line that ends them.

    The reason may be any text: it becomes one line of latin-1 that apt can show whole; empty means the usual phrase.
    ValueError if a header could not be told from two.
    """
    phrase = " ".join("".join(c if c.isprintable() else " " for c in reason).split()) or REASONS.get(status, "Unknown")
    lines = [f"HTTP/1.1 {status} {phrase[:REASON_LIMIT]}"]
    for name, value in headers:
        if not _FIELD_NAME.fullmatch(name) or not _FIELD_VALUE.fullmatch(value):
            raise ValueError(f"not a header: {name[:80]!r}: {value[:80]!r}")
        lines.append(f"{name}: {value}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1", "replace")
