# SPDX-License-Identifier: MIT
"""Where a line that renews itself may be drawn: seen from a process on a real pseudo terminal."""

import io
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from aptfreeze.describe.terminal import room_on
from support.terminal import Terminal

_SCRIPT = """
import os, sys, termios
from aptfreeze.describe.terminal import room_on
exec(sys.argv[1])
room = room_on(sys.stderr, os.environ)
print("never" if room is None else room())
"""


def room_in(tmp_path: Path, before: str = "", *, env: Mapping[str, str] | None = None, columns: int = 100) -> str:
    """What a foreground job of a terminal finds, which first does something else."""
    read_fd, write_fd = os.pipe()
    with Terminal(
        [sys.executable, "-c", _SCRIPT, before],
        env={"PATH": os.environ["PATH"], **(env or {})},
        cwd=tmp_path,
        columns=columns,
        stdout=write_fd,
    ) as terminal:
        os.close(write_fd)
        assert terminal.ended() == 0, terminal.output
    with os.fdopen(read_fd) as found:
        return found.read().strip()


def test_the_room_is_a_row_but_for_its_last_column(tmp_path: Path) -> None:
    assert room_in(tmp_path) == "99"


def test_a_terminal_that_does_not_tell_its_width_has_80_columns(tmp_path: Path) -> None:
    assert room_in(tmp_path, columns=0) == "79"


@pytest.mark.parametrize("env", [{"TERM": "dumb"}, {"TERM": ""}, {"CI": "true"}], ids=str)
def test_a_terminal_that_cannot_or_that_is_kept_as_a_log_never_has_room(tmp_path: Path, env: dict[str, str]) -> None:
    assert room_in(tmp_path, env=env) == "never"


def test_a_background_job_has_none(tmp_path: Path) -> None:
    in_background = "os.fork() and os._exit(os.waitstatus_to_exitcode(os.wait()[1])); os.setpgid(0, 0)"

    assert room_in(tmp_path, in_background) == "0"


def test_a_terminal_that_is_stopped_has_none_and_is_not_waited_for(tmp_path: Path) -> None:
    assert room_in(tmp_path, "termios.tcflow(2, termios.TCOOFF)") == "0"


def test_the_terminal_of_another_session_has_none() -> None:
    keys, screen = os.openpty()
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT, ""], env={**os.environ, "TERM": "xterm", "CI": ""}, stderr=screen,
        stdout=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    os.close(screen)
    os.close(keys)
    assert done.stdout == "0\n"


def test_what_is_no_terminal_never_has_room() -> None:
    assert room_on(io.StringIO(), {"TERM": "xterm"}) is None
