# SPDX-License-Identifier: MIT
"""What we show of ourselves to clients that speak TLS to us: one context for each host, kept while it is in use.

Rule 1: TLS 1.2 or later, HTTP/1.1 alone (RFC 7301), no renegotiation.
Rule 2: leaves and their key live in memory only, and are replaced long before they end.

Mutable state: the contexts with the moment at which each was made, the one used last at the end; the key of leaves.
"""

import os
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl

    from aptfreeze.trust.authority import Authority, LeafKey

_AT_MOST = 256
_RENEWED_AFTER_S = 180 * 24 * 3600.0


class Certificates:
    """Of one authority, which is asked for with the first host."""

    def __init__(self, authority: "Callable[[], Authority]") -> None:
        self._obtain = authority
        self._authority: Authority | None = None
        self._key: LeafKey | None = None
        self._contexts: dict[str, tuple[ssl.SSLContext, float]] = {}
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"<Certificates {len(self._contexts)} hosts>"

    def context(self, host: str) -> "ssl.SSLContext":
        """For a server of that name or address, lower case. From any thread; the first takes a tenth of a second.

        Raises what obtaining the authority raises.
        """
        with self._lock:
            context = self._used(host)
            if context is None:
                context = self._made(host)
                self._contexts[host] = context, time.monotonic()
            if len(self._contexts) > _AT_MOST:
                del self._contexts[next(iter(self._contexts))]
            return context

    def at_hand(self, host: str) -> "ssl.SSLContext | None":
        """The same if it is made already. Does not wait, not even for who is making one."""
        if not self._lock.acquire(blocking=False):
            return None
        try:
            return self._used(host)
        finally:
            self._lock.release()

    def _used(self, host: str) -> "ssl.SSLContext | None":
        context, made = self._contexts.pop(host, (None, 0.0))
        if context is None or time.monotonic() - made > _RENEWED_AFTER_S:
            return None
        self._contexts[host] = context, made
        return context

    def _made(self, host: str) -> "ssl.SSLContext":
        import ssl  # start-up time: most clients speak plain http

        from aptfreeze.trust.authority import LeafKey

        if self._authority is None:
            self._authority = self._obtain()
        if self._key is None:
            self._key = LeafKey.generate()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        # An end without a TLS alert is an end like any other: requests and answers know their own.
        context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_IGNORE_UNEXPECTED_EOF
        context.set_alpn_protocols(["http/1.1"])
        context.num_tickets = 0  # of TLS 1.3: apt resumes no session, and they are a fifth of the work
        _load(context, self._authority.leaf(host, self._key))
        return context


def _load(context: "ssl.SSLContext", pem: bytes) -> None:
    """`ssl` takes files only; this one is in memory, and nobody else's."""
    descriptor = os.memfd_create("leaf", os.MFD_CLOEXEC)
    try:
        os.write(descriptor, pem)
        context.load_cert_chain(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)
