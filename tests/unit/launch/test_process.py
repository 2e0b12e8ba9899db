# SPDX-License-Identifier: MIT
"""COMMAND as `run` starts it: each story has a real host process (in place of `aptfreeze run`) and a real command."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from aptfreeze.launch.process import Ended, NotStartedError, find_program
from support.isolation import can_isolate

_LIMIT_S = 20

_HOST = """
import asyncio, contextlib, os, sys
from aptfreeze.launch.isolate import isolate
from aptfreeze.launch.process import NotStartedError, run_command
from aptfreeze.launch.signals import SignalReader

def main():
    held = open(__file__)  # a descriptor of ours, that COMMAND must not see
    isolation = isolate(None, os.environ) if {isolated} else contextlib.nullcontext()
    with isolation, SignalReader() as signals:
        try:
            start = isolation.start if {isolated} else None
            return asyncio.run(run_command(sys.argv[1:], os.environ, signals, start)).status
        except NotStartedError as error:
            print(error, file=sys.stderr)
            return error.shell_status

sys.exit(main())
"""

_COUNTING = """
import os, signal
seen = []
def tell(*words):
    os.write(1, (" ".join(words) + "\\n").encode())  # a print() that another signal interrupts cannot be entered again
def note(number, _):
    seen.append(signal.Signals(number).name)
    tell(seen[-1])
    if number == signal.SIGTERM:
        tell("all:", *seen)
        os._exit(0)
for name in ("INT", "TERM", "HUP", "QUIT", "USR1", "USR2", "CONT"):
    signal.signal(getattr(signal, "SIG" + name), note)
reading, writing = os.pipe()  # a signal just before a pause() would not end it
os.set_blocking(writing, False)
signal.set_wakeup_fd(writing)
{before}
tell("ready")
while True:
    os.read(reading, 1)
"""
"""A command that tells each signal as it comes, and all of them at SIGTERM.

Signals that wait are read lowest number first, so at SIGTERM (15) every lower one sent before has been passed on."""


@pytest.fixture(params=["child", "isolated"])
def host(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """COMMAND is to be the same for its caller, whether it is our child or that of a namespace's keeper."""
    if request.param == "isolated" and not can_isolate():
        pytest.skip("this machine gives no namespaces")
    return written_host(tmp_path, isolated=request.param == "isolated")


def written_host(folder: Path, *, isolated: bool) -> Path:
    script = folder / "host.py"
    script.write_text(_HOST.format(isolated=isolated))
    return script


def run(host: Path, *command: str, **options: Any) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, str(host), *command]
    return subprocess.run(line, capture_output=True, text=True, timeout=_LIMIT_S, **options)


class Running:
    """A host whose command prints `ready` and then counts signals."""

    def __init__(self, host: Path, *, before: str = "", prefix: Sequence[str] = (), **options: Any) -> None:
        command = [sys.executable, "-c", _COUNTING.format(before=before)]
        options = {"stdout": subprocess.PIPE, "start_new_session": True} | options
        self.process = subprocess.Popen([*prefix, sys.executable, str(host), *command], text=True, **options)
        self.lines: Iterator[str] = iter(self.process.stdout or ())

    def wait_for(self, text: str) -> None:
        assert any(line.strip() == text for line in self.lines), f"{text} never came"

    def finish(self) -> str:
        """The names of all signals that the command has seen until SIGTERM, which comes last."""
        self.process.send_signal(signal.SIGTERM)
        names = next(line for line in self.lines if line.startswith("all:")).split()[1:-1]
        assert self.process.wait(_LIMIT_S) == 0
        if self.process.stdout:
            self.process.stdout.close()
        return " ".join(names)


@pytest.mark.parametrize("status", [0, 1, 42, 255])
def test_the_command_s_status_is_ours(host: Path, status: int) -> None:
    assert run(host, "sh", "-c", f"exit {status}").returncode == status


