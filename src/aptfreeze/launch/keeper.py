# SPDX-License-Identifier: MIT
"""The keeper: the process of `run --isolate` that makes the namespace, starts COMMAND in it, and leaves nothing behind.

Rule 1: it is forked from `run` before the first thread (unshare(2) wants that), and never returns into `run`'s code.
Rule 2: no signal but SIGKILL ends it, and not even that when it goes to all of `run`'s process group, as from a CI
system that gives a build up: COMMAND is in that group, the keeper in one of its own, in the same session.
Rule 3: whatever COMMAND starts is its descendant (PR_SET_CHILD_SUBREAPER); when `run` is gone, by its end or a
kill -9, all of them are ended, and with the last one the namespace.
Rule 4: as root it stays root, whoever COMMAND is, for COMMAND may have started processes of root by sudo.

The messages, in order ("<" is what `run` says):

    > {"unshared": true}         the namespace is there; with a user namespace only, which has no ids yet
    < {"own": BOOL}              map the own ids; else they have been mapped
    > {"pid": PID} + listener    ready
    < {"program", "command", "variables", "mask"}
    > {"pid": PID} + pidfd       COMMAND runs; or {"errno": NUMBER}, and another order may come
    > {"status": STATUS}         as waitpid(2) has it, once COMMAND has ended

{"forbidden": NUMBER} in place of the first or the second one ends it.
"""

import contextlib
import ctypes
import os
import select
import signal
import socket
import time
import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NoReturn

from aptfreeze.launch.account import Account
from aptfreeze.launch.channel import Channel
from aptfreeze.launch.idmap import map_own
from aptfreeze.launch.namespace import leave_network, listen_inside

STOP_LIMIT_S: Final = 10.0
"""How long what COMMAND has left behind may need after SIGTERM before it gets SIGKILL."""

_LOOK_S: Final = 0.1
_PR_SET_PDEATHSIG: Final = 1
_PR_SET_CHILD_SUBREAPER: Final = 36
_RESET: Final = (signal.SIGPIPE, signal.SIGXFSZ)
"""Ignored by Python itself since its start."""


def keep(channel: Channel, account: Account, *, with_user: bool) -> NoReturn:
    """The whole life of the keeper. `account` is COMMAND's user; `with_user`: in a user namespace."""
    try:
        signal.pthread_sigmask(signal.SIG_SETMASK, signal.valid_signals() - {signal.SIGCHLD})
        _prctl(_PR_SET_CHILD_SUBREAPER, 1)
        group = os.getpgrp()
        os.setpgid(0, 0)
        with contextlib.suppress(EOFError):
            _Keeper(channel, account, group, with_user).serve()
    except Exception:
        traceback.print_exc()  # a bug: `run` finds the channel closed
    finally:
        os._exit(0)


class _Keeper:
    """Mutable state: the pid of COMMAND, 0 while there is none."""

    def __init__(self, channel: Channel, account: Account, group: int, with_user: bool) -> None:
        self._channel = channel
        self._account = account
        self._group = group
        self._with_user = with_user
        self._command = 0
        self._wakes, wakes = os.pipe()
        os.set_blocking(wakes, False)
        os.set_blocking(self._wakes, False)
        signal.set_wakeup_fd(wakes, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def serve(self) -> None:
        """EOFError when `run` is gone and everything has ended; returns if there is no namespace."""
        try:
            listener = self._isolated()
        except OSError as error:
            self._channel.send({"forbidden": error.errno})
            return
        with listener:  # ours is closed: who connects when `run` is dead must be refused
            self._channel.send({"pid": os.getpid()}, listener.fileno())
        try:
            while True:
                self._step()
        finally:
            _end_all()

    def _isolated(self) -> socket.socket:
        leave_network(with_user=self._with_user)
        if self._with_user:
            self._channel.send({"unshared": True})
            answer, _ = self._channel.receive()
            if answer["own"]:
                map_own(self._account)
        return listen_inside()

    def _step(self) -> None:
        ready, _, _ = select.select([self._channel.fileno(), self._wakes], [], [])
        if self._wakes in ready:
            with contextlib.suppress(BlockingIOError):
                os.read(self._wakes, 4096)
            for pid, status in _reaped():
                if pid == self._command:
                    self._channel.send({"status": status})
        if self._channel.fileno() in ready:
            order, _ = self._channel.receive()
            self._start(order)

    def _start(self, order: Mapping[str, Any]) -> None:
        try:
            account = None if self._with_user or os.geteuid() != 0 else self._account
            self._command = _spawned(order, self._group, account)
        except OSError as error:
            self._channel.send({"errno": error.errno})
            return
        handle = os.pidfd_open(self._command)  # nobody but us reaps it, so the number is still its own
        self._channel.send({"pid": self._command}, handle)
        os.close(handle)


def _spawned(order: Mapping[str, Any], group: int, account: Account | None) -> int:
    """COMMAND's pid; OSError if it cannot be executed. `account`: whom it belongs to, if not to us."""
    reading, writing = os.pipe()  # close-on-exec: it ends without a word when COMMAND runs
    pid = os.fork()
    if pid == 0:
        _execute(order, group, account, writing)
    os.close(writing)
    with open(reading, "rb") as errors:  # noqa: PTH123 - a descriptor
        number = errors.read()
    if number:
        os.waitpid(pid, 0)
        raise OSError(int(number), os.strerror(int(number)))
    return pid


def _execute(order: Mapping[str, Any], group: int, account: Account | None, writing: int) -> NoReturn:
    try:
        os.setpgid(0, group)
        if account is not None:
            account.become()
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)  # after the ids, which clear it
        for number in _RESET:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, order["mask"])
        os.execve(order["program"], order["command"], order["variables"])
    except OSError as error:
        os.write(writing, str(error.errno).encode())
    finally:
        os._exit(127)


def _reaped() -> Iterator[tuple[int, int]]:
    """Those of our children that have ended, and how; orphans of COMMAND are ours as well."""
    with contextlib.suppress(ChildProcessError):
        while (found := os.waitpid(-1, os.WNOHANG))[0]:
            yield found


def _end_all() -> None:
    """End every descendant: SIGTERM, after STOP_LIMIT_S SIGKILL. Those of one that ended become our own children."""
    limit, asked = time.monotonic() + STOP_LIMIT_S, set[int]()
    while _has_children():
        late = time.monotonic() > limit
        for pid in _children():
            with contextlib.suppress(ProcessLookupError):
                if late:
                    os.kill(pid, signal.SIGKILL)
                elif pid not in asked:
                    os.kill(pid, signal.SIGTERM)
                    os.kill(pid, signal.SIGCONT)  # a stopped process would not notice
            asked.add(pid)
        time.sleep(_LOOK_S)


def _has_children() -> bool:
    """Whether any is left, now that those are reaped which have ended."""
    list(_reaped())
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def _children() -> Iterator[int]:
    """By /proc; what cannot be read has just ended."""
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            state_and_parent = (folder / "stat").read_bytes().rpartition(b")")[2].split()
            if int(state_and_parent[1]) == os.getpid():
                yield int(folder.name)


def _prctl(option: int, value: int) -> None:
    ctypes.CDLL(None).prctl(option, value, 0, 0, 0)
