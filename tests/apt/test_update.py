# SPDX-License-Identifier: MIT
"""Upgrade on purpose, see it before, go back: real apt, a mirror that moves, and an environment that moves with it."""

import json
import random
import signal
import subprocess
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from support.apt import Apt, MakeApt
from support.aptfreeze import Aptfreeze
from support.build import build
from support.debs import zipped
from support.faults import Delay, Stall, Status
from support.origin import Origin
from support.process import Result
from support.repository import MakeRepository, Repository
from support.signing import SigningKey

OLD, NEW = ["hello_1.0_amd64.deb"], ["hello_2.0_amd64.deb"]


def do(product: Aptfreeze, verb: str, *words: str) -> Result:
    return product.command(verb, "--archive", str(product.archive), *words)


def data_of(product: Aptfreeze, verb: str, *words: str) -> Any:
    return json.loads(do(product, verb, "--json", *words).stdout)


def built(product: Aptfreeze, client: Apt, repository: Repository) -> list[str]:
    """What a new machine gets of `hello` through the environment now."""
    with product.serve() as frozen:
        client.use_proxy(frozen.proxy)
        return list(build(client, repository))


def state_of(product: Aptfreeze) -> tuple[str, list[str]]:
    """All that a command could have changed of the environment."""
    return product.lock_file.read_text(), sorted(path.name for path in (product.environment / ".aptfreeze").rglob("*"))


@pytest.fixture
def moved(repository: Repository, aptfreeze: Aptfreeze, make_apt: MakeApt) -> Repository:
    """The environment has built from the first state, and the mirror has a second one."""
    assert built(aptfreeze, make_apt(), repository) == OLD
    repository.add("hello", "2.0", Source="greetings")
    repository.publish()
    return repository


# --- there and back ---


def test_build_look_update_build_go_back_build(moved: Repository, aptfreeze: Aptfreeze, make_apt: MakeApt) -> None:
    first = aptfreeze.lock["generation"]
    before = state_of(aptfreeze)

    seen = do(aptfreeze, "update", "--dry-run").fails(10)
    assert "hello" in seen.stdout
    assert "1.0 -> 2.0" in seen.stdout
    assert "greetings" in seen.stdout
    assert state_of(aptfreeze) == before
    assert built(aptfreeze, make_apt(), moved) == OLD

    do(aptfreeze, "update").ok()
    assert aptfreeze.lock["generation"] != first
    assert do(aptfreeze, "update", "--dry-run").ok().returncode == 0
    assert built(aptfreeze, make_apt(), moved) == NEW

    do(aptfreeze, "rollback").ok()
    assert aptfreeze.lock["generation"] == first
    assert aptfreeze.lock_file.read_text() == before[0]
    assert built(aptfreeze, make_apt(), moved) == OLD


def test_an_update_that_finds_nothing_new_changes_nothing(
    repository: Repository, aptfreeze: Aptfreeze, make_apt: MakeApt
) -> None:
    built(aptfreeze, make_apt(), repository)
    before = aptfreeze.lock_file.read_text()

    said = do(aptfreeze, "update").ok()

    assert "nothing new" in said.stdout
    assert aptfreeze.lock_file.read_text() == before


def test_after_a_rollback_lists_that_are_newer_get_nothing_silently(
    moved: Repository, aptfreeze: Aptfreeze, make_apt: MakeApt
) -> None:
    do(aptfreeze, "update").ok()
    client = make_apt()
    assert built(aptfreeze, client, moved) == NEW
    client.clear_archives()
    do(aptfreeze, "rollback").ok()
    client.use_proxy("")

    command = "apt-get update && apt-get install --download-only hello || true"
    failed = aptfreeze.run(["sh", "-c", command], env=client.environ).fails(125)
    assert "lists" in failed.said_by("aptfreeze")
    assert client.fetched() == {}

    aptfreeze.run(client.command("update"), env=client.environ).ok()
    aptfreeze.run(client.command("install", "--download-only", "hello"), env=client.environ).ok()
    assert [path.name for path in aptfreeze.root.rglob("hello_*.deb")] == OLD


def test_reset_lets_the_next_build_pin_anew(moved: Repository, aptfreeze: Aptfreeze, make_apt: MakeApt) -> None:
    first = aptfreeze.lock["generation"]

    do(aptfreeze, "reset").ok()

    assert aptfreeze.pins == {}
    assert aptfreeze.lock["generation"] != first
    assert built(aptfreeze, make_apt(), moved) == NEW


def test_the_log_tells_it(moved: Repository, aptfreeze: Aptfreeze) -> None:
    do(aptfreeze, "update").ok()
    do(aptfreeze, "rollback").ok()

    newest, middle, oldest = data_of(aptfreeze, "log")["generations"]

    assert [entry["event"] for entry in (newest, middle, oldest)] == ["rolled back", "updated", "created"]
    assert newest["generation"] == oldest["generation"] == aptfreeze.lock["generation"]
    assert (newest["current"], middle["current"], oldest["current"]) == (True, False, False)
    assert "aptfreeze update" in middle["by"]
    (suite,) = middle["what_moved"]
    assert suite["what"].endswith("/debian bookworm")
    told = do(aptfreeze, "log").ok().stdout
    assert told.index("rolled back") < told.index("updated") < told.index("created")


