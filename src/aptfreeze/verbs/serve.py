# SPDX-License-Identifier: MIT
"""`aptfreeze serve`: the proxy of one environment, in the foreground, until a signal or the end of a process."""

import asyncio
import ipaddress
import json
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from aptfreeze.environment import files
from aptfreeze.environment.opened import Opened
from aptfreeze.errors import UsageError
from aptfreeze.launch.pidfd import watch_pid
from aptfreeze.serve.running import World, running

_COMMIT_AFTER_S = 60.0


@dataclass(frozen=True, slots=True)
class Address:
    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> "Address":
        """`127.0.0.1:3142`, `[::1]:3142`, `localhost:0`; UsageError for what is no loopback address."""
        host, colon, port = text.rpartition(":")
        host = host.removeprefix("[").removesuffix("]")
        if not colon or not (port.isascii() and port.isdigit()) or int(port) > 65535:
            raise UsageError(f"--listen {text!r} is no ADDRESS:PORT", hint="for example --listen 127.0.0.1:3142")
        if not _is_loopback(host):
            raise UsageError(
                f"--listen {text!r} is no loopback address, and only those are allowed for now",
                hint="use 127.0.0.1, [::1] or localhost",
            )
        return cls(host, int(port))

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


async def serve(
    opened: Opened, address: Address, *, ready_file: Path | None, watched: int | None, tell: Callable[[str], None]
) -> None:
    """Serve until SIGTERM, SIGINT, or the end of the process `watched`; then finish the session."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    generation = opened.store.init()
    world = World(opened.store, generation, opened.settings, opened.process, tell, _COMMIT_AFTER_S)
    async with running(world, address.host, address.port) as proxy:
        url = f"http://{Address(address.host, proxy.port)}"
        tell(f"serving {opened.environment.root} on {url}, generation {generation.id[:12]}")
        _tell_ready(ready_file, url, generation.id)
        await _until(ended, watched)
        await asyncio.to_thread(_tell_ended, ready_file)
        for each in await proxy.finish(lambda ready, size: None):
            tell(f"no Sources of {each.key} {each.component}: {each.error.message}")


def _tell_ready(ready_file: Path | None, url: str, generation: str) -> None:
    if ready_file is not None:
        ready = {"url": url, "pid": os.getpid(), "generation": generation}
        files.replace(ready_file, json.dumps(ready).encode() + b"\n")


def _tell_ended(ready_file: Path | None) -> None:
    if ready_file is not None:
        ready_file.unlink(missing_ok=True)


async def _until(ended: asyncio.Event, watched: int | None) -> None:
    async def watch(pid: int) -> None:
        await watch_pid(pid)
        ended.set()

    async with asyncio.TaskGroup() as tasks:
        watcher = None if watched is None else tasks.create_task(watch(watched), name=f"watch {watched}")
        await ended.wait()
        if watcher is not None:
            watcher.cancel()
