# SPDX-License-Identifier: MIT
"""An archive after a real build is damaged in every way, checked, killed in the middle of its repair, and repaired."""

import json
import os
import random
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from aptfreeze.archive.objects import Objects
from support.apt import MakeApt
from support.aptfreeze import Aptfreeze
from support.archive import every_object_verifies, objects_of, quarantined, rot
from support.confined import Confined, protect
from support.faults import Flip, Stall, Status
from support.origin import Origin
from support.process import Result
from support.repository import MakeRepository, Repository
from support.starting import BUILD
from support.terminal import Terminal

NAMES = ("hello", "bash", "large", "libc", "vim")


@pytest.fixture
def repository(make_repository: MakeRepository) -> Repository:
    repository = make_repository()
    for name in NAMES:
        repository.add(name, "1.0", size=2_500_000 if name == "large" else 40_000)
    repository.add_source("hello", "1.0")
    repository.publish()
    return repository


@pytest.fixture
def built(aptfreeze: Aptfreeze, repository: Repository, make_apt: MakeApt, origin: Origin) -> Aptfreeze:
    apt = make_apt()
    apt.add(repository)
    command = f"apt-get update && apt-get install --download-only {' '.join(NAMES)}"
    aptfreeze.run(["sh", "-c", command], env=apt.environ).ok()
    origin.forget()
    return aptfreeze


def fsck(product: Aptfreeze, *flags: str) -> Result:
    return product.command("fsck", "--archive", str(product.archive), *flags)


def data(product: Aptfreeze, *flags: str) -> Any:
    return json.loads(fsck(product, "--json", *flags).stdout)


def damage(product: Aptfreeze, repository: Repository) -> set[str]:
    """One package each: flipped, cut, emptied, and under a wrong name; the pinned file, and a look-up table."""
    names = [repository.binary(name).sha256 for name in ("hello", "bash", "vim", "libc")]
    rot(product.archive, names[0], 10_000)
    for name, size in ((names[1], 20_000), (names[2], 0)):
        path = objects_of(product.archive)[name]
        path.chmod(0o644)
        os.truncate(path, size)
    right = objects_of(product.archive)[names[3]]
    right.rename(right.with_name(f"{right.name[:2]}{'0' * 62}"))
    pinned = product.pins[f"{repository.url.removeprefix('http://')} bookworm"]["inrelease"].removeprefix("sha256:")
    rot(product.archive, pinned, 50)
    [table] = (product.archive / "index").glob("*.sqlite")
    table.chmod(0o644)
    os.truncate(table, 3000)
    return {*names[:3], f"{right.name[:2]}{'0' * 62}", pinned}


def test_every_damage_is_named_and_then_repaired(
    built: Aptfreeze, repository: Repository, origin: Origin, make_apt: MakeApt
) -> None:
    damaged = damage(built, repository)

    told = fsck(built).fails(3)
    repaired = fsck(built, "--repair").fails(3)

    bad = [line for line in told.stdout.splitlines() if line.startswith("BAD: object")]
    assert {line.split("/")[3].partition(":")[0] for line in bad} == damaged
    for name in ("hello", "bash", "vim"):
        path = f"{repository.url.removeprefix('http://')}/{repository.binary(name).path}"
        assert f"  package {name} 1.0 amd64 ({path}), needed by {built.environment}\n" in told.stdout
    assert "pinned file dists/bookworm/InRelease" in told.stdout
    assert "BAD: look-up table index/" in told.stdout
    assert told.stderr == ""
    [nobodys] = [line for line in bad if "000000" in line]  # the wrong name
    missing = [line for line in repaired.stdout.splitlines() if line.startswith("MISSING")]
    assert missing == [nobodys.replace("BAD", "MISSING")]
    assert every_object_verifies(built.archive)
    assert fsck(built).ok().stdout.endswith("everything is as it should be\n")
    apt = make_apt()
    apt.add(repository)
    built.command("fetch", "--archive", str(built.archive)).ok()  # the right name of the misnamed one
    origin.stop()
    command = f"apt-get update && apt-get install --download-only {' '.join(NAMES)}"
    built.run(["sh", "-c", command], "--offline", "--locked", env=apt.environ).ok()
    assert len(apt.fetched()) == len(NAMES)


