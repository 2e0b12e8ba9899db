# SPDX-License-Identifier: MIT
"""100 000 packages and 200 000 objects: what looks at all of them needs 300 MB at most, and a time that is told."""

import os
import subprocess
import sys
import time

import pytest

from aptfreeze.environment.opened import Opened
from support.archive import objects_of, rot
from support.scale import large_environment

PACKAGES = 100_000
OBJECTS = 200_000
MOST_MB = 300

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Opened:
    return large_environment(tmp_path_factory.mktemp("scale"), PACKAGES, OBJECTS - PACKAGES - 2)


def run(opened: Opened, *words: str, status: int = 0) -> str:
    """What it prints; AssertionError if it needed too much memory. Tells how much, and how long it took."""
    line = [sys.executable, "-m", "aptfreeze", *words, "--archive", str(opened.settings.archive.path)]
    began = time.monotonic()
    output = opened.environment.root / "output"
    with output.open("wb") as file:
        process = subprocess.Popen(line, cwd=opened.environment.root, stdout=file)
        _, ended, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(ended)
    size = usage.ru_maxrss / 1024
    print(f"aptfreeze {' '.join(words)}: {time.monotonic() - began:.1f} s, {usage.ru_utime:.1f} s CPU, {size:.0f} MB")
    told = output.read_text()
    assert process.returncode == status, told[-2000:]
    assert size <= MOST_MB
    return told


@pytest.mark.parametrize("flags", [(), ("--json",)])
def test_packages(opened: Opened, flags: tuple[str, ...]) -> None:
    assert len(run(opened, "packages", *flags).splitlines()) >= PACKAGES


def test_fsck(opened: Opened) -> None:
    assert f"{OBJECTS} objects" in run(opened, "fsck")


def test_fsck_of_a_bad_disk(opened: Opened) -> None:
    """A tenth of all packages is damaged, and each is named."""
    archive = opened.settings.archive.path
    names = sorted(objects_of(archive))[::20]
    for name in names:
        rot(archive, name, 0)

    told = run(opened, "fsck", status=3)

    assert told.count("BAD: object") == len(names)
    assert len(names) / 3 < told.count("package package-") < len(names)
    for name in names:
        rot(archive, name, 0)  # it is right again


def test_which(opened: Opened) -> None:
    assert "archived" in run(opened, "which", "package-99999")
    assert "archived" in run(opened, "which", "pool/main/p/package-7/package-7_1.7-1_amd64.deb")
