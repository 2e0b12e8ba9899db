# SPDX-License-Identifier: MIT
"""The signals that come to `run` while COMMAND runs, each with its sender.

Ctrl-C goes from the terminal to every process of its foreground group, COMMAND included, so it must not be passed on a
second time; `kill -INT` on aptfreeze alone must be. Only the sender tells the two apart, and a Python handler does not
get it, so the signals are blocked and read from a signalfd(2), which the event loop waits for like any socket.

Rule 1: `SignalReader` is entered before any thread starts: threads inherit the blocking, and one that does not block
them would take the signals with their default effect. RuntimeError otherwise.
Rule 2: no handler is installed, so what was ignored at the start (nohup, a shell's background job) is so in COMMAND.
Rule 3: what has arrived until the end is consumed: it was meant for the time in which COMMAND ran.
"""

import ctypes
import os
import signal
import struct
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Final, Self

from aptfreeze.values import immutable

FORWARDED: Final = frozenset(
    {
        signal.SIGINT,
        signal.SIGTERM,
        signal.SIGHUP,
        signal.SIGQUIT,
        signal.SIGUSR1,
        signal.SIGUSR2,
        signal.SIGCONT,
    }
)
"""SIGTSTP is not among them: its default effect, on all of the group at once, is what a terminal's user expects."""

_RECORD: Final = struct.Struct("=IiiI112x")
"""The head of struct signalfd_siginfo, which has 128 bytes: signal, errno, code, sender's pid."""
_SI_KERNEL: Final = 0x80
_SIGSET_BYTES: Final = 128


@immutable
class Arrived:
    """One signal."""

    number: signal.Signals
    sender: int
    """Process id; 0 when the kernel sent it."""
    by_kernel: bool
    """Whether it came from the terminal (a key, a hang-up): such a signal goes to the whole foreground group."""


class SignalReader:
    """Blocks the signals of FORWARDED and reads them, from `__enter__` to `__exit__`, in the main thread."""

    def __init__(self) -> None:
        self._descriptor = -1
        self.mask_before: frozenset[int] = frozenset()
        """The signals that were blocked already; what COMMAND starts with."""

    def __enter__(self) -> Self:
        if threading.active_count() > 1:
            raise RuntimeError("signals must be blocked before the first thread starts")
        self.mask_before = frozenset(signal.pthread_sigmask(signal.SIG_BLOCK, FORWARDED))
        self._descriptor = _signalfd(FORWARDED)
        return self

    def __exit__(self, *_: object) -> None:
        list(self.read())
        os.close(self._descriptor)
        signal.pthread_sigmask(signal.SIG_SETMASK, self.mask_before)

    def fileno(self) -> int:
        return self._descriptor

    def read(self) -> Iterator[Arrived]:
        """The signals that have arrived, without waiting."""
        with suppress(BlockingIOError):
            while data := os.read(self._descriptor, _RECORD.size * 8):
                for number, _, code, sender in _RECORD.iter_unpack(data):
                    yield Arrived(signal.Signals(number), sender, code == _SI_KERNEL)


def _signalfd(numbers: Iterable[signal.Signals]) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    word = ctypes.c_ulong
    mask = (word * (_SIGSET_BYTES // ctypes.sizeof(word)))(sum(1 << (number - 1) for number in numbers))
    descriptor: int = libc.signalfd(-1, mask, os.O_CLOEXEC | os.O_NONBLOCK)
    if descriptor < 0:
        raise OSError(ctypes.get_errno(), "signalfd")
    return descriptor
