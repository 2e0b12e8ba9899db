# SPDX-License-Identifier: MIT
"""Which installed packages meet the dependencies of another (Debian Policy 7.1, deb-control(5)). Pure.

Rule 1: what is installed decides: of alternatives the first one that is there and fits, of several that fit that of the
package's own architecture, else `all`, else any.
Rule 2: a dependency that nothing meets is left out: dpkg was told to, or the package is not configured.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from aptfreeze.deb import version
from aptfreeze.deb.installed import Installed
from aptfreeze.values import immutable

_CLAUSE = re.compile(
    r"\s*([a-z0-9A-Z][a-zA-Z0-9+.-]*)(?::([a-z0-9-]+))?\s*(?:\(\s*(<<|<=|<|=|>=|>>|>)\s*([^\s()]+)\s*\))?\s*"
)


@immutable
class _Clause:
    """One alternative: a package, maybe of some architecture, maybe of some versions."""

    name: str
    architecture: str
    """`any`, one by name, or empty: that of the package that depends."""
    relation: str
    version: str


def dependencies(packages: Sequence[Installed]) -> list[tuple[Installed, ...]]:
    """Of each package, in order, those that meet its Pre-Depends and Depends; each once, in the order of its fields."""
    found = _Installation(packages)
    return [tuple(dict.fromkeys(found.met(package))) for package in packages]


class _Installation:
    def __init__(self, packages: Iterable[Installed]) -> None:
        self._by_name: dict[str, list[tuple[Installed, str]]] = {}
        """With the version that counts: the package's, or that of the name that it provides; empty: none."""
        for package in packages:
            self._by_name.setdefault(package.name, []).append((package, package.version))
            for clause in filter(None, map(_clause, package.provides.split(","))):
                self._by_name.setdefault(clause.name, []).append((package, clause.version))

    def met(self, package: Installed) -> Iterator[Installed]:
        for group in package.depends.split(","):
            fitting = (self._meeting(package, clause) for clause in filter(None, map(_clause, group.split("|"))))
            found = next(filter(None, fitting), None)
            if found is not None and found is not package:
                yield found

    def _meeting(self, package: Installed, clause: _Clause) -> Installed | None:
        candidates = [each for each, its in self._by_name.get(clause.name, ()) if _fits(its, clause)]
        if clause.architecture not in ("", "any"):
            candidates = [each for each in candidates if each.architecture in (clause.architecture, "all")]
        order: Mapping[str, int] = {package.architecture: 0, "all": 1}
        return min(candidates, key=lambda each: order.get(each.architecture, 2), default=None)


def _clause(text: str) -> _Clause | None:
    match = _CLAUSE.fullmatch(text)
    return _Clause(match[1], match[2] or "", match[3] or "", match[4] or "") if match else None


def _fits(its: str, clause: _Clause) -> bool:
    """Policy 7.5: what is provided without a version meets no dependency on one."""
    if not clause.relation:
        return True
    if not its:
        return False
    mine, wanted = version.sort_key(its), version.sort_key(clause.version)
    return {
        "<<": mine < wanted,
        "<=": mine <= wanted,
        "<": mine <= wanted,
        "=": mine == wanted,
        ">=": mine >= wanted,
        ">": mine >= wanted,
        ">>": mine > wanted,
    }[clause.relation]
