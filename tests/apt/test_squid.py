# SPDX-License-Identifier: MIT
"""Behind a real squid, the only one who knows the mirror's name: http, https through a tunnel, credentials."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.apt import Apt
from support.aptfreeze import Aptfreeze
from support.certificates import Authority, server_context
from support.origin import Origin
from support.repository import Repository

pytestmark = pytest.mark.skipif(shutil.which("squid") is None, reason="squid is not installed")

NAME = "mirror.example.org"
_CONFIGURATION = """\
http_port 127.0.0.1:{port}
hosts_file {folder}/hosts
auth_param basic program {folder}/who
auth_param basic children 1
acl known proxy_auth REQUIRED
http_access allow known
http_access deny all
cache deny all
pid_filename {folder}/squid.pid
coredump_dir {folder}
access_log stdio:{folder}/access.log
cache_log {folder}/cache.log
netdb_filename none
pinger_enable off
shutdown_lifetime 0 seconds
{user}
"""
_WHO = """\
#!/bin/sh
# squid asks with decoded words
while read -r line; do
    case "$line" in "me p@ss/word") echo OK ;; *) echo ERR ;; esac
done
"""
CREDENTIALS = "me:p%40ss%2Fword"


@contextmanager
def squid(folder: Path) -> Iterator[int]:
    """Its port, once it takes connections."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    folder.mkdir()
    is_root = os.geteuid() == 0
    if is_root:  # it gives up its rights
        shutil.chown(folder, "proxy")
    (folder / "hosts").write_text(f"127.0.0.1 {NAME}\n")
    (folder / "who").write_text(_WHO)
    (folder / "who").chmod(0o755)
    text = _CONFIGURATION.format(folder=folder, port=port, user="cache_effective_user proxy" if is_root else "")
    (folder / "squid.conf").write_text(text)
    process = subprocess.Popen(["squid", "-N", "-f", str(folder / "squid.conf")])
    try:
        _wait_for(port, process)
        yield port
    finally:
        process.kill()
        process.wait()


def _wait_for(port: int, process: "subprocess.Popen[bytes]") -> None:
    limit = time.monotonic() + 20
    while True:
        assert process.poll() is None, "squid has ended"
        assert time.monotonic() < limit, "squid takes no connections"
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)


@pytest.fixture
def folder() -> Iterator[Path]:
    """One that squid's own user can read, unlike pytest's."""
    made = Path(f"/tmp/aptfreeze-squid-{os.urandom(6).hex()}")
    yield made
    shutil.rmtree(made, ignore_errors=True)


def test_everything_is_fetched_through_squid_with_credentials(
    repository: Repository, apt: Apt, aptfreeze: Aptfreeze, origin: Origin, folder: Path
) -> None:
    apt.add(repository, url=f"http://{NAME}:{origin.port}/debian")
    with squid(folder) as port:
        env = {**apt.environ, "http_proxy": f"http://{CREDENTIALS}@127.0.0.1:{port}"}
        aptfreeze.run(apt.command("update"), env=env).ok()
        aptfreeze.run(apt.command("install", "--download-only", "hello"), env=env).ok()
        log = (folder / "access.log").read_text()

    assert list(aptfreeze.pins) == [f"{NAME}:{origin.port}/debian bookworm"]
    assert "/dists/bookworm/InRelease me " in log
    assert "hello_1.0" in log


def test_an_https_mirror_is_reached_by_a_tunnel_through_squid(
    repository: Repository, apt: Apt, aptfreeze: Aptfreeze, origin: Origin, folder: Path, tmp_path: Path
) -> None:
    apt.add(repository, url=f"http://{NAME}/debian")
    ca = Authority(tmp_path)
    with Origin(origin.root, server_context(ca.issue(NAME))) as secure, squid(folder) as port:
        aptfreeze.configure(
            f'[tls]\nca = "{ca.file}"\n'
            f'[mirrors]\n"{NAME}/debian" = ["https://{NAME}:{secure.port}/debian"]\n'
            f'[fetch]\nproxy = "http://{CREDENTIALS}@127.0.0.1:{port}"'
        )
        aptfreeze.run(apt.command("update"), env=apt.environ).ok()

    assert list(aptfreeze.pins) == [f"{NAME}/debian bookworm"]
    assert secure.count("*/InRelease") == 1
    assert origin.count() == 0


@pytest.mark.parametrize(("credentials", "said"), [("", "none are given"), ("me:no@", "credentials of 'me'")])
def test_a_407_of_squid_is_explained(
    credentials: str, said: str, repository: Repository, apt: Apt, aptfreeze: Aptfreeze, origin: Origin, folder: Path
) -> None:
    apt.add(repository, url=f"http://{NAME}:{origin.port}/debian")
    with squid(folder) as port:
        env = {**apt.environ, "http_proxy": f"http://{credentials}127.0.0.1:{port}"}
        done = aptfreeze.run(apt.command("update"), env=env).fails()

    assert said in done.output
    assert origin.count() == 0
