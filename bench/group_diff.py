# SPDX-License-Identifier: MIT
"""What `aptfreeze diff` costs of two states of a full suite: the mirror's real index, and the same a while later.

Of the later one, a package in 20 has a new version, one in 300 is gone, one in 300 is new; it is signed with a key of
its own. Nothing is fetched: the archive holds both. The first diff decompresses both indexes and makes their look-up
tables; later ones, of whatever process, look into these. Seconds are those of the whole command, its start included.
"""

from __future__ import annotations

import hashlib
import json
import lzma
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from aptfreeze.archive.objects import Objects
from aptfreeze.environment.machine import architecture
from aptfreeze.freeze.generation import Generation, InRelease, Pin, SuiteKey
from aptfreeze.freeze.lockfile import dump
from bench.context import Context
from bench.report import Row
from support.signing import SigningKey, throwaway_key

_DIFF = [sys.executable, "-m", "aptfreeze", "diff", "earlier.lock", "--offline"]
# In a small process: what a child had before it became the command would count as the command's.
_MEASURED = """
import json, resource, subprocess, sys, time
began = time.perf_counter()
done = subprocess.run(sys.argv[1:], stdout=subprocess.PIPE, text=True)
wall, usage = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
cpu, rss = usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / 1e6
print(json.dumps([done.returncode, done.stdout.count("\\n"), wall, cpu, rss]))
"""


class _Rows:
    def __init__(self, what: str) -> None:
        self.wall = Row(what, "s")
        self.cpu = Row(f"CPU of the {what}", "s")
        self.memory = Row(f"most memory of the {what}", "MB")

    def add(self, folder: Path) -> None:
        environ = {**os.environ, "APTFREEZE_ARCHIVE": str(folder / "archive")}
        command = [sys.executable, "-c", _MEASURED, *_DIFF]
        done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=True)
        status, lines, wall, cpu, memory = json.loads(done.stdout)
        if status != 0 or lines < 1000:
            sys.exit(f"diff ended with status {status} and {lines} lines:\n{done.stderr}")
        for row, figure in ((self.wall, wall), (self.cpu, cpu), (self.memory, memory)):
            row.add("aptfreeze", figure)

    def judged(self) -> Iterator[Row]:
        self.wall.must_be(3)
        self.memory.must_be(200)
        yield from (self.wall, self.cpu, self.memory)


def measure(context: Context) -> Iterator[Row]:
    packages = _packages(context)
    count = packages.count(b"\nPackage: ") + 1
    first, later = _Rows(f"first diff of two states of {count} packages"), _Rows("same diff again")
    with context.fresh() as folder:
        _place(folder, packages)
        for number in range(context.rounds):
            shutil.rmtree(folder / "archive/index", ignore_errors=True)
            first.add(folder)
            later.add(folder)
            context.tell(f"diff, round {number + 1}: first {first.wall.latest()}, again {later.wall.latest()}")
    yield from first.judged()
    yield from later.judged()


def _packages(context: Context) -> bytes:
    (index,) = (context.upstream.folder / "debian/dists" / context.upstream.suite).glob("main/binary-*/Packages.xz")
    return lzma.decompress(index.read_bytes())


def _place(folder: Path, packages: bytes) -> None:
    """An environment whose lock file has the later state, beside one with the earlier; the archive holds both."""
    folder.mkdir()
    objects = Objects(folder / "archive")
    with throwaway_key() as key:
        for name, data, day in (("earlier.lock", packages, 1), ("aptfreeze.lock", _later(packages), 21)):
            generation = Generation(f"{day:032x}", datetime(2026, 11, day, tzinfo=UTC), _pins(objects, key, data, day))
            (folder / name).write_text(dump(generation))
    objects.close()


def _later(packages: bytes) -> bytes:
    stanzas = packages.removesuffix(b"\n").split(b"\n\n")
    kept = [stanza for number, stanza in enumerate(stanzas) if number % 300]
    for number, stanza in enumerate(kept):
        if number % 20 == 0:
            kept[number] = re.sub(rb"^(Version: .*)$", rb"\1+later1", stanza, count=1, flags=re.MULTILINE)
        elif number % 300 == 1:
            kept[number] = re.sub(rb"^(Package: .*)$", rb"\1-later", stanza, count=1, flags=re.MULTILINE)
    return b"\n\n".join(kept) + b"\n"


def _pins(objects: Objects, key: SigningKey, packages: bytes, day: int) -> dict[SuiteKey, Pin]:
    path, lines = f"main/binary-{architecture()}/Packages", []
    compressed = lzma.compress(packages, preset=1)
    objects.put(compressed)
    for name, data in ((path, packages), (f"{path}.xz", compressed)):
        lines.append(f" {hashlib.sha256(data).hexdigest()} {len(data)} {name}")
    date = f"{day:02} Nov 2026 00:00:00 UTC"
    release = "\n".join(["Codename: bookworm", f"Date: {date}", "SHA256:", *lines, ""])
    root = InRelease(objects.put(key.clearsign(release.encode())))
    pin = Pin(root, datetime(2026, 11, day, tzinfo=UTC), codename="bookworm", signers=(key.fingerprint,))
    return {SuiteKey("mirror.example.org/debian", "bookworm"): pin}