def test_what_no_mirror_has_is_in_quarantine_and_named(
    built: Aptfreeze, repository: Repository, origin: Origin
) -> None:
    hello = repository.binary("hello").sha256
    rot(built.archive, hello, 10_000)
    origin.inject("*/hello_*", Flip(0))
    origin.inject("*/bash_*", Status(404))

    found = data(built, "--repair")

    [bad] = found["bad"]
    assert (found["exit_status"], bad["outcome"], bad["digest"]) == (3, "missing", f"sha256:{hello}")
    assert bad["needed_by"][0]["name"] == "hello 1.0 amd64"
    assert quarantined(built.archive) == {hello}
    assert hello not in objects_of(built.archive)
    origin.heal()
    assert data(built, "--repair")["exit_status"] == 0
    assert hello in objects_of(built.archive)


def test_what_only_another_archive_has_comes_from_there_by_copying_it(
    built: Aptfreeze, repository: Repository, origin: Origin
) -> None:
    hello = repository.binary("hello").sha256
    shelf = built.root / "shelf"
    shutil.copytree(built.archive, shelf)
    rot(built.archive, hello, 10_000)
    origin.stop()
    fsck(built, "--repair").fails(3)

    shutil.copytree(shelf / "objects", built.archive / "objects", dirs_exist_ok=True, copy_function=copy_missing)

    assert fsck(built).ok()
    assert hello in objects_of(built.archive)


def copy_missing(source: str, target: str) -> None:
    if not Path(target).exists():
        shutil.copy2(source, target)


def test_another_process_that_fetches_the_same_is_waited_for(
    built: Aptfreeze, repository: Repository, origin: Origin, make_apt: MakeApt
) -> None:
    """A build has found the damage itself, and its download hangs when the repair comes."""
    large = repository.binary("large").sha256
    rot(built.archive, large, 10_000)
    origin.inject("*/large_*", stall := Stall(1_500_000), times=1)
    apt = make_apt()
    apt.add(repository)
    with built.serve() as serving:
        apt.use_proxy(serving.proxy)
        apt.update().ok()
        with subprocess.Popen(
            ["apt-get", "install", "--download-only", "--yes", "large"],
            env=apt.environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        ) as client:  # fmt: skip
            assert stall.reached.wait(30)
            line = built.line("fsck", "--repair", "--archive", str(built.archive))
            with subprocess.Popen(line, env=built.environ, cwd=built.environment, stdout=subprocess.PIPE) as repair:
                stall.release()
                assert repair.wait(60) == 0
            client.wait(60)
    assert origin.count("*/large_*") == 1
    assert large in objects_of(built.archive)
    assert every_object_verifies(built.archive)


def test_a_read_only_archive_is_checked_and_not_repaired(built: Aptfreeze, repository: Repository) -> None:
    confined = Confined(built.root / "confined", archive=built.archive)
    shutil.copy(built.lock_file, confined.lock_file)
    rot(built.archive, repository.binary("hello").sha256, 10_000)
    before = sorted(path for path in built.archive.rglob("*"))
    protect(confined)
    told, refused = fsck(confined), fsck(confined, "--repair")
    if os.geteuid() != 0:
        protect(confined, writable=True)

    assert "package hello 1.0 amd64" in told.fails(3).stdout
    assert "can only be read" in refused.fails(1).said_by("aptfreeze")
    assert sorted(path for path in built.archive.rglob("*")) == before


