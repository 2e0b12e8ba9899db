# SPDX-License-Identifier: MIT
"""The head of one request: its grammar, and what it says of the connection (RFC 9110, RFC 9112).

Rule 1: a head is accepted if it matches the grammar of RFC 9112 as a whole, and refused otherwise: nothing is
repaired. What two parsers could read in two ways is how requests are smuggled.
Rule 2: GET, HEAD and CONNECT have no body; one that announces a body is refused. Every other request is the last of its
connection, so that nothing depends on where its body ends: what follows the head is for the server that it is for.
Rule 3: bounded: the head, the target, the number of headers.

The grammar is our own and not httptools': which shapes that one accepts depends on its version (`GET  /x` with two
blanks in all, more in Debian's), so that the raw head had to be checked besides; and that check yields all fields.
An apt request takes 2 microseconds: a client sends the same fields again and again, only the request line changes.
"""

import re
from collections.abc import Iterable, Iterator, KeysView
from dataclasses import dataclass, field
from functools import lru_cache

HEAD_LIMIT = 64 << 10
"""Bytes of request line and headers."""
TARGET_LIMIT = 16 << 10
HEADER_LIMIT = 100

_TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]"
# Visible ASCII without "#" (a fragment is never sent): raw `|` or `"` do occur and cannot be misread.
_REQUEST_LINE = rb"(%b{1,32}+) ([!-\"$-~]++) HTTP/1\.([01])\r\n" % _TOKEN
# RFC 9112 5: no blank before the colon, no folded lines, no control character but the tab; RFC 9110 5.5: obs-text.
_FIELD_LINE = rb"%b++:[\t -~\x80-\xff]*+\r\n" % _TOKEN
_HEAD = re.compile(rb"%b((?:%b)*+)\r\n" % (_REQUEST_LINE, _FIELD_LINE))
_FIELDS = re.compile(r"([^:\r\n]+):[ \t]*([^\r\n]*)")
_FIRST_LINE = re.compile(_REQUEST_LINE)
_OTHER_VERSION = re.compile(_REQUEST_LINE.replace(rb"1\.([01])", rb"[0-9]\.[0-9]"))
_LINE_LIMIT = TARGET_LIMIT + 64  # the target, the longest method and the version
_START = re.compile(rb"%b{1,32}+( |\Z)" % _TOKEN)
_HEADER = re.compile(_FIELD_LINE)

_ABSOLUTE = re.compile(rb"[A-Za-z][A-Za-z0-9+.-]*://[^/?]+")
_AUTHORITY = re.compile(rb"[^/?@]+:[0-9]{1,5}")
_HOST = re.compile(r"(?:[A-Za-z0-9._~%!$&'()*+,;=-]*|\[[0-9A-Fa-f:.]+\])(?::[0-9]*)?")


class Headers:
    """Header fields as they were sent, looked up by name in any case."""

    __slots__ = ("_by_name", "_fields")

    def __init__(self, fields: Iterable[tuple[str, str]]) -> None:
        self._fields = tuple(fields)
        self._by_name = {name.lower(): value for name, value in self._fields}
        if len(self._by_name) != len(self._fields):
            self._by_name = {name: ", ".join(self.getall(name)) for name in self._by_name}

    def get(self, name: str) -> str | None:
        """The value; repeated fields are joined by commas (RFC 9110 5.3), so a repeated single value is malformed."""
        return self._by_name.get(name.lower())

    def getall(self, name: str) -> list[str]:
        """The values of each field line of that name, in order."""
        wanted = name.lower()
        return [value for name, value in self._fields if name.lower() == wanted]

    @property
    def names(self) -> KeysView[str]:
        """The names that occur, in lower case."""
        return self._by_name.keys()

    def __contains__(self, name: str) -> bool:
        return name.lower() in self._by_name

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def __eq__(self, other: object) -> bool:
        return self._fields == other._fields if isinstance(other, Headers) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._fields)

    def __repr__(self) -> str:
        return f"Headers({list(self._fields)!r})"


_REPEATED = ("GET", "HEAD", "CONNECT")
"""Methods whose requests have no body."""


# Not frozen: one is made for each request, in TLS two, and frozen slots make that three times as slow.
@dataclass(slots=True)
class Request:
    """A request with a complete head."""

    method: str
    target: bytes
    """As sent: origin form (`/path`), absolute form (`http://host/path`), `host:port` for CONNECT, or `*`."""
    version: str
    """`1.0` or `1.1`."""
    headers: Headers
    keep_alive: bool
    """Whether the connection stays open after the answer (RFC 9112 9.3)."""
    client: str = ""
    """The IP address that it came from."""
    early: bytes = field(default=b"", compare=False)
    """What came right behind the head of a request that may have a body: as much of it as came with the head."""


