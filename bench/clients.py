# SPDX-License-Identifier: MIT
"""What is timed: apt-get, and mmdebstrap."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.upstream import KEYRING, SET, Upstream
from support.apt import Apt


def apt_seconds(upstream: Upstream, source: str, proxy: str | None, wrapper: Sequence[str] = ()) -> float:
    """Wall time of `update` and `install --download-only` of the set, with nothing in apt's own caches.

    `wrapper` is put before the shell that does both.
    """
    with tempfile.TemporaryDirectory() as name:
        apt = client(Path(name), upstream, source, proxy)
        both = f"apt-get update && apt-get install --download-only --no-install-recommends {' '.join(SET)}"
        return _timed([*wrapper, "sh", "-c", both], apt.environ)


def client(folder: Path, upstream: Upstream, source: str, proxy: str | None) -> Apt:
    """An apt without a past."""
    apt = Apt(folder / "apt", proxy=proxy)
    apt.set("APT::Update::Error-Mode", "any")
    (apt.root / "etc/sources.list").write_text(f"deb [signed-by={KEYRING}] {source} {upstream.suite} main\n")
    return apt


def bootstrap_seconds(upstream: Upstream, source: str, proxy: str | None) -> float:
    """Wall time of mmdebstrap, which is mostly dpkg's."""
    environ = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    if proxy:
        environ["http_proxy"] = proxy
    command = ["mmdebstrap", "--quiet", "--variant=minbase", '--aptopt=Acquire::Languages "none"',
               f"--keyring={KEYRING}", upstream.suite, "-", f"deb {source} {upstream.suite} main"]  # fmt: skip
    return _timed(command, environ)


def _timed(command: Sequence[str], environ: Mapping[str, str]) -> float:
    began = time.perf_counter()
    done = subprocess.run(command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr}")
    return time.perf_counter() - began
