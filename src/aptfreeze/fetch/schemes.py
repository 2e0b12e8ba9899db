# SPDX-License-Identifier: MIT
"""Which hosts are asked by https: those that clients asked so, and those that speak nothing else.

Rule 1: once by https, always by https: who asked so expects it. It holds at once in this process, and in later ones
when the host has answered so: a client's mistake is forgotten with the process.
Rule 2: a host of which nothing is known (in a fresh checkout) is asked by http. If no http answers there, and https
does with a certificate that counts, it is https from then on.
Rule 3: there is no way back to http but a line in [mirrors], which is asked as it stands.

A host is written with its port where that is not the scheme's own.
"""

import threading
import time
from collections.abc import Callable, Iterable

_MOST_HOSTS = 1000
"""That are remembered: more than any build has."""
_IN_VAIN_S = 30.0
"""A host whose https did not answer is not tried again for so long."""


def _for_this_process(host: str) -> None:
    """Nobody else is told."""


class Schemes:
    """Any thread may ask, and tell.

    Mutable state: the hosts that are asked by https, and those of them that answered so; those that are asked by http
    because nobody knows better, and until when their https is not tried again.
    """

    def __init__(self, known: Iterable[str] = (), remember: Callable[[str], None] = _for_this_process) -> None:
        """`known`: hosts that have answered by https before; `remember` blocks, and is called once for each further."""
        self._secure = set(known)
        self._answered = set(self._secure)
        self._remember = remember
        self._guessed: set[str] = set()
        self._in_vain: dict[str, float] = {}
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"<Schemes {len(self._secure)} hosts by https>"

    def asked_by_https(self, host: str) -> None:
        """A client did so."""
        if len(self._secure) < _MOST_HOSTS:
            self._secure.add(host)

    def of(self, host: str) -> str:
        """`https` or `http`; the latter is a guess."""
        if host in self._secure:
            return "https"
        if len(self._guessed) < _MOST_HOSTS:
            self._guessed.add(host)
        return "http"

    def answered(self, host: str) -> None:
        """An answer by https has come from a host, whose certificate was good."""
        if host in self._answered or host not in self._secure:
            return
        with self._lock:
            is_new = host not in self._answered
            self._answered.add(host)
        if is_new:
            self._remember(host)

    def is_secure_after_all(self, host: str, speaks_https: Callable[[], bool]) -> bool:
        """No http came from a host: whether it is to be asked by https; `speaks_https` tries it, and blocks.

        Always false for one that somebody named with http.
        """
        if host not in self._guessed:
            return False
        with self._lock:  # who comes in the meantime waits for the outcome
            if host not in self._secure and self._in_vain.get(host, 0.0) < time.monotonic():
                if speaks_https():
                    self.asked_by_https(host)
                else:
                    self._in_vain[host] = time.monotonic() + _IN_VAIN_S
            return host in self._secure