class BadRequest(Exception):
    """The connection does not go on: answer `before` and then this, and close it."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(f"{status} {reason}")
        self.status = status
        self.reason = reason
        self.before: list[Request] = []
        """Requests that were complete before the bad one."""


def parse_head(head: bytes, client: str = "") -> Request:
    """One whole head, its empty line included, from the client with that address. Raises BadRequest."""
    match = _HEAD.fullmatch(head)
    if match is None or len(head) > HEAD_LIMIT or len(match[2]) > TARGET_LIMIT:
        raise _fault(head)
    method, target, minor = match[1].decode(), match[2], match[3]
    is_origin = target.startswith(b"/")
    if not is_origin or method == "CONNECT":
        _check_target(method, target)
    headers, has_body, keeps_alive = _parse_fields(match[4], minor)
    if has_body and method in _REPEATED:
        raise BadRequest(501, f"{method} with a body is not supported")
    if is_origin and minor == b"1" and "host" not in headers:
        # RFC 9112 3.2. In absolute form the target's host counts, so that a missing field does no harm.
        raise BadRequest(400, "no Host header")
    version = "1.1" if minor == b"1" else "1.0"
    return Request(method, target, version, headers, keeps_alive and method in _REPEATED, client)


@lru_cache(maxsize=64)
def _parse_fields(lines: bytes, minor: bytes) -> tuple[Headers, bool, bool]:
    """The field lines of a head that the grammar accepts: whether they announce a body, and keep the connection."""
    fields = [(name, value.rstrip(" \t")) for name, value in _FIELDS.findall(lines.decode("latin-1"))]
    if len(fields) > HEADER_LIMIT:
        raise BadRequest(431, f"more than {HEADER_LIMIT} header fields")
    headers = Headers(fields)
    _check_host(headers)
    return headers, _has_body(headers), _keeps_alive(headers, minor)


def _keeps_alive(headers: Headers, minor: bytes) -> bool:
    connection = headers.get("connection")
    if connection is None:
        return minor == b"1"
    options = [option.strip(" \t") for option in connection.lower().split(",")]
    return "close" not in options and (minor == b"1" or "keep-alive" in options)


def _check_target(method: str, target: bytes) -> None:
    """RFC 9112 3.2: the four forms of a target."""
    if method == "CONNECT":
        if not _AUTHORITY.fullmatch(target):
            raise BadRequest(400, "the target of CONNECT is not host:port")
    elif not _ABSOLUTE.match(target) and not (target == b"*" and method == "OPTIONS"):
        raise BadRequest(400, "the target is neither a path nor a URL")


def _check_host(headers: Headers) -> None:
    """RFC 9112 3.2: not two Host fields, and none that is no host."""
    host = headers.get("host")
    if host is not None and not _HOST.fullmatch(host):  # two fields join to one with a blank in it
        raise BadRequest(400, "more than one Host header, or one that is no host")


def _has_body(headers: Headers) -> bool:
    length = headers.get("content-length")
    if (coding := headers.get("transfer-encoding")) is not None:
        if length is not None:  # RFC 9112 6.1: a request smuggling attempt
            raise BadRequest(400, "both Transfer-Encoding and Content-Length")
        if coding.lower() != "chunked":
            raise BadRequest(501, "a body with another Transfer-Encoding than chunked is not supported")
        return True
    if length is None or length == "0":  # two fields "0" and "0" join to "0, 0"
        return False
    if length.isascii() and length.isdigit() and length[0] != "0":
        return True
    raise BadRequest(400, "Content-Length is not one plain number")


def line_fault(head: bytes | bytearray) -> BadRequest | None:
    """What is wrong with the request line of a head, as far as it has arrived."""
    if not _START.match(head):
        return BadRequest(400, "this is no HTTP request")
    end = head.find(b"\n", 0, _LINE_LIMIT)
    if end < 0 and len(head) < _LINE_LIMIT:
        return None
    line = bytes(head[: end + 1])
    match = _FIRST_LINE.fullmatch(line)
    if end < 0 or (match and len(match[2]) > TARGET_LIMIT):
        return BadRequest(414, f"the target is longer than {TARGET_LIMIT} bytes")
    if match:
        return None
    if _OTHER_VERSION.fullmatch(line) and not line.startswith(b"PRI "):  # RFC 9113 3.4: PRI opens an HTTP/2 connection
        return BadRequest(505, "only HTTP/1.0 and HTTP/1.1 are supported")
    return BadRequest(400, "the request line is malformed")


def _fault(head: bytes) -> BadRequest:
    """What is wrong with a head that the grammar or a limit refuses."""
    if fault := line_fault(head):
        return fault
    if len(head) > HEAD_LIMIT:
        return BadRequest(431, f"the head is larger than {HEAD_LIMIT} bytes")
    bad = next((line for line in head.split(b"\r\n")[1:] if not _HEADER.fullmatch(line + b"\r\n")), b"")
    what = "a folded header" if bad[:1] in (b" ", b"\t") else "a malformed header"
    return BadRequest(400, f"{what}: {bad[:60]!r}")
