# SPDX-License-Identifier: MIT
"""Processes that share an archive, and processes that are killed in the middle of downloads."""

import hashlib
import random
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from aptfreeze.archive.objects import Objects
from aptfreeze.fetch.chain import MirrorUrl
from aptfreeze.fetch.download import Downloads
from aptfreeze.freeze.digest import Digest, Wanted
from aptfreeze.settings import FetchSettings
from support.faults import Stall
from support.origin import Origin

FILES = {f"f{n}": random.Random(n).randbytes(size) for n, size in enumerate((5_000, 1_500_000, 300_000, 2_500_000))}

FETCH = textwrap.dedent("""
    import sys
    from pathlib import Path
    from aptfreeze.archive.objects import Objects
    from aptfreeze.fetch.chain import MirrorUrl
    from aptfreeze.fetch.download import Downloads
    from aptfreeze.freeze.digest import Digest, Wanted
    from aptfreeze.settings import FetchSettings
    downloads = Downloads(Objects(Path(sys.argv[1])), FetchSettings())
    growths = []
    for argument in sys.argv[2:]:
        url, digest, size = argument.split(",")
        growths.append(downloads.join(Wanted(Digest.parse(digest), int(size)), [MirrorUrl(url)]))
    print("asked", flush=True)
    for growth in growths:
        growth.wait(60)
    print("done", flush=True)
    downloads.close()
""")


@pytest.fixture
def origin(tmp_path: Path) -> Iterator[Origin]:
    folder = tmp_path / "mirror"
    folder.mkdir()
    for name, data in FILES.items():
        (folder / name).write_bytes(data)
    with Origin(folder) as origin:
        yield origin


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return tmp_path / "archive"


def wanted(name: str) -> Wanted:
    return Wanted(Digest.of(FILES[name]), len(FILES[name]))


def start(archive: Path, origin: Origin, *names: str) -> "subprocess.Popen[str]":
    arguments = [f"{origin.url}/{name},{wanted(name).digest},{len(FILES[name])}" for name in names]
    command = [sys.executable, "-c", FETCH, str(archive), *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def named_objects(archive: Path) -> list[Path]:
    """All of them, each verified."""
    held = [path for path in (archive / "objects").rglob("*") if path.is_file()]
    for path in held:
        assert hashlib.sha256(path.read_bytes()).hexdigest() == path.name
    return held


def test_two_processes_ask_the_mirror_once(archive: Path, origin: Origin) -> None:
    stall = Stall(1_000_000)
    origin.inject("*", stall)
    with start(archive, origin, "f1") as first, start(archive, origin, "f1") as second:
        assert first.stdout
        assert second.stdout
        assert (first.stdout.readline(), second.stdout.readline()) == ("asked\n", "asked\n")
        stall.release()
        assert (first.stdout.read(), second.stdout.read()) == ("done\n", "done\n")
    assert origin.count() == 1
    assert len(named_objects(archive)) == 1


def test_a_killed_download_is_taken_over_by_who_follows_it(archive: Path, origin: Origin) -> None:
    stall = Stall(1_200_000)
    origin.inject("*", stall, times=1)
    with start(archive, origin, "f3") as killed:
        assert stall.reached.wait(20)
        with start(archive, origin, "f3") as follower:
            assert follower.stdout
            assert follower.stdout.readline() == "asked\n"
            killed.kill()
            assert follower.stdout.read() == "done\n"
    assert origin.requests[1].headers["range"].startswith("bytes=")
    assert len(named_objects(archive)) == 1


def kill_and_finish(archive: Path, origin: Origin, rounds: int, seed: int) -> None:
    """Kill a process again and again at any moment, then let another one finish what it began."""
    chance = random.Random(seed)
    for _ in range(rounds):
        origin.forget()
        asked = chance.sample(sorted(FILES), 3)
        origin.inject(f"/{asked[0]}", stall := Stall(chance.randrange(len(FILES[asked[0]]))), times=1)
        with start(archive, origin, *asked) as process:
            assert process.stdout
            process.stdout.readline()
            stall.reached.wait(chance.random() / 10)
            process.kill()
        stall.release()
        origin.heal()
        named_objects(archive)
        for path in (archive / "objects").rglob("*"):
            if path.is_file() and chance.random() < 0.5:
                path.unlink()
    objects = Objects(archive)
    downloads = Downloads(objects, FetchSettings())
    for name in FILES:
        downloads.join(wanted(name), [MirrorUrl(f"{origin.url}/{name}")]).wait(20)
        assert objects.read(wanted(name).digest) == FILES[name]
    downloads.close()
    assert not objects.notices
    assert len(named_objects(archive)) == len(FILES)
    assert list((archive / "partial").iterdir()) == []


def test_kill_9_at_any_moment_leaves_only_verified_objects(archive: Path, origin: Origin) -> None:
    kill_and_finish(archive, origin, 5, seed=1)


@pytest.mark.long
@pytest.mark.timeout(600)
def test_hundreds_of_kills(archive: Path, origin: Origin) -> None:
    kill_and_finish(archive, origin, 300, seed=2)
