# SPDX-License-Identifier: MIT
"""Namespaces: whether this machine has them, and who is in one."""

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


def processes_in(namespace: str) -> list[int]:
    """The processes whose network namespace is this one, as `readlink /proc/PID/ns/net` names it."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if str((folder / "ns/net").readlink()) == namespace:
                found.append(int(folder.name))
        except OSError:
            continue  # it has just ended, or is not ours
    return found


def wait_until_empty(namespace: str) -> None:
    """Until no process is in it any more. AssertionError if one stays."""
    limit = time.monotonic() + _LIMIT_S
    while left := processes_in(namespace):
        assert time.monotonic() < limit, f"{left} are still in {namespace}"
        time.sleep(0.01)
