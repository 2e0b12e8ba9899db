# SPDX-License-Identifier: MIT
"""An archive whose garbage is removed: what somebody needs is there afterwards, whatever else goes on meanwhile."""

import json
import os
import random
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from aptfreeze.archive.objects import Objects
from aptfreeze.freeze.digest import Digest
from support.apt import Apt, MakeApt
from support.aptfreeze import Aptfreeze
from support.archive import every_object_verifies, objects_of
from support.origin import Origin
from support.process import Result
from support.repository import Repository
from support.starting import BUILD

DAY_S = 24 * 3600


def gc(product: Aptfreeze, *flags: str) -> Result:
    return product.command("gc", "--archive", str(product.archive), *flags)


def told(product: Aptfreeze, *flags: str) -> Any:
    return json.loads(gc(product, "--json", *flags).ok().stdout)


def builds_offline(product: Aptfreeze, repository: Repository, make_apt: MakeApt) -> None:
    """Everything that a build needs is in the archive."""
    client = make_apt()
    client.add(repository)
    product.run(BUILD, "--offline", env=client.environ).ok()
    assert client.fetched()


def stray(archive: Path, *data: bytes) -> list[Digest]:
    """Objects that nobody needs."""
    with closing(Objects(archive)) as objects:
        return [objects.put(each) for each in data]


def age(product: Aptfreeze, days: float) -> None:
    """Every environment was seen so long ago."""
    then = time.time() - days * DAY_S
    for path in (product.archive / "environments").glob("*/about.json"):
        os.utime(path, (then, then))


@pytest.fixture
def built(repository: Repository, aptfreeze: Aptfreeze, apt: Apt) -> Aptfreeze:
    """An environment whose build was served `hello` 1.0."""
    apt.add(repository)
    aptfreeze.run(BUILD, env=apt.environ).ok()
    return aptfreeze


# --- two environments, and time ---


def test_an_environment_keeps_its_packages_while_another_one_moves_on(
    built: Aptfreeze, repository: Repository, make_apt: MakeApt, origin: Origin
) -> None:
    first = repository.binary("hello").sha256
    other = built.beside("other")
    client = make_apt()
    client.add(repository)
    other.run(BUILD, env=client.environ).ok()
    repository.add("hello", "2.0")
    repository.publish()
    other.command("update", "--archive", str(other.archive)).ok()
    client.clear_lists()
    other.run(BUILD, env=client.environ).ok()
    origin.forget()

    kept = told(other, "--keep-generations", "1")

    assert [root["name"].rpartition("/")[2] for root in kept["roots"]] == ["environment", "other"]
    assert {first, repository.binary("hello").sha256} <= set(objects_of(built.archive))
    builds_offline(built, repository, make_apt)
    shutil.rmtree(built.environment)
    age(built, 29)
    assert told(other, "--keep-generations", "1")["unneeded"] == {}
    age(built, 31)
    gone = told(other, "--keep-generations", "1")
    assert f"{first}" in {each["sha256"] for each in gone["objects"]}
    assert "hello 1.0 amd64" in {each["name"] for each in gone["objects"]}
    assert first not in objects_of(built.archive)
    builds_offline(other, repository, make_apt)
    assert origin.asked() == []


def test_a_generation_that_is_kept_can_be_gone_back_to(
    built: Aptfreeze, repository: Repository, make_apt: MakeApt, origin: Origin
) -> None:
    repository.add("hello", "2.0")
    repository.publish()
    built.command("update", "--archive", str(built.archive)).ok()
    origin.forget()

    gc(built, "--keep-generations", "2").ok()
    built.command("rollback", "--archive", str(built.archive)).ok()
    builds_offline(built, repository, make_apt)

    assert origin.asked() == []
    assert "nothing was removed (--dry-run)" in gc(built, "--dry-run", "--keep-generations", "1").ok().stdout


