# SPDX-License-Identifier: MIT
"""Who did something to an environment: a process, told so that a later one can say whether it still runs.

A process id alone does not tell: it is reused, and in another container or after a restart it means somebody else.
So it is kept with the process's start time, the machine's boot and the namespace of process ids.
"""

import os
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

from aptfreeze.values import immutable

_LONGEST_COMMAND = 200


class Liveness(StrEnum):
    RUNNING = "running"
    ENDED = "ended"
    UNKNOWN = "unknown"
    """It ran on another machine, in another container, or before a restart."""


@immutable
class Process:
    """One run of aptfreeze."""

    command: str
    """As typed, shortened: `aptfreeze run -- mmdebstrap bookworm image.tar`."""
    pid: int
    started: int
    """Start time in clock ticks since boot; 0 if /proc does not tell."""
    machine: str
    """Boot id and namespace of process ids; empty if /proc does not tell."""

    def __str__(self) -> str:
        return f'"{self.command}" (process {self.pid})'

    @classmethod
    def current(cls, command: str) -> Self:
        """This process, doing `command`."""
        pid = os.getpid()
        return cls(command[:_LONGEST_COMMAND], pid, _started(pid), _machine())

    @classmethod
    def from_record(cls, record: Any) -> Self:
        """From `to_record`; ValueError if it is none."""
        try:
            process = cls(**record)
        except TypeError as error:
            raise ValueError(f"not a process: {record!r:.200}") from error
        if not (isinstance(process.command, str) and isinstance(process.pid, int)):
            raise ValueError(f"not a process: {record!r:.200}")
        return process

    def to_record(self) -> dict[str, Any]:
        return asdict(self)

    def liveness(self) -> Liveness:
        """Whether it still runs, as far as this process can know."""
        if not self.machine or self.machine != _machine():
            return Liveness.UNKNOWN
        return Liveness.RUNNING if _started(self.pid) == self.started else Liveness.ENDED


def _started(pid: int) -> int:
    try:
        # proc(5): the name in parentheses may hold anything; starttime is field 22, the 20th after it.
        return int(Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[19])
    except (OSError, IndexError, ValueError):
        return 0


def _machine() -> str:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except (OSError, ValueError):
        return ""
