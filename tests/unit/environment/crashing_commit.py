# SPDX-License-Identifier: MIT
"""Pins a suite and commits it, and is killed by its own hand: `crashing_commit.py FOLDER commit|leave NUMBER`.

`commit NUMBER`: just before system call NUMBER (of those that change files); `leave`: after the provisional pin.
"""

import os
import signal
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aptfreeze.environment.folder import Environment
from aptfreeze.environment.process import Process
from aptfreeze.environment.store import EnvironmentStore
from aptfreeze.freeze.digest import Digest
from aptfreeze.freeze.generation import InRelease, Pin, SuiteKey

CHANGING = ("open", "write", "fsync", "replace", "ftruncate", "pwrite", "fchmod", "chown")


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def die_at(number: int) -> None:
    """Kill this process before its system call `number`; a write is torn: half of it is done."""
    left = iter(range(number, -1, -1))

    def dying(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any, **options: Any) -> Any:
            if next(left) == 0:
                if name == "write":
                    call(arguments[0], arguments[1][: len(arguments[1]) // 2])
                die()
            return call(*arguments, **options)

        return run

    for name in CHANGING:
        setattr(os, name, dying(name, getattr(os, name)))


def main(folder: str, step: str, number: str) -> None:
    store = EnvironmentStore(Environment(Path(folder)), Process.current("aptfreeze crashing"))
    key = SuiteKey("mirror.example.org/debian", "bookworm")
    pin = Pin(InRelease(Digest.of(b"one")), datetime(2026, 11, 24, 7, tzinfo=UTC))
    generation = store.load()
    if step == "commit":
        die_at(int(number))
    store.add_provisional(generation.id, key, pin)
    if step == "leave":
        die()
    store.commit(generation.id, {key: pin})


if __name__ == "__main__":
    main(*sys.argv[1:])
