# SPDX-License-Identifier: MIT
"""From the path of a package file to its hash: what a look-up in the mirror's real index of packages costs.

The first look-up after an index arrived decompresses and reads it and makes its table; later ones, of this and of any
other process, look into that table. CPU is that of the whole process.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from aptfreeze.deb.paths import Location
from aptfreeze.environment.machine import architecture
from aptfreeze.fetch.lookup import Lookup
from aptfreeze.fetch.opened import open_archive
from aptfreeze.freeze.generation import Generation, InRelease, Pin, SuiteKey
from aptfreeze.freeze.outcome import Asked, PinnedPackage
from aptfreeze.freeze.resolve import resolve
from aptfreeze.rows import ROWS, from_values
from aptfreeze.settings import Sourced
from bench.context import Context
from bench.report import Row
from bench.upstream import Upstream

_REPOSITORY = "mirror.example.org/debian"


def measure(context: Context) -> Iterator[Row]:
    first, first_cpu = Row("first look-up after an index of packages arrived", "s"), Row("CPU of that", "s")
    later, later_cpu = Row("a later look-up", "µs"), Row("CPU of that", "µs")
    files = [file.relative_to(context.upstream.folder / "debian") for file in context.upstream.package_files()]
    for number in range(context.rounds):
        with context.fresh() as folder, _lookup(folder, context.upstream) as (lookup, generation):
            _timed(lookup, generation, files[:1], first, first_cpu, 1)
            _timed(lookup, generation, files * 10, later, later_cpu, 1e6)
        context.tell(f"{first.what}, round {number + 1}: {first.latest()}; later {later.latest()}")
    first.must_be(1.5)
    later.must_be(50)
    yield from (first, first_cpu, later, later_cpu)


@contextmanager
def _lookup(folder: Path, upstream: Upstream) -> Iterator[tuple[Lookup, Generation]]:
    """In an archive that has InRelease and Packages, and nothing that was made of them."""
    folder.mkdir()
    values = {row.key: Sourced(row.default) for row in ROWS} | {"archive.path": Sourced(folder / "archive")}
    suite = upstream.folder / "debian/dists" / upstream.suite
    with open_archive(from_values(values)) as archive:
        for packages in suite.glob("main/binary-*/Packages.*"):
            archive.objects.put(packages.read_bytes())
        root = InRelease(archive.objects.put((suite / "InRelease").read_bytes()))
        pins = {SuiteKey(_REPOSITORY, upstream.suite): Pin(root, None)}
        yield archive.lookup(offline=True), Generation("0" * 32, datetime.now(UTC), pins)


def _timed(lookup: Lookup, generation: Generation, files: Sequence[Path], wall: Row, cpu: Row, units: float) -> None:
    """Of one look-up, in so many units a second."""
    in_use = frozenset({architecture()})
    asked = [Asked(Location.parse(f"http://{_REPOSITORY}/{file}".encode()), True, in_use) for file in files]
    began, began_cpu = time.perf_counter(), time.process_time()
    outcomes = [lookup.settle(resolve(each, generation)) for each in asked]
    cpu.add("aptfreeze", (time.process_time() - began_cpu) / len(asked) * units)
    wall.add("aptfreeze", (time.perf_counter() - began) / len(asked) * units)
    assert all(isinstance(outcome, PinnedPackage) for outcome in outcomes)
