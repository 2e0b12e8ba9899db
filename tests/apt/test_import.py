# SPDX-License-Identifier: MIT
"""Exports and imports that are interrupted or run out of space: nothing is half there, and the next try works."""

import json
import os
import random
import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from support.apt import MakeApt
from support.aptfreeze import Aptfreeze
from support.archive import every_object_verifies, objects_of
from support.handing import build, verb
from support.origin import Origin
from support.process import Result, run
from support.repository import MakeRepository, Repository
from support.users import folder_of

KILLS = pytest.mark.parametrize(
    "kills", [4, pytest.param(200, marks=[pytest.mark.long, pytest.mark.timeout(2400)])], ids=["few", "many"]
)
KINDS = pytest.mark.parametrize("kind", ["folder", "tar"])


@pytest.fixture
def repository(make_repository: MakeRepository) -> Repository:
    """Some packages, of which the largest take their time."""
    repository = make_repository()
    repository.add("hello", "1.0", Depends=", ".join(f"part{n}" for n in range(8)))
    for number in range(8):
        repository.add(f"part{number}", "1.0", size=200_000 * (number + 1))
    repository.publish()
    return repository


@pytest.fixture
def built(make_apt: MakeApt, repository: Repository, aptfreeze: Aptfreeze) -> Aptfreeze:
    apt = make_apt()
    apt.add(repository)
    return build(aptfreeze, apt)


def export(product: Aptfreeze, folder: Path, kind: str) -> Path:
    """Onto the same file system as the archive, and of a folder nothing that is linked to it."""
    if kind == "tar":
        verb(product, "export", str(folder / "release.tar")).ok()
        return folder / "release.tar"
    verb(product, "export", str(folder / "linked")).ok()
    shutil.copytree(folder / "linked", folder / "release")
    return folder / "release"


def whole_time_of(line: Sequence[str], product: Aptfreeze) -> float:
    """How long it takes on this machine, in seconds."""
    began = time.monotonic()
    run(line, env=product.environ, cwd=product.environment).ok()
    return time.monotonic() - began