def test_a_commit_that_is_named_is_kept(built: Aptfreeze, repository: Repository, make_apt: MakeApt) -> None:
    first = repository.binary("hello").sha256
    git(built, "init", "--quiet")
    git(built, "add", "aptfreeze.lock")
    git(built, "commit", "--quiet", "--message", "release")
    git(built, "tag", "v1.0")
    repository.add("hello", "2.0")
    repository.publish()
    built.command("update", "--archive", str(built.archive)).ok()

    gc(built, "--keep-generations", "1", "--keep", "v1.0").ok()
    assert first in objects_of(built.archive)
    gc(built, "--keep-generations", "1").ok()
    assert first not in objects_of(built.archive)


def git(product: Aptfreeze, *words: str) -> None:
    who = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
    subprocess.run(["git", *who, *words], cwd=product.environment, check=True, capture_output=True)


# --- builds beside it ---


def test_a_build_that_pins_at_first_sight_what_was_condemned_finds_it(
    built: Aptfreeze, repository: Repository, make_apt: MakeApt, origin: Origin
) -> None:
    shutil.rmtree(built.environment / ".aptfreeze")
    built.lock_file.unlink()
    age(built, 31)
    fresh = built.beside("fresh")
    with fresh.serve() as frozen:
        waiting = told(fresh)
        assert waiting["waiting"]["files"] > 0
        assert waiting["deleted"]["files"] == 0
        assert objects_of(built.archive) == {}
        origin.forget()
        client = make_apt(proxy=frozen.proxy)
        client.add(repository)
        client.update().ok()
        client.install("hello").ok()
        fresh.wait_until_pinned()
        assert {name.rpartition("/")[2] for name in origin.asked()} <= {"InRelease", "Sources.xz"}
        told(fresh)
    assert told(fresh)["waiting"]["files"] == 0
    builds_offline(fresh, repository, make_apt)


def test_builds_go_on_beside_it(built: Aptfreeze, repository: Repository, make_apt: MakeApt, origin: Origin) -> None:
    """Ten of them, each in an environment that the archive hears of for the first time."""
    products, clients = [built.beside(f"build-{number}") for number in range(10)], [make_apt() for _ in range(10)]
    for client in clients:
        client.add(repository)
    ended = threading.Event()
    with ThreadPoolExecutor(11) as threads:
        collecting = threads.submit(collected_until, ended, built)
        try:
            results = list(
                threads.map(lambda each: each[0].run(BUILD, env=each[1].environ), zip(products, clients, strict=True))
            )
        finally:
            ended.set()
        assert collecting.result() > 0
    for result, client in zip(results, clients, strict=True):
        result.ok()
        assert client.fetched() == {"hello_1.0_amd64.deb": repository.binary("hello").sha256}
    gc(built, "--keep-generations", "1").ok()
    origin.forget()
    for product in products[::4]:
        builds_offline(product, repository, make_apt)
    assert origin.asked() == []
    every_object_verifies(built.archive)


def collected_until(ended: threading.Event, product: Aptfreeze) -> int:
    """One gc after the other, while other objects become garbage; how many there were."""
    count = 0
    while not ended.is_set() or count == 0:
        stray(product.archive, b"garbage %d" % count)
        gc(product, "--keep-generations", "1").ok()
        count += 1
    return count


def test_of_two_at_once_one_does_it_and_the_other_says_so(
    built: Aptfreeze, make_apt: MakeApt, repository: Repository
) -> None:
    stray(built.archive, *(b"garbage %d" % number for number in range(200)))
    with ThreadPoolExecutor(2) as threads:
        results = list(threads.map(lambda _: gc(built), range(2)))
    assert {result.returncode for result in results} <= {0, 2}
    for result in results:
        assert result.returncode == 0 or "gc.mutex is held by" in result.stderr
    assert any(result.returncode == 0 for result in results)
    builds_offline(built, repository, make_apt)


# --- at a random moment, on a full disk ---


