# SPDX-License-Identifier: MIT
"""`run`: what is checked before COMMAND starts, what is told of it, and when it counts."""

import json
import shlex
from pathlib import Path
from typing import Any

import pytest

from aptfreeze.errors import UsageError
from aptfreeze.launch.process import NotStartedError
from aptfreeze.verbs.run import check
from support.aptfreeze import Aptfreeze
from support.faults import Delay, Stall
from support.fetching import fetching, lists
from support.origin import Origin
from support.repository import Repository
from support.terminal import Terminal

PATH = {"PATH": "/usr/bin:/bin"}


# --- before COMMAND --------------------------------------------------------------------------------------------------


def test_a_command_that_can_be_started_and_a_summary_that_can_be_written(tmp_path: Path) -> None:
    check(["true"], PATH, None)
    check(["true"], PATH, tmp_path / "summary.json")
    check(["true"], PATH, Path("/dev/null"))

    assert list(tmp_path.iterdir()) == []


def test_a_command_that_is_not_there() -> None:
    with pytest.raises(NotStartedError, match="no-such-program: not found in PATH"):
        check(["no-such-program"], PATH, None)


@pytest.mark.parametrize("name", ["missing/summary.json", "file/summary.json", "."])
def test_a_summary_that_cannot_be_written(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(UsageError, match="cannot write"):
        check(["true"], PATH, tmp_path / name)


# --- what is told ----------------------------------------------------------------------------------------------------


def test_a_run_without_an_authority_for_https_goes_on_and_tells_what_will_not_go(aptfreeze: Aptfreeze) -> None:
    (aptfreeze.root / "authority.pem").write_text("none")
    aptfreeze.configure('[tls]\nauthority = "../authority.pem"')
    aptfreeze.root.joinpath("authority.pem").chmod(0o644)

    told = aptfreeze.run(["true"]).ok().said_by("aptfreeze")

    assert "no https is frozen in this run, and an apt that asks by https is refused: " in told
    assert "aptfreeze: Hint: chmod 600 " in told


def test_a_run_that_pins_a_suite(aptfreeze: Aptfreeze, repository: Repository) -> None:
    result = aptfreeze.run(fetching(*lists(repository)))

    told = result.ok().said_by("aptfreeze").splitlines()
    [key] = aptfreeze.pins
    assert told[-3] == f"aptfreeze: generation {aptfreeze.lock['generation'][:12]}, state {told[-3].rpartition(' ')[2]}"
    assert told[-2].startswith(f"aptfreeze:   {key}: pinned now, of 20")
    assert told[-1].startswith("aptfreeze: 2 requests, 0 package files: ")


def test_the_summary_as_data(aptfreeze: Aptfreeze, repository: Repository) -> None:
    first = aptfreeze.summary_of(fetching(*lists(repository)))
    second = aptfreeze.summary_of(["sh", "-c", "exit 7"])

    assert [suite["pinned"] for suite in first["suites"]] == ["now"]
    assert (first["requests"], first["exit_status"], first["verdicts"]) == (2, 0, [])
    assert [suite["pinned"] for suite in second["suites"]] == ["before"]
    assert (second["command_status"], second["exit_status"]) == (7, 7)
    assert (first["generation"], first["state"]) == (second["generation"], second["state"])


def test_a_command_that_asked_nothing_may_have_gone_past_the_proxy(aptfreeze: Aptfreeze) -> None:
    result = aptfreeze.run(["true"]).ok()

    assert "not one request came to the proxy" in result.stderr
    assert "sudo, chroots and no_proxy drop the proxy's variables" in result.stderr


def ci_notices(summary: Any) -> list[str]:
    return [notice for notice in summary["notices"] if "new suites were pinned in CI" in notice]


def test_in_ci_a_suite_pinned_without_a_lock_is_remarked(aptfreeze: Aptfreeze, repository: Repository) -> None:
    command = fetching(*lists(repository))

    assert len(ci_notices(aptfreeze.summary_of(command, env={"CI": "true"}))) == 1
    assert ci_notices(aptfreeze.summary_of(command, env={"CI": "true"})) == []  # nothing new the second time


def test_outside_of_ci_it_is_not(aptfreeze: Aptfreeze, repository: Repository) -> None:
    assert ci_notices(aptfreeze.summary_of(fetching(*lists(repository)))) == []


# --- source indexes --------------------------------------------------------------------------------------------------


def without_sources(repository: Repository) -> None:
    for path in (repository.suite_folder / "main" / "source").rglob("*"):
        if path.is_file():
            path.unlink()


def test_missing_source_indexes_are_told_and_do_no_harm(aptfreeze: Aptfreeze, repository: Repository) -> None:
    without_sources(repository)

    result = aptfreeze.run(fetching(*lists(repository))).ok()

    assert f"no Sources of {next(iter(aptfreeze.pins))} main: " in result.stderr


def test_missing_source_indexes_that_are_required_are_a_verdict(aptfreeze: Aptfreeze, repository: Repository) -> None:
    without_sources(repository)
    aptfreeze.configure('[policy]\nsources = "require"')
    file = aptfreeze.root / "summary.json"

    result = aptfreeze.run(fetching(*lists(repository)), "--json", str(file))

    assert result.returncode == 125, result
    assert 'source indexes are missing, and [policy] sources = "require"' in result.stderr
    assert "this run does not count (1 reason above); exit status 125" in result.stderr
    said = json.loads(file.read_text())
    assert (said["command_status"], said["exit_status"], len(said["verdicts"])) == (0, 125, 1)


@pytest.fixture
def slow_sources(repository: Repository, origin: Origin) -> Stall:
    """The Sources index stops after ten bytes."""
    repository.add_source("hello", "1.0")
    repository.publish()
    stall = Stall(after=10)
    origin.inject("*source*", stall)
    return stall


def on_terminal(aptfreeze: Aptfreeze, *command: str) -> Terminal:
    line = aptfreeze.line("run", "--archive", str(aptfreeze.archive), "--", *command)
    return Terminal(line, env=aptfreeze.environ, cwd=aptfreeze.environment)


def test_a_wait_for_source_indexes_is_shown_on_a_terminal_and_leaves_no_trace(
    aptfreeze: Aptfreeze, repository: Repository, slow_sources: Stall
) -> None:
    with on_terminal(aptfreeze, *fetching(*lists(repository))) as terminal:
        terminal.wait_for(" bytes/s: bookworm main ")
        slow_sources.release()
        assert terminal.ended() == 0

    assert "aptfreeze: 10 bytes of " in terminal.output
    pinned, fetching_told, generation, _, requests, last = terminal.rows
    assert pinned.startswith("aptfreeze: pinned ")
    assert fetching_told == "aptfreeze: fetching Sources indexes: bookworm main (Ctrl-C: the next run goes on)"
    assert generation.startswith("aptfreeze: generation ")
    assert requests.startswith("aptfreeze: 2 requests, ")
    assert last == ""


def test_ctrl_c_ends_the_wait_and_the_next_run_goes_on(
    aptfreeze: Aptfreeze, repository: Repository, slow_sources: Stall, origin: Origin
) -> None:
    with on_terminal(aptfreeze, *fetching(*lists(repository))) as terminal:
        terminal.wait_for("aptfreeze: 10 bytes of ")
        terminal.press(b"\x03")
        assert terminal.ended() == 0

    told = "\n".join(terminal.rows)
    assert "10 bytes of" not in told
    assert "bookworm main: interrupted while it was fetched; the next run goes on" in told
    slow_sources.release()
    origin.heal()
    assert "no Sources" not in aptfreeze.run(fetching(*lists(repository))).ok().stderr
    assert [seen.headers.get("range") for seen in origin.requests if "source" in seen.path] == [None, "bytes=10-"]


def test_nothing_is_drawn_while_the_command_has_the_terminal(aptfreeze: Aptfreeze, repository: Repository) -> None:
    command = fetching(*lists(repository))
    aptfreeze.run(command).ok()  # so that nothing is pinned now, which is told at once

    with on_terminal(aptfreeze, "sh", "-c", f"{shlex.join(command)}; sleep 1; echo it has ended") as terminal:
        assert terminal.ended() == 0

    assert terminal.output.startswith("it has ended\r\naptfreeze: generation ")


@pytest.mark.parametrize("env", [{}, {"TERM": "xterm"}], ids=["plain", "with a terminal's variables"])
def test_a_log_has_nothing_of_a_wait(
    aptfreeze: Aptfreeze, repository: Repository, origin: Origin, env: dict[str, str]
) -> None:
    repository.add_source("hello", "1.0")
    repository.publish()
    origin.inject("*source*", Delay(1))  # three times as long as it takes to draw something

    result = aptfreeze.run(fetching(*lists(repository)), env=env).ok()

    assert origin.count("*source*") == 1
    told = [line.removeprefix("aptfreeze: ").split()[0] for line in result.stderr.splitlines()]
    assert told == ["pinned", "generation", next(iter(aptfreeze.pins)).split()[0], "2"]
    assert "\r" not in result.stderr
