# SPDX-License-Identifier: MIT
"""Other programs than apt: what they get passes through, is told, refused, or pinned, as the environment says."""

import json
import os
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from support.apt import Apt
from support.aptfreeze import Aptfreeze, Serving
from support.origin import Origin
from support.process import Result, run
from support.repository import Repository

AGENTS = (["wget", "-nv", "-O", "-"], ["curl", "-sS", "-f"])


@pytest.fixture
def url(origin: Origin) -> str:
    """Of a file beside the repositories of a mirror."""
    origin.root.mkdir(parents=True, exist_ok=True)
    (origin.root / "tool.tar").write_text("first")
    return f"{origin.url}/tool.tar"


def through(serving: Serving, url: str) -> Result:
    """What curl gets of a proxy that is no `run`."""
    return run(["curl", "-sS", "--proxy", serving.proxy, url], env={"PATH": os.environ["PATH"]}, cwd=Path("/"))


def test_warn_names_the_host_when_it_happens(aptfreeze: Aptfreeze, origin: Origin, url: str) -> None:
    aptfreeze.configure('[policy]\npassthrough = "warn"')

    done = aptfreeze.run(["sh", "-c", f"curl -sS {url}; echo done >&2; curl -sS {url}"]).ok()

    assert done.stdout == "firstfirst"
    told, _, later = done.stderr.partition("done\n")
    assert f"{origin.host} is not frozen" in told
    assert "is not frozen, only passed through" not in later
    assert f"NOT FROZEN: {origin.host}, 2 requests" in later


@pytest.mark.parametrize("agent", AGENTS, ids=lambda agent: str(agent[0]))
def test_deny_tells_the_client_why_and_the_run_does_not_count(
    aptfreeze: Aptfreeze, origin: Origin, url: str, agent: list[str]
) -> None:
    aptfreeze.configure('[policy]\npassthrough = "deny"')

    done = aptfreeze.run(["sh", "-c", f"{' '.join(agent)} {url} || true"]).fails(125)

    assert "403" in done.stderr
    assert f'{origin.host} is not passed through: [policy] passthrough = "deny"' in done.said_by("aptfreeze")
    assert origin.asked() == []


def test_deny_answers_with_a_body_that_has_the_way_out(aptfreeze: Aptfreeze, origin: Origin, url: str) -> None:
    aptfreeze.configure('[policy]\npassthrough = "deny"')

    done = aptfreeze.run(["curl", "-sS", url])

    assert f'list "{origin.host}" in [policy] allow' in done.stdout
    assert "aptfreeze pin URL" in done.stdout


def test_deny_leaves_apt_alone_and_what_is_listed(
    aptfreeze: Aptfreeze, apt: Apt, repository: Repository, origin: Origin, url: str
) -> None:
    aptfreeze.configure(f'[policy]\npassthrough = "deny"\nallow = ["{origin.host}/tool.tar"]')
    apt.add(repository)

    summary = aptfreeze.root / "summary.json"
    command = f"apt-get update && curl -sSf {url}"
    aptfreeze.run(["sh", "-c", command], "--json", str(summary), env=apt.environ).ok()

    found = json.loads(summary.read_text())
    assert found["not_frozen"] == {origin.host: 1}
    assert found["verdicts"] == []


def test_a_pinned_file_is_frozen_for_every_client_and_no_passthrough(
    aptfreeze: Aptfreeze, origin: Origin, url: str
) -> None:
    aptfreeze.configure('[policy]\npassthrough = "deny"')
    aptfreeze.command("pin", "--archive", str(aptfreeze.archive), url).ok()
    (origin.root / "tool.tar").write_text("second")
    origin.forget()

    for agent in AGENTS:
        done = aptfreeze.run([*agent, url], "--locked", "--offline").ok()
        assert done.stdout == "first"
        assert "NOT FROZEN" not in done.stderr

    assert origin.asked() == []


def test_a_proxy_that_runs_serves_what_is_pinned_meanwhile(aptfreeze: Aptfreeze, origin: Origin, url: str) -> None:
    with aptfreeze.serve() as serving:
        pinned = aptfreeze.command("pin", "--archive", str(aptfreeze.archive), "--json", url).ok()
        (origin.root / "tool.tar").write_text("second")
        done = through(serving, url)

    assert json.loads(pinned.stdout)["pinned"] == "now"
    assert done.stdout == "first"


def test_a_request_to_the_proxy_itself_is_no_circle(aptfreeze: Aptfreeze) -> None:
    with aptfreeze.serve() as serving:
        done = through(serving, f"{serving.proxy}/file")

    assert "is this proxy itself" in done.stdout


class _Git(BaseHTTPRequestHandler):
    """git's own CGI program, for the repositories in `root`."""

    root: Path

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        environ = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(self.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "REQUEST_METHOD": self.command,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
        }
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        done = subprocess.run(["git", "http-backend"], env=environ, input=body, capture_output=True, check=True)
        self.wfile.write(b"HTTP/1.0 200 OK\r\n" + done.stdout)

    do_POST = do_GET


@pytest.fixture
def git_server(tmp_path: Path) -> Iterator[str]:
    """The URL of a repository that git serves by its smart protocol, which asks by POST."""
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "GIT_CONFIG_NOSYSTEM": "1"}
    author = ["-c", "user.name=Jane", "-c", "user.email=jane@example.org"]
    for line in (
        ["init", "-q", "work"],
        ["-C", "work", *author, "commit", "-q", "--allow-empty", "-m", "first"],
        ["clone", "-q", "--bare", "work", "tool.git"],
    ):
        run(["git", *line], env=environ, cwd=tmp_path).ok()
    handler = type("Git", (_Git,), {"root": tmp_path})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}/tool.git"
        server.shutdown()


def test_git_clones_through_the_proxy(aptfreeze: Aptfreeze, git_server: str) -> None:
    done = aptfreeze.run(["git", "clone", "-q", git_server, "cloned"]).ok()

    assert (aptfreeze.environment / "cloned/.git/HEAD").exists()
    assert "NOT FROZEN: 127.0.0.1:" in done.said_by("aptfreeze")