def test_a_full_disk_is_told_and_nothing_is_lost(built: Aptfreeze, repository: Repository) -> None:
    """The archive lies on a disk of its own with no room for what has to be fetched."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount")
    for name in ("hello", "large"):
        rot(built.archive, repository.binary(name).sha256, 10_000)
    full = Confined(built.root / "full", archive=built.root / "disk")
    full.configure(built.configuration.read_text())
    shutil.copy(built.lock_file, full.lock_file)
    full.archive.mkdir()
    script = (
        'mount -t tmpfs -o size=8m none "$0" && cp -a "$1/." "$0" && head -c 8m /dev/zero > "$0/tmp/ballast"; shift;'
        '"$@"; echo "status $?"; ls "$0/quarantine"; rm "$0/tmp/ballast"; "$@"; echo "status $?";'
        'cd "$0/objects/sha256" && find . -type f -printf "%f  %p\\n" | sha256sum --check --quiet && echo good'
    )
    full.prefix = ("unshare", "--mount", "sh", "-c", script, str(full.archive), str(built.archive))

    told = fsck(full, "--repair")

    assert "No space left on device" in told.said_by("aptfreeze")
    assert "Hint: free some space" in told.said_by("aptfreeze")
    lines = told.stdout.splitlines()
    assert lines[0] == "status 1"
    assert "2 files put right; everything is as it should be now" in lines
    assert lines[-2:] == ["status 0", "good"]


def kill_and_repair(built: Aptfreeze, repository: Repository, origin: Origin, rounds: int, seed: int) -> None:
    """Damage, begin to repair, kill at any moment: what was good stays, and the next repair finishes it."""
    chance = random.Random(seed)
    whole = {name: path.read_bytes() for name, path in objects_of(built.archive).items()}
    line = built.line("fsck", "--repair", "--archive", str(built.archive))
    for _ in range(rounds):
        damaged = chance.sample(sorted(whole), chance.randrange(1, len(whole) + 1))
        for name in damaged:
            rot(built.archive, name, chance.randrange(len(whole[name])))
        with subprocess.Popen(
            line, env=built.environ, cwd=built.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as repair:
            time.sleep(chance.uniform(0.1, 0.9))
            repair.send_signal(signal.SIGKILL)
        held = objects_of(built.archive)
        for name in whole.keys() - set(damaged):
            assert held[name].read_bytes() == whole[name]
        assert held.keys() == whole.keys()
        fsck(built, "--repair").ok()
        assert {name: path.read_bytes() for name, path in objects_of(built.archive).items()} == whole
        assert fsck(built).ok().stdout.endswith("everything is as it should be\n")


def test_a_killed_repair_loses_nothing(built: Aptfreeze, repository: Repository, origin: Origin) -> None:
    kill_and_repair(built, repository, origin, rounds=4, seed=1)


@pytest.mark.long
def test_two_hundred_killed_repairs_lose_nothing(built: Aptfreeze, repository: Repository, origin: Origin) -> None:
    kill_and_repair(built, repository, origin, rounds=200, seed=2)


def test_a_check_that_is_killed_is_gone_on_with(built: Aptfreeze, repository: Repository) -> None:
    """What it leaves when it is in the middle, whatever ends it there."""
    rot(built.archive, repository.binary("hello").sha256, 10_000)
    fsck(built).fails(3)
    state = json.loads((built.archive / "fsck.json").read_text())
    names = sorted(objects_of(built.archive))
    half = names[len(names) // 2]
    state |= {"finished": False, "position": f"objects/sha256/{half[:2]}/{half}"}
    (built.archive / "fsck.json").write_text(json.dumps(state))

    again = fsck(built)

    assert again.said_by("aptfreeze").startswith("aptfreeze: going on with the check that began less than a minute ago")
    assert "package hello 1.0 amd64" in again.fails(3).stdout
    assert fsck(built, "--restart").fails(3).stderr == ""


def test_a_check_shows_how_far_it_is_and_ends_at_ctrl_c(aptfreeze: Aptfreeze) -> None:
    """Behind two objects lies one that takes minutes to read: it is sparse."""
    objects = Objects(aptfreeze.archive)
    names = [objects.put(data).hex for data in (b"one", b"two")]
    endless = aptfreeze.archive / "objects/sha256/ff" / ("f" * 64)
    endless.parent.mkdir(exist_ok=True)
    endless.touch()
    os.truncate(endless, 1 << 38)
    line = aptfreeze.line("fsck", "--archive", str(aptfreeze.archive))
    with Terminal(line, env=aptfreeze.environ, cwd=aptfreeze.environment) as terminal:
        terminal.wait_for("aptfreeze: 2 objects, ")
        terminal.press(b"\x03")
        assert terminal.ended() == 130
        assert terminal.rows[-2:] == ["aptfreeze: interrupted after 2 objects; the next fsck goes on from there", ""]
    endless.unlink()

    again = fsck(aptfreeze).ok()

    assert json.loads(fsck(aptfreeze, "--json").stdout)["objects"] == len(names)
    assert again.said_by("aptfreeze").startswith("aptfreeze: going on with the check that began less than a minute ago")
    assert "2 objects" in again.stdout


def test_a_build_and_a_gc_go_on_beside_a_check(built: Aptfreeze, repository: Repository, make_apt: MakeApt) -> None:
    apt = make_apt()
    apt.add(repository)
    stop = built.root / "stop"
    line = built.line("fsck", "--archive", str(built.archive))
    script = f"while [ ! -e {stop} ]; do {' '.join(line)} || exit $?; done"
    with subprocess.Popen(["sh", "-c", script], env=built.environ, cwd=built.environment) as checking:
        built.run(BUILD, env=apt.environ).ok()
        built.command("gc", "--archive", str(built.archive)).ok()
        stop.touch()
        assert checking.wait(60) == 0
