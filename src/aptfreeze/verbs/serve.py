# SPDX-License-Identifier: MIT
"""`aptfreeze serve`: the proxy of one environment, in the foreground, until a signal or the end of a process."""

import asyncio
import contextlib
import ipaddress
import json
import os
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from aptfreeze.describe.watching import Show
from aptfreeze.environment import files
from aptfreeze.environment.opened import Opened
from aptfreeze.errors import UsageError
from aptfreeze.launch.pidfd import ProcessHandle
from aptfreeze.serve.assembly import World
from aptfreeze.serve.running import running
from aptfreeze.serve.server import allow_connections
from aptfreeze.serve.watching import serving_of, sources_of, watched
from aptfreeze.values import immutable

if TYPE_CHECKING:
    from aptfreeze.serve.gate import Gate

_COMMIT_AFTER_S = 60.0
_PORT = re.compile(r"[0-9]{1,5}")


@immutable
class Address:
    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> "Address":
        """`127.0.0.1:3142`, `[::1]:3142`, `localhost:0`, `:3142` (all of this machine); UsageError for what is none."""
        host, colon, port = text.rpartition(":")
        host = host.removeprefix("[").removesuffix("]")
        if not colon or not _PORT.fullmatch(port) or int(port) > 65535:
            raise UsageError(f"--listen {text!r} is no ADDRESS:PORT", hint="for example --listen 127.0.0.1:3142")
        return cls(host, int(port))

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        try:
            return self.host == "localhost" or ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def local(self) -> "Address":
        """How this machine's own programs reach it."""
        if self.host in ("", "0.0.0.0"):
            return Address("127.0.0.1", self.port)
        return Address("::1" if self.host == "::" else self.host, self.port)

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


async def serve(
    opened: Opened,
    address: Address,
    *,
    ready_file: Path | None,
    watched_pid: int | None,
    tell: Callable[[str], None],
    show: Show | None = None,
    access_log: Path | None = None,
) -> None:
    """Serve until SIGTERM, SIGINT, or the end of the process `watched_pid`; then finish the session.

    `tell` tells a line for good, `show` one that the next one replaces. With `watched_pid` it is one session, with one
    generation; else each request is answered from the generation that is current when it comes.

    UsageError if there is no such process, the address cannot be had, the ready file cannot be written, or other
    machines reach the address and the settings do not say what they may have.
    """
    gate = None if address.is_loopback else _gate(opened, address)
    if ready_file is not None:
        files.check_deliverable(ready_file)
    allow_connections()
    ended = _signalled()
    with contextlib.nullcontext() if watched_pid is None else ProcessHandle(watched_pid) as process:
        generation = opened.store.init()
        world = World(
            opened.store,
            generation,
            opened.settings,
            opened.process,
            tell,
            _COMMIT_AFTER_S,
            access_log,
            follows=watched_pid is None,
            gate=gate,
            signing_key=opened.signing_key(),
        )
        async with running(world, address.host, address.port) as proxy:
            listening = Address(address.host, proxy.port)
            url = f"http://{listening.local}"
            where = url if listening.local == listening else f"{url} and every address of this machine"
            tell(f"serving {opened.environment.root} on {where}, generation {generation.id[:12]}")
            with _told_ready(ready_file, url, generation.id), watched(serving_of(proxy), show):
                await _first(ended, process)
            ended.clear()  # a second signal ends the waiting for Sources
            with watched(sources_of(proxy, tell), show):
                missing = await proxy.finish(ended)
            for each in missing:
                tell(f"no Sources of {each.key} {each.component}: {each.error.message}")


def _gate(opened: Opened, address: Address) -> "Gate":
    from aptfreeze.serve.gate import Gate  # start-up time

    return Gate.of(opened.settings.policy, f"--listen {address}")


@contextlib.contextmanager
def _told_ready(ready_file: Path | None, url: str, generation: str) -> Iterator[None]:
    """The ready file exists as long as clients are served."""
    if ready_file is None:
        yield
        return
    ready = {"url": url, "pid": os.getpid(), "generation": generation}
    files.deliver(ready_file, json.dumps(ready).encode() + b"\n")
    try:
        yield
    finally:
        files.take_back(ready_file)


def _signalled() -> asyncio.Event:
    """Set by SIGTERM and SIGINT, which from now on do nothing else."""
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    return ended


async def _first(ended: asyncio.Event, process: ProcessHandle | None) -> None:
    """Returns when the event is set or, if there is one, when the process has ended."""

    async def watch(process: ProcessHandle) -> None:
        await process.ended()
        ended.set()

    async with asyncio.TaskGroup() as tasks:
        watcher = None if process is None else tasks.create_task(watch(process), name=f"watch {process.pid}")
        await ended.wait()
        if watcher is not None:
            watcher.cancel()
