# SPDX-License-Identifier: MIT
"""`run`: what is checked before COMMAND starts, what is told of it, and when it counts."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from aptfreeze.errors import UsageError
from aptfreeze.launch.process import NotStartedError
from aptfreeze.verbs.run import check
from support.aptfreeze import Aptfreeze
from support.faults import Stall
from support.fetching import fetching, lists
from support.origin import Origin
from support.repository import Repository

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


def test_a_wait_for_source_indexes_is_told_once_where_there_is_no_terminal(
    aptfreeze: Aptfreeze, repository: Repository, origin: Origin
) -> None:
    repository.add_source("hello", "1.0")
    repository.publish()
    stall = Stall(after=10)
    origin.inject("*source*", stall)
    line = [sys.executable, "-m", "aptfreeze", "run", "--archive", str(aptfreeze.archive), "--"]

    with subprocess.Popen(
        [*line, *fetching(*lists(repository))],
        cwd=aptfreeze.environment,
        env=aptfreeze.environ,
        stderr=subprocess.PIPE,
        text=True,
    ) as run:
        assert run.stderr
        waits = []
        for told in run.stderr:
            assert "\r" not in told
            if "fetching source indexes" in told:
                waits.append(told)
                stall.release()

    assert run.returncode == 0
    assert len(waits) == 1
