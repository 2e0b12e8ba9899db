# SPDX-License-Identifier: MIT
"""A finished process, with all that a failing test wants to show."""

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self


@dataclass(frozen=True, slots=True)
class Result:
    """What a command did."""

    command: tuple[str, ...]
    returncode: int
    stdout: str
    stderr: str

    def __str__(self) -> str:
        line = " ".join(self.command)
        return f"{line}\nexit status {self.returncode}\n--- stdout\n{self.stdout}\n--- stderr\n{self.stderr}"

    @property
    def output(self) -> str:
        return self.stdout + self.stderr

    def said_by(self, program: str) -> str:
        """Those lines of stderr that the program marks as its own (`aptfreeze: ...`)."""
        return "\n".join(line for line in self.stderr.splitlines() if line.startswith(f"{program}: "))

    def ok(self) -> Self:
        """Itself; AssertionError with the output if the command failed."""
        assert self.returncode == 0, str(self)
        return self

    def fails(self, returncode: int | None = None) -> Self:
        """Itself; AssertionError with the output if the command succeeded, or failed with another status."""
        assert self.returncode != 0, str(self)
        assert returncode in (None, self.returncode), str(self)
        return self


def run(command: Sequence[str], *, env: Mapping[str, str], cwd: Path, timeout_s: float = 120) -> Result:
    """Runs it to its end with exactly this environment and no input."""
    done = subprocess.run(
        command, env=env, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout_s
    )
    return Result(tuple(command), done.returncode, done.stdout, done.stderr)
