# SPDX-License-Identifier: MIT
"""One request that is nobody's business but the client's: passed on, and the answer passed back, framed anew.

Rule 1: end-to-end fields and the body go through unchanged; connection-level ones end here (RFC 9110 7.6.1).
Rule 2: nothing is kept, followed, retried or verified.
Rule 3: a body that was cut on the way must not look whole: `ended_well` is false then, and a chunked one has no last
chunk.
"""

import os
import socket
from collections.abc import Iterable
from typing import TYPE_CHECKING

from aptfreeze.errors import UpstreamError
from aptfreeze.fetch.connection import Connection, Head
from aptfreeze.fetch.failures import PassingError
from aptfreeze.fetch.hosts import Hosts
from aptfreeze.fetch.proxies import Proxy
from aptfreeze.fetch.request import target
from aptfreeze.fetch.url import Endpoint
from aptfreeze.http.message import response_head

if TYPE_CHECKING:
    from aptfreeze.fetch.addresses import AddressCheck

_HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
_BODILESS = (204, 304)

Fields = Iterable[tuple[str, str]]


class Relay:
    """A GET or HEAD on its way: `open` it, then `copy` its body. Both block; use it in one thread.

    Mutable state: the connection, how much came, whether it came to its end, whether anybody wants it still.
    """

    def __init__(
        self,
        hosts: Hosts,
        url: str,
        method: str,
        fields: Fields,
        version: str = "1.1",
        check: "AddressCheck | None" = None,
    ) -> None:
        """`fields` and `version` are the client's; `check` judges each address before it is connected to.

        UpstreamError if the URL cannot be fetched.
        """
        self.received = 0
        """Bytes of the body so far."""
        self.ended_well = False
        """Whether all of the answer came; ask after the end of the pipe."""
        self.closes = False
        """Whether the client can tell the end of the body only by the end of its connection (HTTP/1.0)."""
        self._hosts = hosts
        self._endpoint = Endpoint.parse(url)
        self._proxy: Proxy | None = None
        self._method = method
        self._fields = fields
        self._version = version
        self._check = check
        self._is_chunked = False
        self._has_body = False
        self._connection: Connection | None = None
        self._is_aborted = False

    def open(self) -> bytes:
        """Ask, and return the head for the client. UpstreamError if there is no answer: nothing was sent then.

        What the check says of an address, it raises.
        """
        self._proxy = self._hosts.proxy_for(self._endpoint)
        connection = self._connection = self._hosts.dedicated(self._endpoint, self._check)
        try:
            self._check_wanted()
            connection.send(self._request())
            head = connection.head(is_head=self._method == "HEAD")
            self._check_wanted()
            if self._proxy is not None and head.status == 407:
                raise self._proxy.refusal(head.reason)  # it is our proxy, not the client's
            return self._framed(head)
        except UpstreamError:
            connection.close()
            raise
        except ValueError as error:
            connection.close()
            raise UpstreamError(f"{self._endpoint.server} sent a bad header ({error})") from error

    def _check_wanted(self) -> None:
        """Who left while the connection was made, or the head was read, will not call `copy`, which closes it."""
        if self._is_aborted:
            raise UpstreamError(f"the answer of {self._endpoint.server} is not wanted any more")

    def copy(self, write_fd: int) -> None:
        """Write the body into a pipe, as fast as somebody reads it, and close that end; returns when it is over.

        How it ended, `ended_well` says; a reader who left is no error.
        """
        assert self._connection is not None
        try:
            if self._has_body:
                self._copy(self._connection, write_fd)
            self.ended_well = True
        except (PassingError, BrokenPipeError):
            self.ended_well = False
        finally:
            self._connection.close()
            os.close(write_fd)

    def abort(self) -> None:
        """From any thread: it ends soon, and not well; without effect on what has ended."""
        self._is_aborted = True
        if self._connection is not None:
            self._connection.abort()

    def _request(self) -> bytes:
        return _request(self._endpoint, self._proxy, self._method, _end_to_end(self._fields))

    def _framed(self, head: Head) -> bytes:
        """The client's head, and by the way how the body is framed."""
        fields = [(name, value) for name, value in _end_to_end(head.headers) if name.lower() != "content-length"]
        self._has_body = self._method != "HEAD" and head.status not in _BODILESS
        length = head.content_length
        if length is not None:
            fields.append(("Content-Length", str(length)))
        elif self._has_body and self._version == "1.1":
            self._is_chunked = True
            fields.append(("Transfer-Encoding", "chunked"))
        elif self._has_body:
            self.closes = True
        return response_head(head.status, head.reason, fields)

    def _copy(self, connection: Connection, write_fd: int) -> None:
        for piece in connection.body():
            self.received += len(piece)
            _write(write_fd, b"%x\r\n%b\r\n" % (len(piece), piece) if self._is_chunked else piece)
        if self._is_chunked:
            _write(write_fd, b"0\r\n\r\n")


def forwarded(
    hosts: Hosts, url: str, method: str, fields: Fields, check: "AddressCheck | None" = None
) -> tuple[socket.socket, bytes]:
    """A socket to the server of an http url, and the head of a request that it gets first; blocks.

    What follows on both sides is for the two: the body as it was framed, and an answer after which the server closes.
    UpstreamError if the server cannot be reached, and what the check says of an address.
    """
    endpoint = Endpoint.parse(url)
    fields = list(fields)
    framing = [(name, value) for name, value in fields if name.lower() == "transfer-encoding"]
    head = _request(endpoint, hosts.proxy_for(endpoint), method, [*_end_to_end(fields), *framing])
    return hosts.plain_wire(endpoint, check), head


def _request(endpoint: Endpoint, proxy: "Proxy | None", method: str, fields: Fields) -> bytes:
    lines = [f"{method} {target(endpoint, proxy)} HTTP/1.1", f"Host: {endpoint.authority}"]
    fields = [(name, value) for name, value in fields if name.lower() != "host"]
    fields += proxy.fields if proxy else ()
    lines += [f"{name}: {value}" for name, value in fields]
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode("latin-1")


def _write(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def _end_to_end(fields: Fields) -> list[tuple[str, str]]:
    fields = list(fields)
    named = {
        name.strip().lower() for field, value in fields if field.lower() == "connection" for name in value.split(",")
    }
    return [(name, value) for name, value in fields if name.lower() not in _HOP_BY_HOP | named]
