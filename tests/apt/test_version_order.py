# SPDX-License-Identifier: MIT
"""The order of versions is dpkg's, on all versions that the machine's own package indexes have.

dpkg is asked about neighbours of the sorted list: if it agrees on each two, it agrees on any two.
"""

import lzma
import random
import re
import shutil
import subprocess
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

from aptfreeze.deb.version import sort_key
from support.mirror import machine_mirror

_APT_HELPER = "/usr/lib/apt/apt-helper"
_SEED, _FEW = 20261124, 400

pytestmark = pytest.mark.skipif(shutil.which("dpkg") is None, reason="no dpkg to ask")


@cache
def real_versions() -> tuple[str, ...]:
    """Sorted by us; of apt's own lists, else of the mirror's index, else none."""
    data = _from_lists() or _from_mirror()
    return tuple(sorted(set(re.findall(r"^Version: (\S+)$", data.decode(), re.MULTILINE)), key=sort_key))


def _from_lists() -> bytes:
    if not Path(_APT_HELPER).exists():
        return b""
    targets = ["apt-get", "indextargets", "--format", "$(FILENAME)", "Created-By: Packages"]
    names = subprocess.run(targets, capture_output=True, text=True, timeout=30).stdout.splitlines()
    files = [name for name in names if Path(name).exists()]
    if not files:
        return b""
    return subprocess.run([_APT_HELPER, "cat-file", *files], capture_output=True, timeout=60, check=True).stdout


def _from_mirror() -> bytes:
    mirror = machine_mirror()
    if mirror is None:
        return b""
    architecture = subprocess.check_output(["dpkg", "--print-architecture"], text=True).strip()
    url = f"{mirror.url}/dists/{mirror.suite}/main/binary-{architecture}/Packages.xz"
    with urllib.request.urlopen(url, timeout=60) as response:
        return lzma.decompress(response.read())


def dpkg_disagrees(pair: tuple[str, str]) -> bool:
    """On two versions of which we put the first one first."""
    one, other = pair
    relation = "lt" if sort_key(one) < sort_key(other) else "eq"
    return subprocess.run(["dpkg", "--compare-versions", one, relation, other]).returncode != 0


@pytest.mark.parametrize(
    "count",
    [_FEW, pytest.param(None, marks=[pytest.mark.long, pytest.mark.timeout(1200)])],
    ids=[f"{_FEW} neighbours", "all neighbours"],
)
def test_dpkg_agrees_on_real_versions(count: int | None) -> None:
    versions = real_versions()
    if not versions:
        pytest.skip("apt has no lists on this machine, and its sources no plain http entry for Debian's main")
    neighbours = list(pairwise(versions))
    asked = neighbours if count is None else random.Random(_SEED).sample(neighbours, min(count, len(neighbours)))

    with ThreadPoolExecutor(2) as threads:
        wrong = [pair for pair, is_wrong in zip(asked, threads.map(dpkg_disagrees, asked), strict=True) if is_wrong]

    print(f"dpkg was asked about {len(asked)} of {len(neighbours)} neighbours")
    assert not wrong
