# SPDX-License-Identifier: MIT
"""Which file a client will ask for now, where an earlier session was served another version of it (pure).

It is a guess at apt's choice. In each suite that the earlier session used: the same version again, if that is still
listed (a repository that keeps old versions, and a build that asks for one of them), else the newest one. Of the
suites: the one with the newest version, so that an update that came to another suite, as security updates do, is found.
Suites that apt takes nothing from by itself (backports) count only for what came from them before.
"""

from collections.abc import Collection, Iterable

from aptfreeze.deb.version import Key, sort_key
from aptfreeze.environment.records import ServedPackage
from aptfreeze.freeze.generation import SuiteKey
from aptfreeze.freeze.outcome import PinnedPackage


def successors(
    served: ServedPackage, candidates: Iterable[PinnedPackage], not_automatic: Collection[SuiteKey]
) -> list[PinnedPackage]:
    """Those of the candidates, all of the same name, that take its place: several files for a source package."""
    own = SuiteKey(served.repository, served.suite)

    def rank(version: str) -> tuple[bool, Key]:
        return version == served.version, sort_key(version)

    eligible = [each for each in candidates if each.key == own or each.key not in not_automatic]
    best: dict[SuiteKey, str] = {}
    for each in eligible:
        best[each.key] = max(best.get(each.key, each.entry.version), each.entry.version, key=rank)
    chosen = max(best, key=lambda key: (sort_key(best[key]), key == own), default=None)
    return [each for each in eligible if each.key == chosen and each.entry.version == best[each.key]]
