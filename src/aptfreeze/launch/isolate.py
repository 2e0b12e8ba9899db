# SPDX-License-Identifier: MIT
"""`run --isolate`: COMMAND in a network namespace in which nothing exists but the proxy, as `run` sees it.

    with isolate(user=None) as isolation:       # before the first thread, and before any file is opened
        ...                                     # the proxy serves isolation.listener
        child = isolation.start(command, variables, signals)

The work inside is done by a keeper: see there. As root the namespace is one of the network alone; COMMAND, and from
here on this process too, belong to `user`, if given. Anybody else needs a user namespace: see `idmap`.
"""

import os
import shutil
import signal
import socket
from collections.abc import Mapping, MutableMapping, Sequence
from contextlib import ExitStack
from typing import Any, Self

from aptfreeze.errors import AptfreezeError, UsageError
from aptfreeze.launch.account import Account, invoking_user
from aptfreeze.launch.channel import Channel
from aptfreeze.launch.idmap import Ranges, free_range, map_ranges, read_ranges
from aptfreeze.launch.inherited import withhold_sockets
from aptfreeze.launch.keeper import keep
from aptfreeze.launch.namespace import forbidden
from aptfreeze.launch.notice import Notice
from aptfreeze.launch.pidfd import ProcessHandle
from aptfreeze.launch.process import Child, cannot_start, find_program
from aptfreeze.launch.signals import SignalReader


class Isolation:
    """A namespace that is there. Leaving it ends every process in it that COMMAND has left behind."""

    def __init__(
        self, channel: Channel, keeper: int, listener: socket.socket, *, maps_range: bool, notices: Sequence[Notice]
    ) -> None:
        self.listener = listener
        """Listens inside; the proxy, outside, accepts from it."""
        self.maps_range = maps_range
        """Whether COMMAND is root of a user namespace, in which mmdebstrap can unshare."""
        self.notices = tuple(notices)
        self._channel = channel
        self._keeper = keeper

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.listener.close()
        self._channel.close()
        os.waitpid(self._keeper, 0)

    def start(self, command: Sequence[str], variables: Mapping[str, str], signals: SignalReader) -> Child:
        """Start COMMAND in the namespace. NotStartedError as the shell's 126 and 127."""
        program = find_program(command[0], variables.get("PATH", os.defpath))
        order = {
            "program": program,
            "command": list(command),
            "variables": dict(variables),
            "mask": sorted(map(int, signals.mask_before)),
        }
        answer, descriptors = self._ask(order)
        if "errno" in answer:
            raise cannot_start(program, OSError(answer["errno"], os.strerror(answer["errno"])))
        return Child(ProcessHandle(answer["pid"], descriptors[0]), self._status)

    def _ask(self, order: Mapping[str, Any]) -> tuple[dict[str, Any], Sequence[int]]:
        try:
            self._channel.send(order)
            return self._channel.receive()
        except EOFError as error:
            raise _lost() from error

    def _status(self) -> int:
        try:
            answer, _ = self._channel.receive()
        except EOFError as error:
            raise _lost() from error
        status: int = answer["status"]
        return status


def isolate(user: str | None, environ: MutableMapping[str, str]) -> Isolation:
    """Make the namespace. AptfreezeError if the kernel forbids it, UsageError if `user` cannot be, or if a standard
    stream leads out.

    `user` is a name or a number, empty for who called sudo: this process then belongs to them, and `environ` says so.
    """
    account = Account.current() if user is None else Account.named(user or invoking_user(environ))
    with_user = os.geteuid() != 0
    if with_user and user is not None:
        raise UsageError(
            f"only root can run a command as {account.name}",
            hint=f'"sudo aptfreeze run --isolate --user {account.name} -- ...", or leave --user out',
        )
    withheld = withhold_sockets()
    channel, pid = _forked(account, with_user)
    with ExitStack() as undo:
        undo.callback(os.waitpid, pid, 0)
        undo.callback(channel.close)  # first: it ends the keeper
        ranges, notices = mapping(account) if with_user else (None, ())
        listener = _ready(channel, pid, account, ranges, with_user)
        undo.pop_all()
    if user is not None:
        account.become()
        account.settle(environ)
    return Isolation(channel, pid, listener, maps_range=ranges is not None, notices=(*withheld, *notices))


def _forked(account: Account, with_user: bool) -> tuple[Channel, int]:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # if inherited as ignored, the kernel would keep no status for us
    ours, theirs = socket.socketpair()
    pid = os.fork()
    if pid == 0:
        ours.close()
        keep(Channel(theirs), account, with_user=with_user)
    theirs.close()
    return Channel(ours), pid


def mapping(account: Account) -> tuple[Ranges | None, tuple[Notice, ...]]:
    """The ranges that can be mapped, or why there are none."""
    missing = [name for name in ("newuidmap", "newgidmap") if not shutil.which(name)]
    ranges = read_ranges(account)
    if ranges is not None and not missing:
        return ranges, ()
    reason = (
        f"{' and '.join(missing)} not found" if missing else f"/etc/subuid and /etc/subgid have none for {account.name}"
    )
    free = free_range()
    words = f"{free.start}-{free.start + free.count - 1}"
    hint = (
        "install the package uidmap"
        if missing
        else f"usermod --add-subuids {words} --add-subgids {words} {account.name}"
    )
    told = f"run --isolate has the own user id alone, no range of ids, so mmdebstrap cannot unshare: {reason}"
    return None, (Notice(told, hint=hint),)


def _ready(channel: Channel, pid: int, account: Account, ranges: Ranges | None, with_user: bool) -> socket.socket:
    """Hear the keeper until it is ready; the socket that listens in its namespace."""
    try:
        answer, descriptors = channel.receive()
        if "unshared" in answer:
            if ranges is not None:
                map_ranges(pid, account, ranges)
            channel.send({"own": ranges is None})
            answer, descriptors = channel.receive()
    except EOFError as error:
        raise _lost() from error
    if "forbidden" in answer:
        raise forbidden(answer["forbidden"], with_user=with_user)
    return socket.socket(fileno=descriptors[0])


def _lost() -> AptfreezeError:
    return AptfreezeError(
        "the process that keeps the namespace of --isolate is gone: it was killed",
        hint="look for the kernel's out-of-memory messages: dmesg",
    )