@pytest.mark.parametrize(("name", "status"), [("KILL", 137), ("TERM", 143), ("INT", 130), ("SEGV", 139)])
def test_a_command_ended_by_a_signal_gives_128_and_its_number(host: Path, name: str, status: int) -> None:
    assert run(host, "sh", "-c", f"kill -{name} $$").returncode == status


def test_a_wait_status_says_which_signal_it_was() -> None:
    assert Ended.of(9) == Ended(137, 9)
    assert Ended.of(3 << 8) == Ended(3, None)


def test_what_cannot_be_started_is_told_as_a_shell_would(host: Path, tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.write_text("#!/bin/sh\n")
    lost = tmp_path / "lost"
    lost.write_text("#!/no/such/interpreter\n")
    lost.chmod(0o755)
    assert run(host, "no-such-program").returncode == 127
    assert run(host, str(tmp_path / "absent")).returncode == 127
    assert run(host, str(plain)).returncode == 126
    assert run(host, str(tmp_path)).returncode == 126
    interpreter = run(host, str(lost))
    assert interpreter.returncode == 126
    assert "interpreter" in interpreter.stderr
    assert "Traceback" not in interpreter.stderr


def test_a_program_is_looked_for_in_the_command_s_path_only(tmp_path: Path) -> None:
    tool = tmp_path / "tool"
    tool.write_text("#!/bin/sh\n")
    with pytest.raises(NotStartedError, match="cannot be executed") as refused:
        find_program("tool", str(tmp_path))
    assert refused.value.shell_status == 126
    tool.chmod(0o755)
    assert find_program("tool", f"/nowhere:{tmp_path}") == str(tool)
    with pytest.raises(NotStartedError, match="not found in PATH") as missing:
        find_program("tool", "/nowhere")
    assert missing.value.shell_status == 127


def test_inherited_descriptors_are_passed_on_and_none_of_ours(host: Path) -> None:
    reading, writing = os.pipe()
    shown = run(host, "sh", "-c", "ls -v /proc/$$/fd", stdin=subprocess.DEVNULL, pass_fds=[writing])
    os.close(reading)
    os.close(writing)
    assert shown.stdout.split() == ["0", "1", "2", str(writing)]


def mask_of(name: str, status: str) -> int:
    """The mask `name` in the text of /proc/self/status, without the signals 32 and 33 that glibc keeps to itself."""
    line = next(line for line in status.splitlines() if line.startswith(name))
    return int(line.split()[1], 16) & 0x7FFFFFFF


def test_the_command_starts_with_no_signal_blocked_or_ignored(host: Path) -> None:
    status = run(host, "cat", "/proc/self/status").stdout
    assert mask_of("SigBlk", status) == 0
    assert mask_of("SigIgn", status) == 0


def test_a_signal_ignored_by_nohup_stays_ignored(host: Path) -> None:
    line = ["env", "--ignore-signal=HUP", sys.executable, str(host), "cat", "/proc/self/status"]
    status = subprocess.run(line, capture_output=True, text=True, timeout=_LIMIT_S).stdout
    assert mask_of("SigIgn", status) == 1 << (signal.SIGHUP - 1)


def test_the_status_is_right_where_dead_children_are_not_kept(host: Path) -> None:
    prefix = ["env", "--ignore-signal=CHLD", sys.executable, str(host)]
    assert subprocess.run([*prefix, "sh", "-c", "exit 7"], timeout=_LIMIT_S).returncode == 7


@pytest.mark.parametrize("name", ["INT", "HUP", "QUIT", "USR1", "USR2", "CONT"])
def test_a_signal_to_us_alone_reaches_the_command_once(host: Path, name: str) -> None:
    running = Running(host)
    running.wait_for("ready")
    running.process.send_signal(getattr(signal, f"SIG{name}"))
    running.wait_for(f"SIG{name}")
    assert running.finish() == f"SIG{name}"


def test_a_signal_that_the_command_sends_to_its_group_does_not_come_back(host: Path) -> None:
    running = Running(host, before="for _ in range(20): os.kill(0, signal.SIGUSR1)")
    running.wait_for("ready")
    assert running.finish() == " ".join(["SIGUSR1"] * 20)


class Terminal:
    """A pseudo terminal with a host as its foreground job."""

    def __init__(self, host: Path, *, before: str = "") -> None:
        self.keys, screen = os.openpty()
        streams = {"stdin": screen, "stdout": screen, "stderr": screen, "start_new_session": False}
        self.running = Running(host, before=before, prefix=["setsid", "--ctty"], **streams)
        os.close(screen)
        self.screen = os.fdopen(os.dup(self.keys), errors="replace")
        self.running.lines = self.screen

    def press(self, key: bytes) -> None:
        os.write(self.keys, key)

    def __enter__(self) -> Running:
        return self.running

    def __exit__(self, *_: object) -> None:
        self.screen.close()
        os.close(self.keys)


def test_ctrl_c_reaches_the_command_once_and_does_not_end_us(host: Path) -> None:
    terminal = Terminal(host)
    with terminal as running:
        running.wait_for("ready")
        terminal.press(b"\x03")
        running.wait_for("^CSIGINT")
        assert running.finish() == "SIGINT"


def test_below_a_terminal_kill_int_on_us_alone_is_passed_on(host: Path) -> None:
    with Terminal(host) as running:
        running.wait_for("ready")
        running.process.send_signal(signal.SIGINT)
        running.wait_for("SIGINT")
        assert running.finish() == "SIGINT"


def test_ctrl_c_is_passed_on_to_a_command_in_a_group_of_its_own(host: Path) -> None:
    terminal = Terminal(host, before="os.setpgid(0, 0)")
    with terminal as running:
        running.wait_for("ready")
        terminal.press(b"\x03")
        running.wait_for("^CSIGINT")
        assert running.finish() == "SIGINT"


def test_a_killed_host_leaves_the_command_running(tmp_path: Path) -> None:
    """But for an isolated one: see test_isolate.py."""
    running = Running(written_host(tmp_path, isolated=False), before="print(os.getpid(), flush=True)")
    pid = int(next(running.lines))
    running.wait_for("ready")
    running.process.kill()
    running.process.wait(_LIMIT_S)
    os.kill(pid, signal.SIGTERM)
    running.wait_for("all: SIGTERM")
    assert running.process.stdout
    running.process.stdout.close()


_CANCELLED = """
import asyncio, os, sys
from aptfreeze.launch.process import run_command
from aptfreeze.launch.signals import SignalReader

async def fail_when_ready(reading):
    loop, ready = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(reading, ready.set)
    await ready.wait()
    loop.remove_reader(reading)
    raise OSError("the proxy has failed")

async def both(signals):
    reading, writing = os.pipe()
    os.set_inheritable(writing, True)
    # No wait without an end: a signal just before it began would be heeded after it only.
    text = f"trap 'echo told to stop; exit 0' TERM; echo $$; echo ready >&{writing}; while :; do sleep 0.02; done"
    async with asyncio.TaskGroup() as group:
        group.create_task(run_command(["sh", "-c", text], os.environ, signals))
        group.create_task(fail_when_ready(reading))

with SignalReader() as signals:
    try:
        asyncio.run(both(signals))
    except* OSError as failed:
        print(*failed.exceptions)
"""


def test_a_command_is_ended_and_waited_for_when_we_fail(tmp_path: Path) -> None:
    script = tmp_path / "cancelled.py"
    script.write_text(_CANCELLED)
    done = subprocess.run([sys.executable, str(script)], cwd=tmp_path, capture_output=True, text=True, timeout=_LIMIT_S)
    pid, *told = done.stdout.splitlines()
    assert told == ["told to stop", "the proxy has failed"], done.stderr
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid), 0)