# --- what is told before ---


def test_used_packages_are_told_with_what_they_become_and_the_rest_is_counted(
    repository: Repository, aptfreeze: Aptfreeze, make_apt: MakeApt
) -> None:
    repository.add("unused", "1.0")
    repository.publish()
    built(aptfreeze, make_apt(), repository)
    repository.add("hello", "2.0")
    repository.add("unused", "2.0")
    repository.add("another", "1.0")
    repository.publish()

    found = data_of(aptfreeze, "update", "--dry-run")

    (used,) = found["used"]
    assert (used["package"], used["before"], used["after"]) == ("hello", "1.0", "2.0")
    assert used["size"] == repository.file_of("hello").stat().st_size
    (suite,) = found["suites"]
    assert (suite["added"], suite["removed"], suite["upgraded"], suite["downgraded"]) == (1, 0, 2, 0)
    assert suite["after"] == repository.date.isoformat()


def test_changelogs_of_used_packages_come_out_of_the_new_files(
    repository: Repository, aptfreeze: Aptfreeze, make_apt: MakeApt
) -> None:
    built(aptfreeze, make_apt(), repository)
    binary = repository.add("hello", "3.0")
    repository.binaries["hello", "amd64", "main"] = replace(binary, changelog=zipped("3.0", "2.0", "1.0", "0.9"))
    repository.publish()

    said = do(aptfreeze, "update", "--dry-run", "--changelog").fails(10).stdout

    assert "Change of 3.0." in said
    assert "Change of 2.0." in said
    assert "Change of 1.0." not in said
    (changelog,) = data_of(aptfreeze, "update", "--dry-run", "--changelog")["changelogs"]
    assert (changelog["source"], changelog["version"], changelog["packages"]) == ("hello", "3.0", ["hello"])


def test_only_the_named_suite_moves(make_repository: MakeRepository, aptfreeze: Aptfreeze, make_apt: MakeApt) -> None:
    main, security = make_repository("debian"), make_repository("security", suite="bookworm-security")
    for each in (main, security):
        each.add("hello", "1.0")
        each.publish()
        built(aptfreeze, make_apt(), each)
    before = aptfreeze.pins
    for each in (main, security):
        each.add("hello", "2.0")
        each.publish()

    said = do(aptfreeze, "update", "bookworm-security").ok()

    changed = {key for key, pin in aptfreeze.pins.items() if pin != before[key]}
    assert [key.partition(" ")[2] for key in changed] == ["bookworm-security"]
    assert "security" in said.stdout


# --- what is refused ---


def refused(product: Aptfreeze, status: int, *words: str) -> str:
    before = product.lock_file.read_text()
    said = do(product, "update", *words).fails(status)
    assert product.lock_file.read_text() == before
    assert "Hint: " in said.stderr
    return said.stderr


def test_a_suite_that_became_another_release_needs_consent(moved: Repository, aptfreeze: Aptfreeze) -> None:
    object.__setattr__(moved.layout, "codename", "trixie")
    moved.publish()

    assert "--accept-codename" in refused(aptfreeze, 2)
    do(aptfreeze, "update", "--accept-codename").ok()


def test_other_signers_need_consent(moved: Repository, aptfreeze: Aptfreeze, stranger_key: SigningKey) -> None:
    assert moved.key is not None
    keys = [str(moved.key.keyring), str(stranger_key.keyring)]
    aptfreeze.configuration.write_text(f"[trust]\nkeyrings = {json.dumps(keys)}\n")
    moved.key = stranger_key
    moved.publish()

    assert "--accept-signer" in refused(aptfreeze, 2)
    do(aptfreeze, "update", "--accept-signer").ok()


def test_an_older_state_is_refused(moved: Repository, aptfreeze: Aptfreeze) -> None:
    do(aptfreeze, "update").ok()
    moved.add("hello", "1.5")
    moved.publish(date=moved.date - timedelta(minutes=90))

    assert "older than the pinned one" in refused(aptfreeze, 2)


def test_an_expired_state_is_refused(moved: Repository, aptfreeze: Aptfreeze) -> None:
    moved.publish(date=datetime.now(UTC) - timedelta(hours=20), valid_for=timedelta(hours=1))

    assert "expired" in refused(aptfreeze, 2)


def test_a_mirror_in_the_middle_of_an_update_moves_nothing(
    moved: Repository, aptfreeze: Aptfreeze, origin: Origin
) -> None:
    aptfreeze.configure("[fetch]\nretries = 0")
    origin.inject("*/binary-amd64/*", Status(500))

    assert "nothing was moved" in refused(aptfreeze, 4)


def test_locked_environments_do_not_move(moved: Repository, aptfreeze: Aptfreeze) -> None:
    assert "--locked" in refused(aptfreeze, 2, "--locked")
    assert do(aptfreeze, "update", "--locked", "--dry-run").returncode == 10


