# SPDX-License-Identifier: MIT
"""Which descriptors are kept from COMMAND in a namespace."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

_SHOW = """
import os, sys
from aptfreeze.errors import UsageError
from aptfreeze.launch.inherited import withhold_sockets
try:
    print(*withhold_sockets())
except UsageError as error:
    sys.exit(str(error))
print(*[number for number in map(int, sys.argv[1:]) if os.get_inheritable(number)])
"""


@pytest.fixture
def outer() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


def show(*numbers: int, stdin: int = subprocess.DEVNULL) -> subprocess.CompletedProcess[str]:
    """What a process says that inherits these."""
    line = [sys.executable, "-c", _SHOW, *map(str, numbers)]
    return subprocess.run(line, stdin=stdin, capture_output=True, text=True, pass_fds=numbers)


def test_a_socket_of_the_network_is_and_a_pipe_and_a_unix_socket_are_not(outer: socket.socket) -> None:
    ours, theirs = socket.socketpair()
    reading, writing = os.pipe()
    with ours, theirs, os.fdopen(reading), os.fdopen(writing):
        told, left = show(outer.fileno(), theirs.fileno(), reading).stdout.splitlines()

        assert told == f"not handed to the command: descriptor {outer.fileno()}, a socket of the network outside"
        assert left == f"{theirs.fileno()} {reading}"


def test_without_one_nothing_is_told() -> None:
    assert show().stdout == "\n\n"


def test_a_standard_stream_that_is_one_is_refused(outer: socket.socket) -> None:
    done = show(stdin=outer.fileno())

    assert done.returncode == 1
    assert done.stderr.startswith("standard input is a socket of the network outside")
