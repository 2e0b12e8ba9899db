# SPDX-License-Identifier: MIT
"""Which way this process fetches what, and what apt's configuration says about that and about servers, read when it is
needed first.

Rule 1: nothing is read for a process that fetches nothing: asking apt for its configuration takes 6 ms.
Rule 2: it is this process's own environment that counts, never what `run` gives to COMMAND.
"""

import re
import threading
from functools import cached_property

from aptfreeze.fetch.aptread import Option, read_options
from aptfreeze.fetch.proxies import Proxy, Rules, is_loopback
from aptfreeze.fetch.url import Endpoint
from aptfreeze.settings import ProxySettings

_DIGEST = re.compile(r'"[0-9a-f]{64}"')


class Routes:
    """Mutable state: the rules, once they are read (under the lock); the ports that this process listens on; the
    proxies of this machine that answer as aptfreeze does."""

    def __init__(self, settings: ProxySettings) -> None:
        self._settings = settings
        self._rules: Rules | None = None
        self._own_ports: set[int] = set()
        self.frozen: set[Proxy] = set()
        """What is asked through one of these is what is frozen there, and never new."""
        self._lock = threading.Lock()

    def proxy_for(self, endpoint: Endpoint) -> Proxy | None:
        """The proxy to ask for it, if any; blocks. UpstreamError if one is named that is of no use to us."""
        with self._lock:
            if self._rules is None:
                self._rules = self._read()
        proxy = self._rules.proxy_for("https" if endpoint.is_secure else "http", endpoint.host, endpoint.port)
        is_own = proxy is not None and proxy.port in self._own_ports and is_loopback(proxy.host)
        return None if is_own else proxy

    def avoid(self, port: int) -> None:
        """This process itself is the proxy on that port of the loopback addresses: never ask it."""
        self._own_ports.add(port)

    def judge(self, proxy: Proxy, etag: str) -> None:
        """Notice an aptfreeze on this machine by how it names what it serves: by its digest."""
        if _DIGEST.fullmatch(etag) and is_loopback(proxy.host):
            self.frozen.add(proxy)

    @cached_property
    def options(self) -> tuple[Option, ...]:
        """What apt's configuration says; blocks when it is asked first."""
        return read_options(self._settings.variables) if self._settings.variables else ()

    def _read(self) -> Rules:
        settings = self._settings
        options = self.options if settings.url is None else ()
        return Rules(settings.url, settings.variables, {option.name.lower(): option.value for option in options})
