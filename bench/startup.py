# SPDX-License-Identifier: MIT
"""How long aptfreeze takes to start: the median of N starts each, and what its imports cost.

usage: startup.py [N]

- `run, first answer`: from the start of `aptfreeze run` until its child has the first answer of the proxy. The child is
  a bash that asks for the InRelease of a pinned suite, which the archive holds, and reads the clock.
- `run -- true`: the whole run of a command that does nothing.
- `--version`: what every command pays; `python -c pass`: the floor of the interpreter, for comparison.

The target is 80 ms for the first line, on an idle machine. CPU (of the processes themselves, user and system, the mean
of all starts, apt-config and bash included) depends less on what else the machine does.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from aptfreeze.archive.objects import Objects

os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # what is installed has its bytecode, too
APTFREEZE = [sys.executable, "-m", "aptfreeze"]
LOCK = """version = 1
generation = "0123456789abcdef0123456789abcdef"
created = 2026-11-24T07:00:00Z

[pins]
"mirror.example.org/debian bookworm" = {{ inrelease = "{digest}", date = 2026-11-21T10:16:37Z, signers = [] }}
"""
# $http_proxy is http://[user@]host:port[/]; bash speaks TCP by itself, so that no further program is started.
ASK = """
proxy=${http_proxy#http://}; proxy=${proxy##*@}; proxy=${proxy%/}
exec 3<>"/dev/tcp/${proxy%:*}/${proxy##*:}"
url=http://mirror.example.org/debian/dists/bookworm/InRelease
printf 'GET %s HTTP/1.1\\r\\nHost: mirror.example.org\\r\\n\\r\\n' "$url" >&3
read -r answer <&3
printf '%s %s' "$EPOCHREALTIME" "$answer"
"""


def timed(command: list[str], folder: Path) -> float:
    """Milliseconds until the command has ended."""
    began = time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return (time.perf_counter() - began) * 1000


def first_answer(folder: Path) -> float:
    """Milliseconds from the start of `run` until its child has read the first status line."""
    command = [*APTFREEZE, "run", "--offline", "--", "bash", "-c", ASK]
    began = time.time()
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    at, _, answer = result.stdout.partition(" ")
    if not answer.startswith("HTTP/1.1 200 "):
        sys.exit(f"no answer came: {result.stdout!r}\n{result.stderr}")
    return (float(at.replace(",", ".")) - began) * 1000


def children_cpu() -> float:
    """Milliseconds of all children that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (usage.ru_utime + usage.ru_stime) * 1000


@contextmanager
def environment() -> Iterator[Path]:
    """One suite is pinned, and its InRelease is in the archive."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["APTFREEZE_ARCHIVE"] = str(folder / "archive")
        objects = Objects(folder / "archive")
        (folder / "aptfreeze.lock").write_text(LOCK.format(digest=objects.put(b"signed")))
        objects.close()
        yield folder


def table(count: int) -> None:
    run_true = [*APTFREEZE, "run", "--offline", "--", "true"]
    rows: dict[str, Callable[[Path], float]] = {
        "run, first answer": first_answer,
        "run -- true": lambda folder: timed(run_true, folder),
        "--version": lambda folder: timed([*APTFREEZE, "--version"], folder),
        "python -c pass": lambda folder: timed([sys.executable, "-c", "pass"], folder),
    }
    print(f"{count} starts each, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    print(f"{'':20}{'median ms':>10}{'min':>8}{'max':>8}{'CPU':>8}")
    for name, measure in rows.items():
        with environment() as folder:
            measure(folder)  # the first start compiles modules and reads files from disk
            before = children_cpu()
            took = [measure(folder) for _ in range(count)]
            cpu = (children_cpu() - before) / count
        print(f"{name:20}{statistics.median(took):10.1f}{min(took):8.1f}{max(took):8.1f}{cpu:8.1f}", flush=True)


def imports(limit: int) -> None:
    """The slowest imports of `aptfreeze run`, each with all that it imports, as `-X importtime` tells."""
    with environment() as folder:
        command = [sys.executable, "-X", "importtime", "-m", "aptfreeze", "run", "--offline", "--", "true"]
        lines = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stderr.splitlines()
    fields = [line.removeprefix("import time:").split("|") for line in lines if line.startswith("import time:")]
    timings = [(int(total), name.strip()) for _, total, name in fields if total.strip().isdigit()]
    print(f"\n{'import':40}{'ms with what it imports':>24}")
    for total, name in sorted(timings, reverse=True)[:limit]:
        print(f"{name:40}{total / 1000:24.1f}")


if __name__ == "__main__":
    table(int(sys.argv[1]) if len(sys.argv) > 1 else 21)
    imports(25)