def killed_after(line: Sequence[str], product: Aptfreeze, seconds: float) -> None:
    process = subprocess.Popen(
        line, env=product.environ, cwd=product.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


# --- kill -9 ---


@KILLS
@KINDS
def test_an_import_that_is_killed_at_any_moment_leaves_good_files_and_the_whole_environment_or_none(
    built: Aptfreeze, make_apt: MakeApt, repository: Repository, origin: Origin, tmp_path: Path, kind: str, kills: int
) -> None:
    source = export(built, tmp_path, kind)
    origin.stop()
    first = Aptfreeze(tmp_path / "first")
    whole_s = whole_time_of([*first.line("import", str(source)), "--archive", str(first.archive)], first)
    chance = random.Random(kills)
    archive = tmp_path / "shared-archive"
    for number in range(kills):
        product = Aptfreeze(tmp_path / f"there-{number}", archive=archive)
        killed_after(
            [*product.line("import", str(source)), "--archive", str(archive)],
            product,
            chance.uniform(0.2, 1.1) * whole_s,
        )
        if archive.exists():
            every_object_verifies(archive)
        if product.lock_file.exists():
            assert product.lock_file.read_bytes() == built.lock_file.read_bytes()
            assert product.configuration.read_bytes() == built.configuration.read_bytes()
        if number % 3 == 2:  # begin anew from nothing
            shutil.rmtree(archive, ignore_errors=True)
        elif number % 3 == 1:  # the same environment again, killed or not
            verb(product, "import", str(source)).ok()
            assert (verb(product, "packages").ok().stdout.count("\n"), list((archive / "partial").iterdir())) == (9, [])
        else:
            continue
        shutil.rmtree(product.root)

    last = Aptfreeze(tmp_path / "last", archive=archive)
    verb(last, "import", str(source)).ok()
    apt = make_apt()
    apt.add(repository)
    build(last, apt, "--locked", "--offline")
    assert len(apt.fetched()) == 9


@KILLS
@KINDS
def test_an_export_that_is_killed_at_any_moment_is_there_as_a_whole_or_not_at_all(
    built: Aptfreeze, tmp_path: Path, kind: str, kills: int
) -> None:
    (tmp_path / "out").mkdir()
    name = "release.tar" if kind == "tar" else "release"
    target = tmp_path / "out" / name
    line = [*built.line("export", str(target)), "--archive", str(built.archive)]
    whole_s = whole_time_of(line, built)
    reference = target.read_bytes() if kind == "tar" else b""
    chance = random.Random(kills)
    for _ in range(kills):
        (shutil.rmtree if kind == "folder" else os.unlink)(target)
        killed_after(line, built, chance.uniform(0.2, 1.1) * whole_s)
        every_object_verifies(built.archive)
        if target.exists() and kind == "tar":
            assert target.read_bytes() == reference
        elif target.exists():
            run(["sha256sum", "-c", "--quiet", "SHA256SUMS"], env=built.environ, cwd=target).ok()
        else:
            run(line, env=built.environ, cwd=built.environment).ok()
            assert [path.name for path in (tmp_path / "out").iterdir()] == [name]


# --- a full disk ---

_WITH_A_SMALL_DISK = """\
set -u
disk=$1 size=$2
shift 2
mkdir -p "$disk"
mount -t tmpfs -o size="$size" none "$disk"
"$@"
echo "first $?"
find "$disk" -type f -path "*/objects/*" | while read -r file; do
    [ "$(sha256sum < "$file" | cut -d' ' -f1)" = "$(basename "$file")" ] || echo "bad $file"
done
ls -A "$disk" | sed "s/^/left /"
mount -o remount,size=100m none "$disk"
"$@"
echo "second $?"
"""


def with_a_small_disk(product: Aptfreeze, disk: Path, size: int, line: Sequence[str]) -> Result:
    """Runs the command with a disk of `size` KB at that place, and again when there is room."""
    command = ["unshare", "--mount", "sh", "-c", _WITH_A_SMALL_DISK, "sh", str(disk), f"{size}k", *line]
    return run(command, env=product.environ, cwd=product.environment)


only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount")


@only_root
@KINDS
def test_an_archive_that_gets_full_at_any_point_is_told_and_the_next_try_works(
    built: Aptfreeze, tmp_path: Path, kind: str
) -> None:
    source = export(built, tmp_path, kind)
    chance = random.Random(1)
    for number in range(6):
        product = Aptfreeze(tmp_path / f"there-{number}")
        line = [*product.line("import", str(source)), "--archive", str(product.archive)]

        told = with_a_small_disk(product, product.archive, chance.randrange(40, 6000), line)

        assert "first 1\n" in told.stdout, str(told)
        assert "second 0\n" in told.stdout, str(told)
        assert "bad" not in told.stdout
        assert "No space left on device\naptfreeze: Hint: " in told.said_by("aptfreeze")
        assert product.lock_file.read_bytes() == built.lock_file.read_bytes()


@only_root
@KINDS
def test_a_target_that_gets_full_at_any_point_is_told_leaves_nothing_and_the_next_try_works(
    built: Aptfreeze, tmp_path: Path, kind: str
) -> None:
    name = "release.tar" if kind == "tar" else "release"
    chance = random.Random(2)
    for number in range(6):
        disk = tmp_path / f"disk-{number}"
        line = [*built.line("export", str(disk / name)), "--archive", str(built.archive)]

        told = with_a_small_disk(built, disk, chance.randrange(4, 6000), line)

        assert ("first 2\n" in told.stdout, "left" in told.stdout, "second 0\n" in told.stdout) == (True, False, True)
        assert f"cannot write {disk / name}: No space left on device\naptfreeze: Hint: make room" in told.stderr
        every_object_verifies(built.archive)


@only_root
def test_an_environment_that_gets_full_is_told_and_the_next_try_works(built: Aptfreeze, tmp_path: Path) -> None:
    source = export(built, tmp_path, "tar")
    for size in (4, 12, 20):
        product = Aptfreeze(tmp_path / f"there-{size}")
        folder = product.root / "small"
        line = [*product.line("import", str(source)), "--archive", str(product.archive), "--env", str(folder)]

        told = with_a_small_disk(product, folder, size, line)

        assert "first 2\n" in told.stdout, str(told)
        assert "second 0\n" in told.stdout, str(told)
        assert "No space left on device" in told.said_by("aptfreeze")
        every_object_verifies(product.archive)


# --- other ways ---


def test_through_a_pipe(built: Aptfreeze, tmp_path: Path) -> None:
    product = Aptfreeze(tmp_path / "there")
    with subprocess.Popen(
        [*built.line("export", "-"), "--archive", str(built.archive)],
        env=built.environ, cwd=built.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as sender:  # fmt: skip
        done = subprocess.run(
            [*product.line("import", "--json", "-"), "--archive", str(product.archive)],
            env=product.environ, cwd=product.environment, stdin=sender.stdout, capture_output=True,
        )  # fmt: skip
        assert sender.stderr is not None
        sender.stderr.read()

    assert (sender.returncode, done.returncode) == (0, 0)
    assert json.loads(done.stdout)["lock"] == "new"
    assert objects_of(product.archive).keys() <= objects_of(built.archive).keys()


@pytest.mark.parametrize("kept", [0.0, 0.3, 0.9])
def test_a_file_that_was_cut_off_on_its_way(built: Aptfreeze, tmp_path: Path, kept: float) -> None:
    source = export(built, tmp_path, "tar")
    os.truncate(source, int(source.stat().st_size * kept))
    product = Aptfreeze(tmp_path / "there")

    failed = verb(product, "import", str(source)).fails(3)

    assert f"aptfreeze: {source} is cut off: it ends " in failed.said_by("aptfreeze")
    assert not product.lock_file.exists()
    every_object_verifies(product.archive)


@only_root
def test_another_user_cannot_change_what_root_has_imported(built: Aptfreeze) -> None:
    """A folder of somebody else is copied, not shared."""
    with folder_of(65534) as theirs:
        verb(built, "export", str(theirs / "linked")).ok()
        shutil.copytree(theirs / "linked", theirs / "release")
        for path in (theirs / "release").rglob("*"):
            os.chown(path, 65534, 65534)
        product = Aptfreeze(theirs / "root-product")
        found = json.loads(verb(product, "import", "--json", str(theirs / "release")).ok().stdout)

        assert (found["linked"], found["new"] > 0) == (0, True)
        assert {path.stat().st_uid for path in objects_of(product.archive).values()} == {os.geteuid()}
