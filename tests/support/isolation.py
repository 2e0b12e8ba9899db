# SPDX-License-Identifier: MIT
"""Namespaces: whether this machine has them, and what is left of one."""

import os
import subprocess
import time
from functools import cache
from pathlib import Path

import pytest

_LIMIT_S = 20.0


@cache
def can_isolate() -> bool:
    """Whether this user gets a network namespace here, by util-linux's word."""
    words = ["unshare", "--net", "true"] if os.geteuid() == 0 else ["unshare", "--user", "--net", "true"]
    try:
        return subprocess.run(words, capture_output=True, timeout=_LIMIT_S).returncode == 0
    except FileNotFoundError:
        return False


def needs_namespaces() -> pytest.MarkDecorator:
    """Skips where this machine gives none."""
    return pytest.mark.skipif(not can_isolate(), reason="this machine gives no namespaces")


class Mark:
    """An environment variable that everything inherits which is started with it.

    The number of a namespace does not do: the kernel gives it anew as soon as the namespace is gone.
    """

    def __init__(self) -> None:
        self._text = f"APTFREEZE_TEST_MARK={os.urandom(8).hex()}"
        self.variables = dict([self._text.split("=")])

    def processes(self) -> list[int]:
        """Those that have it."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if self._text.encode() in (folder / "environ").read_bytes().split(b"\0"):
                    found.append(int(folder.name))
            except OSError:
                continue  # it has just ended, or is not ours
        return found

    def wait_until_gone(self) -> None:
        """AssertionError if a process that has it stays."""
        limit = time.monotonic() + _LIMIT_S
        while left := self.processes():
            assert time.monotonic() < limit, f"{left} are still there"
            time.sleep(0.01)
