# SPDX-License-Identifier: MIT
"""How long aptfreeze takes to start: `run` starts a proxy for each build step.

The suite is pinned and its InRelease is in the archive; the child of `run` is a bash that asks for it and reads the
clock. CPU is that of all processes of a start, apt-config and bash included.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from aptfreeze.archive.objects import Objects
from bench.context import Context
from bench.report import Row

_STARTS = 15
"""In a round."""
_APTFREEZE = [sys.executable, "-m", "aptfreeze"]
_LOCK = """version = 1
generation = "0123456789abcdef0123456789abcdef"
created = 2026-11-24T07:00:00Z

[pins]
"mirror.example.org/debian bookworm" = {{ inrelease = "{digest}", date = 2026-11-21T10:16:37Z, signers = [] }}
"""
# $http_proxy is http://[user@]host:port[/]; bash speaks TCP by itself, so that no further program is started.
_ASK = """
proxy=${http_proxy#http://}; proxy=${proxy##*@}; proxy=${proxy%/}
exec 3<>"/dev/tcp/${proxy%:*}/${proxy##*:}"
url=http://mirror.example.org/debian/dists/bookworm/InRelease
printf 'GET %s HTTP/1.1\\r\\nHost: mirror.example.org\\r\\n\\r\\n' "$url" >&3
read -r answer <&3
printf '%s %s' "$EPOCHREALTIME" "$answer"
"""
Timed = Callable[[Path, dict[str, str]], float]
"""Milliseconds of one start in an environment, with these variables."""


def measure(context: Context) -> Iterator[Row]:
    subjects: dict[str, Timed] = {
        "aptfreeze run, until its child has the first answer": _first_answer,
        "aptfreeze run -- true": _timed([*_APTFREEZE, "run", "--offline", "--", "true"]),
        "aptfreeze --version": _timed([*_APTFREEZE, "--version"]),
        "python -c pass, for comparison": _timed([sys.executable, "-c", "pass"]),
    }
    rows = [(Row(name, "ms"), Row(f"CPU of that: {name}", "ms"), timed) for name, timed in subjects.items()]
    with context.fresh() as folder:
        environ = _environment(folder)
        for _, _, timed in rows:
            timed(folder, environ)  # the first start compiles modules and reads files from disk
        for _ in range(context.rounds * _STARTS):
            for row, cpu, timed in rows:
                before = _children_cpu()
                row.add("aptfreeze", timed(folder, environ))
                cpu.add("aptfreeze", _children_cpu() - before)
    rows[0][0].must_be(80)
    for row, cpu, _ in rows:
        context.tell(f"{row.what}: {row.median('aptfreeze'):.0f} ms")
        yield from (row, cpu)


def _environment(folder: Path) -> dict[str, str]:
    """One suite is pinned, and its InRelease is in the archive; returns the variables that name it."""
    folder.mkdir()
    objects = Objects(folder / "archive")
    (folder / "aptfreeze.lock").write_text(_LOCK.format(digest=objects.put(b"signed")))
    objects.close()
    # What is installed has its bytecode, too.
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return environ | {"APTFREEZE_ARCHIVE": str(folder / "archive")}


def _first_answer(folder: Path, environ: dict[str, str]) -> float:
    command = [*_APTFREEZE, "run", "--offline", "--", "bash", "-c", _ASK]
    began = time.time()
    result = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True)
    at, _, answer = result.stdout.partition(" ")
    if not answer.startswith("HTTP/1.1 200 "):
        sys.exit(f"no answer came: {result.stdout!r}\n{result.stderr}")
    return (float(at.replace(",", ".")) - began) * 1000


def _timed(command: list[str]) -> Timed:
    """Until the command has ended."""

    def timed(folder: Path, environ: dict[str, str]) -> float:
        began = time.perf_counter()
        subprocess.run(
            command, cwd=folder, env=environ, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        return (time.perf_counter() - began) * 1000

    return timed


def _children_cpu() -> float:
    """Milliseconds of all children that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (usage.ru_utime + usage.ru_stime) * 1000
