# SPDX-License-Identifier: MIT
"""COMMAND as a process: started, signalled, waited for, and its status as a shell would say it.

Rule 1: COMMAND gets our standard streams, working folder, process group and every descriptor that we inherited (make's
job server, a shell's `<(...)`); none that aptfreeze opened (PEP 446), no blocked and no newly ignored signal.
Rule 2: a signal to aptfreeze is a signal to COMMAND, unless COMMAND has had it already: one from the terminal, or one
that COMMAND sent itself to its group. A sender that names the whole group (`kill -- -PGID`, a service manager) is not
told apart: COMMAND then gets the signal twice.
Rule 3: COMMAND never becomes a zombie, and is ended with us when we are cancelled. After a SIGKILL of aptfreeze it goes
on, without a proxy: its next request fails.
"""

import asyncio
import errno
import os
import shutil
import signal
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final, Protocol

from aptfreeze.errors import AptfreezeError, UsageError
from aptfreeze.launch.pidfd import ProcessHandle
from aptfreeze.launch.signals import Arrived, SignalReader
from aptfreeze.values import immutable

NOT_EXECUTABLE: Final = 126
NOT_FOUND: Final = 127
_SIGNAL_BASE: Final = 128
_RESET: Final = (signal.SIGPIPE, signal.SIGXFSZ)
"""Ignored by Python itself since its start."""
_STOP_LIMIT_S: Final = 10.0
"""How long a COMMAND that is ended with us may need after SIGTERM before it gets SIGKILL."""


class NotStartedError(UsageError):
    """COMMAND could not be started; `run` exits with `shell_status`, as a shell would."""

    def __init__(self, message: str, *, hint: str | None, shell_status: int) -> None:
        super().__init__(message, hint=hint)
        self.shell_status = shell_status

    @property
    def run_status(self) -> int:
        return self.shell_status


@immutable
class Ended:
    """How COMMAND ended."""

    status: int
    """As in a shell: its own status, or 128 + the number of the signal."""
    signal: int | None
    """The signal that ended it."""

    @classmethod
    def of(cls, wait_status: int) -> "Ended":
        """From the status that waitpid(2) gives."""
        code = os.waitstatus_to_exitcode(wait_status)
        return cls(code, None) if code >= 0 else cls(_SIGNAL_BASE - code, -code)


def find_program(name: str, path: str) -> str:
    """The file that COMMAND's first word means, by this PATH. NotStartedError if there is none that can be executed."""
    if found := shutil.which(name, path=path):
        return found
    there = name if "/" in name and Path(name).is_dir() else shutil.which(name, mode=os.F_OK, path=path)
    if there:
        raise NotStartedError(f"{there} cannot be executed", hint=f"see: ls -ld {there}", shell_status=NOT_EXECUTABLE)
    where = "there is no such file" if "/" in name else "not found in PATH"
    raise NotStartedError(f"{name}: {where}", hint="check the words behind --", shell_status=NOT_FOUND)


@immutable
class Child:
    """COMMAND, started."""

    handle: ProcessHandle
    """Whoever waits for its end closes it."""
    reap: Callable[[], int]
    """Takes the status that waitpid(2) gives; once, after its end."""


class Start(Protocol):
    """Starts COMMAND. NotStartedError as the shell's 126 and 127."""

    def __call__(self, command: Sequence[str], variables: Mapping[str, str], signals: SignalReader) -> Child: ...


async def run_command(
    command: Sequence[str], variables: Mapping[str, str], signals: SignalReader, start: Start | None = None
) -> Ended:
    """Start COMMAND, by `start` if it is to be no child of ours, and wait for its end, passing on what `signals` reads.

    NotStartedError as the shell's 126 and 127. When cancelled, COMMAND gets SIGTERM, later SIGKILL, and is waited for.
    """
    started = (start or _spawn)(command, variables, signals)
    with started.handle as child:
        loop = asyncio.get_running_loop()
        loop.add_reader(signals.fileno(), _forward, signals, child)
        try:
            await child.ended()
        except asyncio.CancelledError:
            await _stop(child)
            raise
        finally:
            loop.remove_reader(signals.fileno())
            ended = Ended.of(started.reap())
    return ended


def cannot_start(program: str, error: OSError) -> NotStartedError:
    """The error for a program that is there and that the kernel does not execute."""
    return NotStartedError(f"{program}: {error.strerror}", hint=_spawn_hint(error.errno), shell_status=NOT_EXECUTABLE)


def _spawn(command: Sequence[str], variables: Mapping[str, str], signals: SignalReader) -> Child:
    program = find_program(command[0], variables.get("PATH", os.defpath))
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # if inherited as ignored, the kernel would keep no status for us
    try:
        pid = os.posix_spawn(program, list(command), variables, setsigmask=signals.mask_before, setsigdef=_RESET)
    except OSError as error:
        raise cannot_start(program, error) from error
    try:
        return Child(ProcessHandle(pid), partial(_reap, pid))
    except AptfreezeError:
        os.kill(pid, signal.SIGKILL)
        _reap(pid)
        raise


def _reap(pid: int) -> int:
    """Take the status of a COMMAND that has ended."""
    return os.waitpid(pid, 0)[1]


def _spawn_hint(number: int | None) -> str | None:
    hints = {
        errno.ENOENT: "the interpreter in its first line does not exist",
        errno.ENOEXEC: 'it is no program of this machine; a script needs a first line such as "#!/bin/sh"',
    }
    return hints.get(number) if number else None


def _forward(signals: SignalReader, child: ProcessHandle) -> None:
    for arrived in signals.read():
        if not _has_had(arrived, child.pid):
            child.send(arrived.number)


def _has_had(arrived: Arrived, pid: int) -> bool:
    """Whether COMMAND got the signal without our help."""
    if arrived.by_kernel:
        return _group_of(pid) == os.getpgrp()
    return arrived.sender == pid


def _group_of(pid: int) -> int | None:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return None


async def _stop(child: ProcessHandle) -> None:
    child.send(signal.SIGTERM)
    child.send(signal.SIGCONT)  # a stopped process would not notice
    try:
        async with asyncio.timeout(_STOP_LIMIT_S):
            await child.ended()
    except TimeoutError:
        pass  # it had its time
    finally:
        child.send(signal.SIGKILL)
