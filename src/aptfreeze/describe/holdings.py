# SPDX-License-Identifier: MIT
"""What the archive holds of a generation, as far as this environment has used it."""

from collections.abc import Iterable, Iterator

from aptfreeze.environment.records import ServedPackage, Usage
from aptfreeze.environment.used import asked_paths, sources_paths
from aptfreeze.errors import AptfreezeError
from aptfreeze.fetch.lookup import Lookup
from aptfreeze.fetch.roots import root_file
from aptfreeze.freeze.generation import Pin, SuiteKey
from aptfreeze.values import immutable


@immutable
class Holding:
    """How much of something the archive holds."""

    held: int
    total: int
    missing: tuple[str, ...] = ()
    """Names, for people."""

    @classmethod
    def of(cls, named: Iterable[tuple[str, bool]]) -> "Holding":
        pairs = list(named)
        return cls(sum(held for _, held in pairs), len(pairs), tuple(name for name, held in pairs if not held))


@immutable
class SuiteHoldings:
    root: bool
    """Whether the pinned file itself is held: without it nothing can be served offline."""
    indexes: Holding
    """Those that sessions of this generation asked for."""
    sources: Holding
    """Sources indexes of the components in use."""
    packages: Holding
    """Package files that sessions of this generation were served."""


def suite_holdings(lookup: Lookup, key: SuiteKey, pin: Pin, usage: Usage) -> SuiteHoldings:
    """`lookup` must answer from the archive alone."""
    asked = asked_paths(usage, key)
    packages = [each for each in usage.packages if (each.repository, each.suite) == (key.repository, key.suite)]
    return SuiteHoldings(
        root=lookup.objects.has(root_file(key, pin).wanted.digest),
        indexes=Holding.of(_indexes(lookup, key, pin, asked)),
        sources=Holding.of(_indexes(lookup, key, pin, sources_paths(pin, asked))),
        packages=Holding.of(_packages(lookup, packages)),
    )


def _packages(lookup: Lookup, packages: Iterable[ServedPackage]) -> Iterator[tuple[str, bool]]:
    for each in packages:
        yield f"{each.name} {each.version} {each.architecture}", lookup.objects.has(each.sha256)


def _indexes(lookup: Lookup, key: SuiteKey, pin: Pin, paths: Iterable[str]) -> Iterator[tuple[str, bool]]:
    for path in paths:
        try:
            forms = lookup.forms(key, pin, path)
        except AptfreezeError:  # the Release itself is not held
            yield path, False
            continue
        if forms:
            yield path, any(lookup.objects.has(form.wanted.digest) for form in forms)
