# SPDX-License-Identifier: MIT
"""100 000 packages and 200 000 objects: what looks at all of them needs 300 MB at most, and a time that is told."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from aptfreeze.environment.opened import Opened
from support.archive import objects_of
from support.scale import large_environment

PACKAGES = 100_000
OBJECTS = 200_000
MOST_MB = 300

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def opened() -> Iterator[Opened]:
    """In a folder that does not stay, as those of pytest do: it has 1 GB of blocks."""
    with tempfile.TemporaryDirectory() as folder:
        yield large_environment(Path(folder), PACKAGES, OBJECTS - PACKAGES - 2)


_MEASURE = """
import os, subprocess, sys
process = subprocess.Popen(sys.argv[1:])
_, status, usage = os.wait4(process.pid, 0)
print(usage.ru_maxrss // 1024, usage.ru_utime + usage.ru_stime, os.waitstatus_to_exitcode(status), file=sys.stderr)
"""
"""A small process in between: what a process is measured with includes what its parent was when it began."""


def run(opened: Opened, *words: str, status: int = 0) -> str:
    """What it prints; AssertionError if it needed too much memory. Tells how much, and how much time."""
    archive = str(opened.settings.archive.path)
    line = [sys.executable, "-c", _MEASURE, sys.executable, "-m", "aptfreeze", *words, "--archive", archive]
    done = subprocess.run(line, cwd=opened.environment.root, capture_output=True, text=True)
    size, seconds, ended = done.stderr.splitlines()[-1].split()
    print(f"aptfreeze {' '.join(words)}: {float(seconds):.1f} s CPU, {size} MB")
    assert int(ended) == status, done.stderr
    assert int(size) <= MOST_MB
    return done.stdout


@pytest.mark.parametrize("flags", [(), ("--json",)])
def test_packages(opened: Opened, flags: tuple[str, ...]) -> None:
    assert len(run(opened, "packages", *flags).splitlines()) >= PACKAGES


def test_fsck(opened: Opened) -> None:
    assert f"{OBJECTS} objects" in run(opened, "fsck")


def test_fsck_of_a_bad_disk(opened: Opened) -> None:
    """One object of twenty is damaged, and each is named."""
    paths = sorted(objects_of(opened.settings.archive.path).values())[::20]
    _turn_a_bit(paths)

    told = run(opened, "fsck", status=3)

    assert told.count("BAD: object") == len(paths)
    assert len(paths) / 3 < told.count("  package package-") < len(paths)
    _turn_a_bit(paths)  # all is right again


def _turn_a_bit(paths: list[Path]) -> None:
    for path in paths:
        data = path.read_bytes()
        path.chmod(0o644)
        path.write_bytes(bytes([data[0] ^ 1]) + data[1:])


def test_stats(opened: Opened) -> None:
    assert f"needs {PACKAGES + 2} files" in run(opened, "stats")


def test_gc_that_only_looks(opened: Opened) -> None:
    assert f"unneeded {OBJECTS - PACKAGES - 2} objects" in run(opened, "gc", "--dry-run")


def test_which(opened: Opened) -> None:
    assert "archived" in run(opened, "which", "package-99999")
    assert "archived" in run(opened, "which", "pool/main/p/package-7/package-7_1.7-1_amd64.deb")
