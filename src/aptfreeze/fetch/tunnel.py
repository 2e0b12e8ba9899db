# SPDX-License-Identifier: MIT
"""A connection through a proxy: to the proxy itself, or by CONNECT to what is behind it (RFC 9110 9.3.6).

Rule: what fails at the proxy is told as the proxy's, with who named it: the mirror has done nothing.
"""

import re
import socket
import time

from aptfreeze.errors import UpstreamError
from aptfreeze.fetch.dialing import connect
from aptfreeze.fetch.failures import PassingError, UnreachableError
from aptfreeze.fetch.proxies import Proxy

_HEAD_LIMIT = 64 << 10
_PIECE = 4 << 10
_SHORTEST_S = 0.001
_INTERIM = re.compile(rb"HTTP/1\.[01] 1(?!01)[0-9]{2}[ \r\n]")  # RFC 9110 15.2; 101 is a final one
_STATUS = re.compile(rb"HTTP/1\.[01] ([1-9][0-9]{2})(?: ([^\r\n]*))?\r?\n")


def connect_to(proxy: Proxy, *, connect_timeout_s: float, read_timeout_s: float) -> socket.socket:
    """A connected socket to the proxy; UnreachableError."""
    try:
        return connect(proxy.host, proxy.port, connect_timeout_s=connect_timeout_s, read_timeout_s=read_timeout_s)
    except UnreachableError as error:
        raise UnreachableError(f"{proxy} is of no use: {error.message}") from error


def open_tunnel(
    proxy: Proxy, host: str, port: int, *, connect_timeout_s: float, read_timeout_s: float
) -> socket.socket:
    """A socket whose other end is that host, as far as the proxy keeps its word. UpstreamError as in `failures`."""
    wire = connect_to(proxy, connect_timeout_s=connect_timeout_s, read_timeout_s=read_timeout_s)
    try:
        place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        lines = [f"CONNECT {place} HTTP/1.1", f"Host: {place}", *(f"{name}: {value}" for name, value in proxy.fields)]
        wire.sendall("\r\n".join([*lines, "", ""]).encode("latin-1"))
        _accept(proxy, place, _head(wire, read_timeout_s))
        wire.settimeout(read_timeout_s)
    except UpstreamError:
        wire.close()
        raise
    except TimeoutError as error:
        wire.close()
        raise UnreachableError(f"{proxy} did not connect to {place} within {read_timeout_s:g} s") from error
    except OSError as error:
        wire.close()
        raise UnreachableError(f"{proxy} did not connect to {place}: {error}") from error
    return wire


def _head(wire: socket.socket, timeout_s: float) -> bytes:
    """The head of the final answer; OSError if it does not come, TimeoutError if that takes too long as a whole.

    Looked at before it is taken, line by line: what follows it is the origin's.
    """
    until = time.monotonic() + timeout_s
    head, begin = bytearray(), 0
    while True:
        wire.settimeout(max(_SHORTEST_S, until - time.monotonic()))
        came = wire.recv(_PIECE, socket.MSG_PEEK)
        if not came or len(head) > _HEAD_LIMIT:
            raise ConnectionError("it sent no whole answer" if not came else f"more than {_HEAD_LIMIT} bytes of head")
        if time.monotonic() > until:
            raise TimeoutError("it only drips")
        head += wire.recv(came.find(b"\n") + 1 or len(came))
        if head.endswith((b"\r\n\r\n", b"\n\n"), begin):
            if not _INTERIM.match(head, begin):
                return bytes(head[begin:])
            begin = len(head)


def _accept(proxy: Proxy, place: str, head: bytes) -> None:
    match = _STATUS.match(head)
    if match is None:
        raise PassingError(f"{proxy} did not connect to {place}: it answered what is no HTTP")
    status, reason = int(match[1]), (match[2] or b"").decode("latin-1")
    if 200 <= status < 300:
        return
    if status == 407:
        raise proxy.refusal(reason)
    kind = PassingError if status >= 500 or status in (408, 429) else UpstreamError
    raise kind(f"{proxy} did not connect to {place}: {status} {reason}".rstrip())
