# SPDX-License-Identifier: MIT
"""All findings together, and how they are told."""

import os
from datetime import UTC, datetime
from pathlib import Path

from aptfreeze.launch.finding import Finding, Level
from aptfreeze.verbs.doctor import data, examine, exit_status, lines
from support.apt import Apt
from support.aptfreeze import Aptfreeze
from support.environments import open_in
from support.repository import Repository

NOW = datetime(2026, 11, 24, tzinfo=UTC)


def test_the_worst_comes_first_and_nothing_is_changed(tmp_path: Path) -> None:
    found = examine(open_in(tmp_path), ["nothing-there"], {"PATH": os.environ["PATH"], "no_proxy": "*"}, NOW)

    order = list(Level)
    assert [each.level for each in found] == sorted((each.level for each in found), key=order.index)
    assert (found[0].level, found[-1].level) == (Level.PROBLEM, Level.OK)
    assert list(tmp_path.iterdir()) == []


def test_only_a_problem_is_a_failure() -> None:
    assert exit_status([Finding(level, "x") for level in Level if level is not Level.PROBLEM]) == 0
    assert exit_status([Finding(Level.OK, "x"), Finding(Level.PROBLEM, "x")]) == 3


def test_a_finding_is_told_with_its_reason_and_its_fix() -> None:
    found = [Finding(Level.WARNING, "it is so", "because", "do this"), Finding(Level.OK, "fine")]
    assert list(lines(found)) == ["warning  it is so", "         because", "         Fix: do this", "ok       fine"]
    assert data(found)["findings"][1] == {"level": "ok", "what": "fine", "why": "", "fix": ""}


def test_a_build_that_is_well_has_no_problem(repository: Repository, apt: Apt, aptfreeze: Aptfreeze) -> None:
    apt.add(repository)
    words = ["--archive", str(aptfreeze.archive), "--", "apt-get", "update"]

    done = aptfreeze.command("doctor", *words, env=apt.environ).ok()

    assert f"ok       {repository.url} is fetched directly\n" in done.stdout
    assert "problem" not in done.stdout
    assert not aptfreeze.lock_file.exists()


def test_a_build_that_sudo_would_take_away_is_a_problem(aptfreeze: Aptfreeze, tmp_path: Path) -> None:
    sudo = tmp_path / "sudo"
    sudo.write_text("#!/bin/sh\n")
    sudo.chmod(0o755)

    done = aptfreeze.command("doctor", "--", str(sudo), "mmdebstrap", "x").fails(3)

    assert done.stdout.startswith("problem  sudo drops the variables")
    assert 'Fix: let sudo start aptfreeze: "sudo aptfreeze run -- mmdebstrap ..."' in done.stdout
