# SPDX-License-Identifier: MIT
"""Where `serve` listens, what it tells when it is ready, and what ends it."""

import json
import os
import re
import resource
import signal
import socket
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from aptfreeze.errors import UsageError
from aptfreeze.verbs.serve import Address
from support.aptfreeze import Aptfreeze
from support.client import ask
from support.faults import Delay, Stall
from support.origin import Origin
from support.repository import Repository
from support.serving import eventually
from support.terminal import Terminal


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("127.0.0.1:3142", "127.0.0.1", 3142),
        ("127.8.9.1:0", "127.8.9.1", 0),
        ("[::1]:80", "::1", 80),
        ("localhost:65535", "localhost", 65535),
    ],
)
def test_loopback_addresses(text: str, host: str, port: int) -> None:
    address = Address.parse(text)

    assert (address.host, address.port, str(address)) == (host, port, text)


@pytest.mark.parametrize(
    "text", ["", ":", "127.0.0.1", "127.0.0.1:x", "127.0.0.1:65536", "127.0.0.1:¹", "1:" + "9" * 5000]
)
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(UsageError, match="is no ADDRESS:PORT"):
        Address.parse(text)


OPEN = ["0.0.0.0:0", "[::]:0", "192.0.2.1:0", "mirror.example.org:0", ":0", "[]:0", "127.1:0"]


@pytest.mark.parametrize("text", OPEN)
def test_what_others_could_reach_is_no_loopback_address(text: str) -> None:
    assert not Address.parse(text).is_loopback


@pytest.mark.parametrize("text", OPEN)
def test_nobody_else_is_served_before_the_settings_say_what(aptfreeze: Aptfreeze, text: str) -> None:
    refused = aptfreeze.command("serve", "--archive", str(aptfreeze.archive), "--listen", text).fails(2)

    assert "no setting says what they may have" in refused.said_by("aptfreeze")
    assert "[policy] serve" in refused.stderr
    assert not aptfreeze.lock_file.exists()


def test_on_all_addresses_it_tells_the_one_for_this_machine(aptfreeze: Aptfreeze, repository: Repository) -> None:
    aptfreeze.configure(f'[policy]\nserve = ["{repository.url.removeprefix("http://")}"]')

    with aptfreeze.serve("--listen", "0.0.0.0:0") as serving:
        assert serving.proxy.startswith("http://127.0.0.1:")
        assert "and every address of this machine" in serving.output
        assert ask(serving.proxy, f"{repository.url}/dists/bookworm/InRelease").status == 200


def test_the_ready_file_is_there_while_clients_are_served(aptfreeze: Aptfreeze, repository: Repository) -> None:
    ready = aptfreeze.root / "environment-1.ready"  # the first one of this environment

    with aptfreeze.serve() as serving:
        said = json.loads(ready.read_text())
        assert ask(said["url"], f"{repository.url}/dists/bookworm/InRelease").status == 200
        assert (said["pid"], said["generation"]) == (serving.process.pid, aptfreeze.lock["generation"])
        assert f"on {said['url']}, generation {said['generation'][:12]}" in serving.output

    assert not ready.exists()


def test_it_takes_more_open_files_than_it_was_given(aptfreeze: Aptfreeze, repository: Repository) -> None:
    few = ["sh", "-c", 'ulimit -Sn 256 && exec "$@"', "sh"]  # its own limit: this process may have more open itself
    with aptfreeze.serve(wrapper=few) as serving:
        assert resource.prlimit(serving.process.pid, resource.RLIMIT_NOFILE)[0] > 256


def has_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
def test_an_ipv6_loopback_is_told_as_a_url_that_works(aptfreeze: Aptfreeze, repository: Repository) -> None:
    with aptfreeze.serve("--listen", "[::1]:0") as serving:
        assert serving.proxy.startswith("http://[::1]:")
        assert ask(serving.proxy, f"{repository.url}/dists/bookworm/InRelease").status == 200


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_well(aptfreeze: Aptfreeze, number: signal.Signals) -> None:
    with aptfreeze.serve() as serving:
        serving.process.send_signal(number)

        assert serving.process.wait(20) == 0


def test_the_end_of_the_watched_process_ends_it_and_finishes_the_session(
    aptfreeze: Aptfreeze, repository: Repository
) -> None:
    with (
        subprocess.Popen(["cat"], stdin=subprocess.PIPE) as watched,
        aptfreeze.serve("--watch-pid", str(watched.pid)) as serving,
    ):
        assert ask(serving.proxy, f"{repository.url}/dists/bookworm/InRelease").status == 200
        assert not aptfreeze.pins  # no index has verified yet
        watched.communicate()

        assert serving.process.wait(20) == 0

    assert aptfreeze.pins


def test_a_pipe_as_ready_file_gets_the_address(aptfreeze: Aptfreeze, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    with subprocess.Popen(
        ["python", "-m", "aptfreeze", "serve", "--listen", "127.0.0.1:0", "--ready-file", str(pipe)],
        cwd=aptfreeze.environment,
        env=aptfreeze.environ,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            assert json.loads(pipe.read_text())["pid"] == process.pid
        finally:
            process.terminate()

    assert process.returncode == 0
    assert pipe.is_fifo()


# --- what is shown of it ---


def large(repository: Repository) -> str:
    """The URL of a package that is sent while it arrives."""
    package = repository.add("large", "1.0", size=2 << 20)
    repository.publish()
    return f"{repository.url}/{package.path}"


def test_on_a_terminal_a_line_shows_what_is_done_and_is_gone_when_it_is_idle(
    aptfreeze: Aptfreeze, repository: Repository, origin: Origin
) -> None:
    url, stall, ready = large(repository), Stall(after=1 << 20), aptfreeze.root / "ready"
    origin.inject("*.deb", stall)
    line = aptfreeze.line("serve", "--listen", "127.0.0.1:0", "--archive", str(aptfreeze.archive))
    line += ["--ready-file", str(ready)]

    with Terminal(line, env=aptfreeze.environ, cwd=aptfreeze.environment) as terminal, ThreadPoolExecutor(1) as threads:
        terminal.wait_for("aptfreeze: serving ")
        assert eventually(ready.exists)
        proxy = json.loads(ready.read_text())["url"]
        assert ask(proxy, f"{repository.url}/dists/bookworm/InRelease").status == 200
        client = threads.submit(ask, proxy, url)
        terminal.wait_for("/s: large_1.0_amd64.deb 49%")
        assert re.fullmatch(r"aptfreeze: 2 requests, 1 connection, [\d.]+ \w+/s: large\S+ 49%", terminal.rows[-1])
        stall.release()
        assert client.result().status == 200
        assert eventually(lambda: terminal.rows[-1] == "")
        terminal.press(b"\x03")
        assert terminal.ended() == 0

    serving, pinned, last = terminal.rows
    assert serving.startswith("aptfreeze: serving ")
    assert pinned.startswith("aptfreeze: pinned ")
    assert last == "^C"


def test_a_log_has_nothing_of_it(aptfreeze: Aptfreeze, repository: Repository, origin: Origin) -> None:
    url = large(repository)
    origin.inject("*.deb", Delay(1))  # three times as long as it takes to draw something

    with aptfreeze.serve() as serving:
        for each in (f"{repository.url}/dists/bookworm/InRelease", url):
            assert ask(serving.proxy, each).status == 200

    assert [line.split()[1] for line in serving.output.splitlines()] == ["serving", "pinned"]
    assert "\r" not in serving.output
