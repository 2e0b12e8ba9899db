# SPDX-License-Identifier: MIT
"""What is seen of the environment and the machine."""

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from aptfreeze.launch import lookmachine
from aptfreeze.launch.finding import Finding, Level
from aptfreeze.launch.lookmachine import (
    file_system,
    look_at_archive,
    look_at_lock,
    look_at_namespaces,
    look_at_verifiers,
)
from support.environments import MAIN, open_in, pin, with_pins
from support.isolation import needs_namespaces
from support.users import only_root

LATER = datetime(2036, 1, 1, tzinfo=UTC)


def levels(found: list[Finding]) -> list[Level]:
    return [each.level for each in found]


def test_an_environment_without_a_lock_file_gets_one_unless_that_is_forbidden(tmp_path: Path) -> None:
    assert levels(list(look_at_lock(open_in(tmp_path).store, LATER))) == [Level.NOTE]
    (found,) = look_at_lock(open_in(tmp_path, locked=True).store, LATER)
    assert (found.level, "--locked forbids" in found.why) == (Level.PROBLEM, True)


def test_pins_are_counted_and_a_clock_behind_them_is_a_warning(tmp_path: Path) -> None:
    opened = open_in(tmp_path)
    with_pins(opened, {MAIN: pin(1)})
    now, before = (list(look_at_lock(opened.store, when)) for when in (LATER, datetime(2001, 1, 1, tzinfo=UTC)))
    assert "pins 1 suite" in now[0].what
    assert levels(now) == [Level.OK, Level.OK]
    assert levels(before) == [Level.OK, Level.WARNING]
    assert before[1].what.startswith("the clock says 2001-01-01 00:00 UTC, and ")


def test_a_lock_file_that_is_no_good_is_a_problem_with_its_reason(tmp_path: Path) -> None:
    opened = open_in(tmp_path)
    (tmp_path / "aptfreeze.lock").write_text("<<<<<<< HEAD\n")
    assert levels(list(look_at_lock(opened.store, LATER))) == [Level.PROBLEM]


def test_an_archive_is_looked_at_and_not_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookmachine, "_SCARCE", 0)
    (tmp_path / "empty").mkdir()
    for name in ("a/b/archive", "empty"):
        (found,) = look_at_archive(tmp_path / name)
        assert found.level is Level.OK
    assert [path.name for path in tmp_path.rglob("*")] == ["empty"]


def test_a_full_disk_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookmachine, "_SCARCE", 1 << 80)
    assert levels(list(look_at_archive(tmp_path))) == [Level.OK, Level.WARNING]


def test_a_folder_with_other_files_is_no_archive(tmp_path: Path) -> None:
    (tmp_path / "letter").touch()
    assert levels(list(look_at_archive(tmp_path))) == [Level.PROBLEM]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_a_problem(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    assert levels(list(look_at_archive(tmp_path / "archive"))) == [Level.PROBLEM]


def test_the_kind_of_a_file_system_is_that_of_its_device(tmp_path: Path) -> None:
    device = tmp_path.stat().st_dev
    mounts = tmp_path / "mountinfo"
    mounts.write_text(
        "22 1 999:1 / /other rw - xfs /dev/a rw\n"
        f"23 1 {os.major(device)}:{os.minor(device)} / / rw shared:1 - nfs4 server:/x rw\n"
    )
    assert file_system(tmp_path, mounts) == "nfs4"
    assert file_system(tmp_path, tmp_path / "none") == ""
    mounts.write_text("nonsense\n")
    assert file_system(tmp_path, mounts) == ""


def test_a_network_file_system_is_a_note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookmachine, "file_system", lambda path: "nfs4")
    monkeypatch.setattr(lookmachine, "_SCARCE", 0)
    assert levels(list(look_at_archive(tmp_path))) == [Level.OK, Level.NOTE]


def test_verifiers_are_told_or_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    (found,) = look_at_verifiers(None)
    assert (found.level, found.what) in [
        (Level.OK, f"signatures are verified by {name}") for name in ("sequoia", "gpgv")
    ]
    monkeypatch.setenv("PATH", "/nowhere")
    (missing,) = look_at_verifiers("gpgv")
    assert (missing.level, "apt-get install gpgv" in missing.fix) == (Level.PROBLEM, True)


@only_root
@needs_namespaces()
def test_a_namespace_in_which_nothing_can_listen_is_none() -> None:
    """As for root in a container that has CAP_SYS_ADMIN alone, or for a user whom AppArmor restricts."""
    show = "from aptfreeze.launch import lookmachine as m; print([each.level.name for each in m.look_at_namespaces()])"
    line = ["setpriv", "--bounding-set=-net_admin", "--inh-caps=-net_admin", sys.executable, "-c", show]
    assert subprocess.run(line, capture_output=True, text=True).stdout == "['NOTE']\n"


def test_namespaces_are_tried_and_this_process_stays_where_it_is() -> None:
    before = Path("/proc/self/ns/net").readlink()
    found = list(look_at_namespaces())
    assert Path("/proc/self/ns/net").readlink() == before
    assert "run --isolate" in found[0].what or "run --isolate" in found[0].why
    assert Level.PROBLEM not in levels(found)
