# SPDX-License-Identifier: MIT
"""What a request looks like on the wire (pure).

Rule: `Accept-Encoding: identity`, always: other bytes than the file's own would never match its hash.
"""

from collections.abc import Mapping

from aptfreeze.fetch.proxies import Proxy
from aptfreeze.fetch.url import Endpoint

USER_AGENT = "aptfreeze/0.1"


def request(
    endpoint: Endpoint,
    start: int,
    fields: Mapping[str, str],
    *,
    end: int | None = None,
    proxy: Proxy | None = None,
) -> bytes:
    """The bytes of a request's head; `proxy` is who gets it, if not the host itself."""
    is_range = start or end is not None
    lines = [
        f"GET {target(endpoint, proxy)} HTTP/1.1",
        f"Host: {endpoint.authority}",
        f"User-Agent: {USER_AGENT}",
        "Accept: */*",
        "Accept-Encoding: identity",
        *([f"Range: bytes={start}-{'' if end is None else end - 1}"] if is_range else []),
        *(f"{name}: {value}" for name, value in fields.items()),
        *(f"{name}: {value}" for name, value in (proxy.fields if proxy else ())),
    ]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def target(endpoint: Endpoint, proxy: Proxy | None) -> str:
    """The target of a request: a proxy has to be told the host, too (RFC 9112 3.2.2)."""
    return endpoint.target if proxy is None else f"http://{endpoint.authority}{endpoint.target}"