@pytest.mark.parametrize(
    "kills", [10, pytest.param(200, marks=[pytest.mark.long, pytest.mark.timeout(2400)])], ids=["few", "hundreds"]
)
def test_killed_at_any_moment_all_that_is_needed_is_there(
    kills: int, built: Aptfreeze, repository: Repository, make_apt: MakeApt, origin: Origin
) -> None:
    gc(built).ok()
    needed = [Digest.parse(f"sha256:{name}") for name in objects_of(built.archive)]
    chance = random.Random(kills)
    line = built.line("gc", "--archive", str(built.archive))
    for number in range(kills):
        stray(built.archive, *(b"garbage %d of %d" % (each, number) for each in range(300)))
        process = subprocess.Popen(
            line, env=built.environ, cwd=built.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        with suppress(subprocess.TimeoutExpired):
            process.wait(chance.uniform(0.1, 0.8))
        process.kill()
        process.wait()
        with closing(Objects(built.archive)) as objects:
            assert all(map(objects.has, needed))
        every_object_verifies(built.archive)
    origin.forget()
    builds_offline(built, repository, make_apt)
    gc(built).ok()
    assert set(objects_of(built.archive)) >= {each.hex for each in needed}
    assert len(objects_of(built.archive)) <= len(needed) + 1  # the text of the InRelease, which a client may ask for
    assert list((built.archive / "condemned").iterdir()) == []
    assert origin.asked() == []


class OnADisk(Aptfreeze):
    """The product where another disk is mounted, for this test alone."""

    prefix: tuple[str, ...] = ()

    def line(self, *arguments: str) -> list[str]:
        return [*self.prefix, *super().line(*arguments)]


@contextmanager
def small_disk(product: OnADisk) -> Iterator[Path]:
    """Its archive is a disk of 1 MB; where that is seen from outside."""
    product.archive.mkdir()
    mount = 'mount -t tmpfs -o size=1m none "$0" && echo ready && exec sleep 600'
    holder = subprocess.Popen(
        ["unshare", "--mount", "sh", "-c", mount, str(product.archive)], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    try:
        assert holder.stdout.readline() == "ready\n"
        inside = ["nsenter", "--mount", "--target", str(holder.pid), "sh", "-c", 'cd "$0" && exec "$@"']
        product.prefix = (*inside, str(product.environment))
        yield Path(f"/proc/{holder.pid}/root{product.archive}")
    finally:
        holder.kill()
        holder.wait()
        holder.stdout.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount")
def test_on_a_full_disk_nothing_is_lost(aptfreeze: Aptfreeze, repository: Repository, make_apt: MakeApt) -> None:
    product = OnADisk(aptfreeze.root / "on a disk", archive=aptfreeze.root / "small disk")
    product.configure(aptfreeze.configuration.read_text())
    client = make_apt()
    client.add(repository)
    with small_disk(product) as archive:
        product.run(BUILD, env=client.environ).ok()
        needed = set(objects_of(archive))
        stray(archive, *(b"garbage %d" % number for number in range(20)))
        for table in (archive / "index").iterdir():
            table.unlink()  # they have to be made anew, and there is no room
        fill_up(archive / "tmp" / "filler")

        failed = gc(product).fails(1)

        assert "cannot write to the archive" in failed.stderr
        assert "No space left on device" in failed.stderr
        assert needed <= set(objects_of(archive))
        assert every_object_verifies(archive) >= len(needed) + 20
        (archive / "tmp" / "filler").unlink()
        gc(product).ok()
        assert len(objects_of(archive)) <= len(needed)
        builds_offline(product, repository, make_apt)


def fill_up(path: Path) -> None:
    with suppress(OSError), path.open("wb", buffering=0) as file:
        while file.write(bytes(4096)):
            pass


def test_an_archive_that_can_only_be_read_is_told(built: Aptfreeze) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can mount")
    inside = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"'
    line = [
        "unshare",
        "--mount",
        "sh",
        "-c",
        inside,
        str(built.archive),
        *built.line("gc", "--archive", str(built.archive)),
    ]
    failed = done(line, built)
    assert failed.returncode == 1
    assert "can only be read" in failed.stderr


def done(line: Sequence[str], product: Aptfreeze) -> subprocess.CompletedProcess[str]:
    return subprocess.run(line, env=product.environ, cwd=product.environment, capture_output=True, text=True)
