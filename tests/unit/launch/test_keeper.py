# SPDX-License-Identifier: MIT
"""What the keeper leaves of a namespace when `run`, here a host process in its place, has ended: nothing.

How COMMAND meets it, test_process.py tells, for COMMANDs with a keeper and without.
"""

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.isolation import Mark, needs_namespaces

pytestmark = needs_namespaces()

_LIMIT_S = 30
_HOST = """
import asyncio, os, sys
from aptfreeze.errors import AptfreezeError
from aptfreeze.launch import keeper
from aptfreeze.launch.isolate import isolate
from aptfreeze.launch.process import run_command
from aptfreeze.launch.signals import SignalReader

keeper.STOP_LIMIT_S = float(sys.argv[1])
try:
    with isolate(None, os.environ) as isolation, SignalReader() as signals:
        ended = asyncio.run(run_command(["sh", "-c", sys.argv[2]], os.environ, signals, isolation.start))
except AptfreezeError as error:
    sys.exit(str(error))
sys.exit(ended.status)
"""


@contextmanager
def host(
    tmp_path: Path, text: str, *, stop_limit_s: float = 60, own_group: bool = False
) -> Iterator[tuple[subprocess.Popen[str], Mark]]:
    """A host that runs this text of a shell, and what tells its processes from others."""
    (tmp_path / "host.py").write_text(_HOST)
    line, mark = [sys.executable, str(tmp_path / "host.py"), str(stop_limit_s), text], Mark()
    with subprocess.Popen(
        line,
        env=os.environ | mark.variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0 if own_group else None,
    ) as process:
        yield process, mark


def test_what_the_command_has_left_behind_is_ended_with_the_run(tmp_path: Path) -> None:
    with host(tmp_path, "setsid sleep 1000 </dev/null >/dev/null 2>&1 & exit 3") as (process, mark):
        assert process.wait(_LIMIT_S) == 3

        assert mark.processes() == []


def test_it_may_clean_up(tmp_path: Path) -> None:
    left = f"trap 'echo cleaned > {tmp_path}/told; exit' TERM; : > {tmp_path}/ready; while :; do sleep 0.1; done"
    text = f'sh -c "{left}" & until [ -e {tmp_path}/ready ]; do sleep 0.01; done'
    with host(tmp_path, text) as (process, _):
        assert process.wait(_LIMIT_S) == 0

        assert (tmp_path / "told").read_text() == "cleaned\n"


def test_one_that_does_not_want_to_end_is_killed(tmp_path: Path) -> None:
    text = f'sh -c "trap : TERM; : > {tmp_path}/ready; while :; do sleep 0.1; done" & '
    text += f"until [ -e {tmp_path}/ready ]; do sleep 0.01; done"
    with host(tmp_path, text, stop_limit_s=0.2) as (process, mark):
        assert process.wait(_LIMIT_S) == 0

        assert mark.processes() == []


def test_a_killed_run_leaves_no_process_and_no_namespace(tmp_path: Path) -> None:
    with host(tmp_path, "setsid sleep 1000 & sleep 1000 & echo ready; wait") as (process, mark):
        assert process.stdout
        assert process.stdout.readline() == "ready\n"

        process.kill()
        process.wait(_LIMIT_S)

        mark.wait_until_gone()


def test_a_killed_keeper_takes_the_command_with_it_and_is_told(tmp_path: Path) -> None:
    with host(tmp_path, "echo $PPID; exec sleep 1000") as (process, mark):
        assert process.stdout
        assert process.stderr
        os.kill(int(process.stdout.readline()), signal.SIGKILL)

        assert process.wait(_LIMIT_S) == 1
        assert "the process that keeps the namespace of --isolate is gone" in process.stderr.read()
        mark.wait_until_gone()


@pytest.mark.parametrize("name", ["INT", "TERM", "HUP", "QUIT", "TSTP", "USR1"])
def test_no_signal_ends_the_keeper_before_its_time(tmp_path: Path, name: str) -> None:
    with host(tmp_path, f"kill -{name} $PPID; exit 4") as (process, _):
        assert process.wait(_LIMIT_S) == 4


def test_a_kill_9_of_all_of_its_process_group_leaves_nothing_either(tmp_path: Path) -> None:
    text = "setsid sh -c 'echo ready; exec sleep 1000' & wait"
    with host(tmp_path, text, own_group=True) as (process, mark):
        assert process.stdout
        assert process.stdout.readline() == "ready\n"

        os.killpg(process.pid, signal.SIGKILL)
        process.wait(_LIMIT_S)

        mark.wait_until_gone()


_LATE_CLIENT = """
import os, pathlib, signal, socket, sys, time

def ask(*_):
    while not (folder / "dead").exists():
        time.sleep(0.01)
    try:
        socket.create_connection(("127.0.0.1", 3142), timeout=10)
        told = "connected"
    except OSError as error:
        told = error.strerror
    (folder / "told.tmp").write_text(told)
    (folder / "told.tmp").rename(folder / "told")
    os._exit(0)

folder = pathlib.Path(sys.argv[1])
signal.signal(signal.SIGTERM, ask)
print("ready", flush=True)
while True:
    signal.pause()
"""


def test_without_run_nobody_listens_any_more(tmp_path: Path) -> None:
    """Who asks then is refused at once, and does not wait for an answer that nobody will give."""
    (tmp_path / "client.py").write_text(_LATE_CLIENT)
    with host(tmp_path, shlex.join(["exec", sys.executable, f"{tmp_path}/client.py", str(tmp_path)])) as (
        process,
        mark,
    ):
        assert process.stdout
        assert process.stdout.readline() == "ready\n"

        process.kill()
        process.wait(_LIMIT_S)
        (tmp_path / "dead").touch()

        mark.wait_until_gone()
        assert (tmp_path / "told").read_text() == "Connection refused"
