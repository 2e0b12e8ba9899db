# SPDX-License-Identifier: MIT
"""A process that can be waited for on the event loop and signalled without ever meeting another one of the same number.

pidfd_open(2), Linux 5.3: the descriptor stands for the process, not for its number, and is readable once it has ended.
"""

import asyncio
import errno
import os
import signal
from typing import Self

from aptfreeze.errors import AptfreezeError, UsageError

_NOT_A_PROCESS = (errno.EINVAL, errno.ENOENT)
"""A number below 1, or that of a thread which is not the first of its process."""


class ProcessHandle:
    """One running process, ours or not. Close it, or use it as a context manager."""

    def __init__(self, pid: int, descriptor: int | None = None) -> None:
        """UsageError if there is no process `pid` (a thread's number is none).

        `descriptor` is that of pidfd_open(2) where somebody has called it already; it is the handle's from then on.
        """
        self.pid = pid
        self._descriptor = _open(pid) if descriptor is None else descriptor

    def __repr__(self) -> str:
        return f"<ProcessHandle pid {self.pid}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def ended(self) -> None:
        """Returns once the process has ended; at once when it had already. May be cancelled and called again."""
        loop = asyncio.get_running_loop()
        readable = loop.create_future()
        loop.add_reader(self._descriptor, _resolve, readable)
        try:
            await readable
        finally:
            loop.remove_reader(self._descriptor)

    def send(self, number: int) -> None:
        """Send a signal; nothing happens when the process has ended. PermissionError if it is not ours to signal."""
        try:
            signal.pidfd_send_signal(self._descriptor, number)
        except ProcessLookupError:
            return

    def close(self) -> None:
        os.close(self._descriptor)


def _open(pid: int) -> int:
    try:
        return os.pidfd_open(pid)
    except (ProcessLookupError, OverflowError) as error:
        raise _no_process(pid) from error
    except OSError as error:
        if error.errno in _NOT_A_PROCESS:
            raise _no_process(pid) from error
        raise AptfreezeError(
            f"cannot watch process {pid}: {error.strerror}",
            hint="aptfreeze needs pidfd_open (Linux 5.3); a container's seccomp filter may forbid it",
        ) from error


def _no_process(pid: int) -> UsageError:
    return UsageError(f"there is no process {pid}", hint="name a process that runs: its number is in $! or $PPID")


def _resolve(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)