def test_a_suite_that_nobody_pinned_is_named_with_those_that_are(moved: Repository, aptfreeze: Aptfreeze) -> None:
    assert "/debian bookworm" in refused(aptfreeze, 2, "trixie")


# --- beside others ---


def test_a_build_that_runs_keeps_its_generation(
    moved: Repository, aptfreeze: Aptfreeze, make_apt: MakeApt, tmp_path: Path
) -> None:
    client = make_apt()
    client.add(moved)
    ready, go = tmp_path / "ready", tmp_path / "go"
    script = f"apt-get update && touch {ready} && while [ ! -e {go} ]; do sleep 0.05; done; apt-get install -d hello"
    line = aptfreeze.line("run", "--archive", str(aptfreeze.archive), "--", "sh", "-c", script)
    with subprocess.Popen(line, env={**aptfreeze.environ, **client.environ}, cwd=aptfreeze.environment) as running:
        while not ready.exists():
            assert running.poll() is None
            time.sleep(0.02)
        do(aptfreeze, "update").ok()
        go.touch()
        assert running.wait(60) == 0
    assert list(client.fetched()) == OLD
    assert built(aptfreeze, make_apt(), moved) == NEW


def test_after_an_update_without_a_build_it_is_about_the_builds_before_it(
    moved: Repository, aptfreeze: Aptfreeze
) -> None:
    first = aptfreeze.lock["generation"]
    do(aptfreeze, "update").ok()
    moved.add("hello", "3.0")
    moved.publish()

    said = do(aptfreeze, "update", "--dry-run").fails(10).stdout

    assert f"the builds of generation {first[:12]} used" in said
    assert "hello amd64 1.0 -> 3.0" in said


def test_the_lock_alone_is_enough_to_update_from(moved: Repository, aptfreeze: Aptfreeze, make_apt: MakeApt) -> None:
    clone = aptfreeze.beside("clone")
    clone.lock_file.write_bytes(aptfreeze.lock_file.read_bytes())

    said = do(clone, "update").ok()

    assert "no run is recorded here" in said.stdout
    assert built(clone, make_apt(), moved) == NEW


def test_ctrl_c_ends_it_at_once_and_nothing_has_moved(moved: Repository, aptfreeze: Aptfreeze, origin: Origin) -> None:
    before = aptfreeze.lock_file.read_text()
    stall = Stall()
    origin.inject("*/binary-amd64/*", stall)
    line = aptfreeze.line("update", "--archive", str(aptfreeze.archive))
    with subprocess.Popen(
        line, env=aptfreeze.environ, cwd=aptfreeze.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as update:
        assert stall.reached.wait(20)
        update.send_signal(signal.SIGINT)
        assert update.wait(20) == 130
    stall.release()
    assert aptfreeze.lock_file.read_text() == before


def killed_after(product: Aptfreeze, seconds: float) -> None:
    line = product.line("update", "--archive", str(product.archive))
    with subprocess.Popen(
        line, env=product.environ, cwd=product.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as update:
        time.sleep(seconds)
        update.send_signal(signal.SIGKILL)


@pytest.mark.parametrize(
    "kills", [6, pytest.param(200, marks=[pytest.mark.long, pytest.mark.timeout(1800)])], ids=["few", "many"]
)
def test_killed_at_any_moment_it_is_the_old_generation_or_the_new_one(
    kills: int, moved: Repository, aptfreeze: Aptfreeze, make_apt: MakeApt, origin: Origin
) -> None:
    origin.inject("*", Delay(0.02))
    chance = random.Random(kills)
    old = aptfreeze.lock
    for number in range(kills):
        killed_after(aptfreeze, chance.uniform(0.1, 0.9))
        found = aptfreeze.lock
        assert (found["generation"] == old["generation"]) == (found["pins"] == old["pins"])
        assert data_of(aptfreeze, "status")["generation"] == found["generation"]
        moved.publish(date=moved.date + timedelta(seconds=1), keep_by_hash=True, keep_pool=True)
        old = aptfreeze.lock
        if number == kills // 2:
            assert built(aptfreeze, make_apt(), moved) in (OLD, NEW)
    do(aptfreeze, "update").ok()
    assert built(aptfreeze, make_apt(), moved) == NEW


# --- nobody reads what it prints ---


@pytest.mark.parametrize(("verb", "flags"), [("update", []), ("update", ["--json"]), ("reset", ["--json"])])
def test_who_cannot_have_the_data_is_told_that_something_has_moved(
    verb: str, flags: list[str], moved: Repository, aptfreeze: Aptfreeze
) -> None:
    before = aptfreeze.lock["generation"]
    line = aptfreeze.line(verb, "--archive", str(aptfreeze.archive), *flags)

    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run(
            line, env=aptfreeze.environ, cwd=aptfreeze.environment, stdout=full, stderr=subprocess.PIPE, text=True
        )

    after = aptfreeze.lock["generation"]
    assert (ended.returncode, after != before) == (2, True)
    assert f"generation {after} is current" in ended.stderr
    assert "cannot write to stdout" in ended.stderr
