# SPDX-License-Identifier: MIT
"""A namespace as `run` sees it: what is in there, whom COMMAND is, and when there is none."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from aptfreeze.errors import UsageError
from aptfreeze.launch.isolate import isolate
from support.isolation import needs_namespaces
from support.users import acting_as, only_root

_LIMIT_S = 30
_HOST = """
import os, sys
from aptfreeze.errors import AptfreezeError
from aptfreeze.launch.isolate import isolate
from aptfreeze.launch.signals import SignalReader

try:
    with isolate(None, os.environ) as isolation, SignalReader() as signals:
        child = isolation.start(sys.argv[1:], os.environ, signals)
        client, _ = isolation.listener.accept()
        with client, child.handle:
            client.sendall(b"from outside")
        sys.exit(child.reap())
except AptfreezeError as error:
    sys.exit(str(error))
"""
_CLIENT = """
import socket, sys
with socket.create_connection(("127.0.0.1", 3142)) as proxy:
    print(proxy.recv(100).decode())
print(*[line.split(":")[0].strip() for line in open("/proc/net/dev") if ":" in line])
for address in [("127.0.0.1", int(sys.argv[1])), ("192.0.2.1", 80), ("::1", 3142)]:
    try:
        socket.create_connection(address)
    except OSError as error:
        print(error.strerror)
"""


@pytest.fixture
def host(tmp_path: Path) -> list[str]:
    (tmp_path / "host.py").write_text(_HOST)
    return [sys.executable, str(tmp_path / "host.py")]


@needs_namespaces()
def test_in_there_is_the_proxy_and_nothing_else(host: list[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        client = [sys.executable, "-c", _CLIENT, str(other.getsockname()[1])]
        done = subprocess.run([*host, *client], capture_output=True, text=True, timeout=_LIMIT_S)

    refused, unreachable = "Connection refused", "Network is unreachable"
    assert done.stdout.splitlines() == ["from outside", "lo", refused, unreachable, refused], done.stderr
    assert done.returncode == 0


@needs_namespaces()
def test_a_kernel_that_gives_none_is_told_before_anything_starts(host: list[str]) -> None:
    limited = 'echo 0 > /proc/sys/user/max_net_namespaces && exec "$@"'
    line = ["unshare", "--user", "--map-root-user", "sh", "-c", limited, "sh", *host, "echo", "started"]
    done = subprocess.run(line, capture_output=True, text=True, timeout=_LIMIT_S)

    assert done.stdout == ""
    assert done.stderr.startswith("--isolate needs a network namespace, and the kernel gives none: No space left")
    assert "user.max_net_namespaces = 0" in done.stderr


def test_a_user_that_there_is_not() -> None:
    with pytest.raises(UsageError, match="there is no user 'no-such-user'"):
        isolate("no-such-user", {})


def test_no_user_where_nobody_called_sudo() -> None:
    with pytest.raises(UsageError, match="SUDO_UID is not set"):
        isolate("", {})


@only_root
def test_only_root_can_run_a_command_as_another_user() -> None:
    with acting_as(4242), pytest.raises(UsageError, match="only root can run a command as root"):
        isolate("", {"SUDO_UID": str(os.getuid())})
