# SPDX-License-Identifier: MIT
"""One request through a proxy, with exactly the bytes of target and header fields that a test wants."""

import http.client
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from urllib.parse import urlsplit

APT_USER_AGENT = "Debian APT-HTTP/1.3 (2.6.1)"


@dataclass(frozen=True, slots=True)
class Response:
    """What came back."""

    status: int
    reason: str
    headers: Mapping[str, str]
    """By lower-case name."""
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode(errors="replace")


def ask(
    proxy: str,
    url: str,
    *,
    method: str = "GET",
    user_agent: str = APT_USER_AGENT,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """`url` goes to the proxy as it is written; http.client's errors tell of a cut or broken answer."""
    connection = http.client.HTTPConnection(urlsplit(proxy).netloc.rpartition("@")[2], timeout=60)
    fields = {"Host": urlsplit(url).netloc, "User-Agent": user_agent, **(headers or {})}
    with closing(connection):
        connection.request(method, url, headers=fields)
        response = connection.getresponse()
        found = {name.lower(): value for name, value in response.getheaders()}
        return Response(response.status, response.reason, found, response.read())
