# SPDX-License-Identifier: MIT
"""Servers under test: started, waited for, measured by /proc, and ended with all that they started."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_START_S = 20.0
_OPEN_FILES = 1024


@dataclass
class Server:
    """A process with its children, and the port on which it serves."""

    name: str
    port: int
    process: subprocess.Popen[bytes] = field(repr=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def pids(self) -> list[int]:
        """It and its descendants that run."""
        found = [self.process.pid]
        for pid in found:
            with contextlib.suppress(OSError):  # it has ended
                for task in Path(f"/proc/{pid}/task").iterdir():
                    found += map(int, (task / "children").read_text().split())
        return found

    def cpu(self) -> float:
        """Seconds of the whole tree so far, user and system: threads and children that ended count."""
        return sum(_cpu(pid) for pid in self.pids())

    def memory(self) -> float:
        """MB of the whole tree.

        Of several processes the proportional set size, so that what they share counts once; of a single one the whole
        resident set: what it shares with others is theirs by chance, as aptfreeze's Python is that of the benchmark.
        """
        pids = self.pids()
        field = "Pss:" if len(pids) > 1 else "Rss:"
        lines = [line for pid in pids for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()]
        return sum(int(line.split()[1]) for line in lines if line.startswith(field)) / 1024


def _cpu(pid: int) -> float:
    """Of one process with all its threads, and to 10 ms of its children that ended and were waited for."""
    with contextlib.suppress(OSError):  # it has ended
        # proc(5): cutime and cstime; the name before them may hold blanks
        ended = sum(map(int, Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[13:15]))
        # clock_getcpuclockid(3): the clock of another process. The ticks of /proc/PID/stat are 10 ms.
        return ended / _TICKS + time.clock_gettime(~pid << 3 | 2)
    return 0.0


def free_port() -> int:
    """Below 32768: apt-cacher-ng 3.7.4 takes greater ones for negative numbers."""
    while True:
        port = random.randint(10000, 32000)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


@contextlib.contextmanager
def running(name: str, command: list[str], port: int, is_ready: Callable[[], bool] | None = None) -> Iterator[Server]:
    """The server from when it accepts connections (or `is_ready`) until the context is left; its output is dropped.

    It begins with the limit of open files that a login shell or a service has, whatever ours is.
    """
    null = subprocess.DEVNULL
    limited = ["prlimit", f"--nofile={_OPEN_FILES}:", *command]
    process = subprocess.Popen(limited, stdin=null, stdout=null, stderr=null, start_new_session=True)
    try:
        until = time.monotonic() + _START_S
        while not (is_ready() if is_ready else _accepts(port)):
            if process.poll() is not None or time.monotonic() > until:
                sys.exit(f"{command[0]} does not start (status {process.returncode}): {' '.join(command)}")
            time.sleep(0.02)
        yield Server(name, port, process)
    finally:
        end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        pass
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _accepts(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False
