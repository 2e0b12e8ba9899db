# SPDX-License-Identifier: MIT
"""Find a package file in the indexes of a generation.

Rule 1: a pool path is resolved from the generation's indexes, not from what this client asked before: a build that
starts from cached lists asks pool files and never an InRelease.
Rule 2: first the indexes at hand, of every suite of the repository, the newest suite first; only then those that are
worth fetching: of the path's component and the file name's architecture. Those of the component come first, too.
"""

from collections.abc import Generator, Iterable, Iterator
from datetime import UTC, datetime

from aptfreeze.deb import paths
from aptfreeze.deb.paths import PoolName
from aptfreeze.deb.release import IndexName, Release
from aptfreeze.freeze.catalog import IndexEntry
from aptfreeze.freeze.digest import Wanted
from aptfreeze.freeze.generation import BarePackages, Generation, SuiteKey
from aptfreeze.freeze.outcome import (
    Answer,
    Asked,
    Need,
    NeedEntry,
    NeedRelease,
    PinnedPackage,
    Suite,
    SuiteFile,
    is_trustworthy,
    suite_file,
)

_Index = tuple[tuple[SuiteFile, ...], bool]
"""The listed compressions of one index, and whether it is a Sources index."""


def search(asked: Asked, generation: Generation) -> Generator[Need, Answer, PinnedPackage | None]:
    """Look a package file up in the generation: first in the indexes at hand, then in those worth fetching."""
    suites = sorted(generation.pins.items(), key=_newest_first)
    for may_fetch in (False, True):
        for suite in suites:
            for repository in folders_of(suite[0], asked.location.text):
                found = yield from _search_suite(asked, suite, repository, may_fetch)
                if found is not None:
                    return found
    return None


def _newest_first(suite: Suite) -> tuple[float, SuiteKey]:
    key, pin = suite
    return -(pin.date or datetime.fromtimestamp(0, UTC)).timestamp(), key


def folders_of(key: SuiteKey, text: str) -> Iterator[str]:
    """The folders that `Filename` may be relative to: the repository, and for a flat suite those above it too."""
    folder = key.repository
    while folder:
        if text.startswith(folder + "/"):
            yield folder
        folder = folder.rpartition("/")[0] if key.is_flat else ""


def _search_suite(
    asked: Asked, suite: Suite, repository: str, may_fetch: bool
) -> Generator[Need, Answer, PinnedPackage | None]:
    key, pin = suite
    relative = asked.location.text[len(repository) + 1 :]
    for variants, is_source in (yield from _indexes(asked, suite, may_fetch)):
        entry = yield NeedEntry(key, variants, is_source, relative, may_fetch)
        if isinstance(entry, IndexEntry) and is_trustworthy(pin, entry.wanted):
            return PinnedPackage(key, pin, entry, repository, relative)
    return None


def _indexes(asked: Asked, suite: Suite, may_fetch: bool) -> Generator[Need, Answer, Iterable[_Index]]:
    """The indexes of a suite that may list the asked file, those of its component first; each is made when needed."""
    key, pin = suite
    if isinstance(pin.root, BarePackages):
        return [((SuiteFile(Wanted(pin.root.packages), pin.root.file),), False)]
    release = yield NeedRelease(key, pin)
    assert isinstance(release, Release)
    name = paths.pool_name(asked.location.path)
    names = _matching(release, name, asked.architectures)
    near, far = _by_component(names, paths.pool_component(asked.location.path))
    return (
        (tuple(suite_file(key, release, v) for v in release.variants(index.path)), name.architecture == "source")
        for index in (near or far if may_fetch else near + far)
    )


def _matching(release: Release, name: PoolName, in_use: frozenset[str]) -> Iterable[IndexName]:
    if name.architecture == "source":
        return release.source_indexes()
    wanted = {*in_use, "all", ""} if name.architecture == "all" else {name.architecture, ""}
    return [
        index for index in release.package_indexes() if index.architecture in wanted and index.is_udeb == name.is_udeb
    ]


def _by_component(names: Iterable[IndexName], component: str) -> tuple[list[IndexName], list[IndexName]]:
    """Those of the path's component, and the others."""
    near: list[IndexName] = []
    far: list[IndexName] = []
    for index in names:
        # debian-security has components `updates/main` in old releases, and `pool/updates/main/...` paths.
        is_near = component and index.component.split("/")[-1] == component
        (near if is_near else far).append(index)
    return near, far
