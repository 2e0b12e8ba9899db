# SPDX-License-Identifier: MIT
"""Whether look-up tables say what their indexes say: those that tenants' pins lead to, and whose index is at hand.

What SQLite itself finds wrong with a table is not asked here, but by `archive.examine`.
"""

from collections.abc import Iterable, Iterator

from aptfreeze.deb import compression, index
from aptfreeze.deb.deb822 import ParseError
from aptfreeze.describe.needs import tables
from aptfreeze.environment.tenants import Tenant
from aptfreeze.errors import AptfreezeError
from aptfreeze.fetch.lookup import Lookup
from aptfreeze.freeze.digest import Digest
from aptfreeze.freeze.generation import Pin, SuiteKey

_LARGEST = 4 << 30
"""Bytes of an index, decompressed."""


def false_tables(lookup: Lookup, tenants: Iterable[Tenant]) -> Iterator[Digest]:
    """The names of those that say something else; each is read once. `lookup` must answer from the archive."""
    suites = {suite: None for tenant in tenants for each in tenant.generations for suite in each.pins.items()}
    seen: set[Digest] = set()
    for key, pin in suites:
        for path, name in tables(lookup, key, pin):
            if name not in seen and _is_false(lookup, (key, pin), path, name):
                yield name
            seen.add(name)


def _is_false(lookup: Lookup, suite: tuple[SuiteKey, Pin], path: str, name: Digest) -> bool:
    """What cannot be read is no fault of the table."""
    try:
        text = _text(lookup, suite, path)
        if text is None:
            return False
        entries = index.sources(text) if path.endswith("Sources") else index.packages(text)
        return not lookup.indexes.says(name, entries)
    except (AptfreezeError, ParseError):
        return False


def _text(lookup: Lookup, suite: tuple[SuiteKey, Pin], path: str) -> bytes | None:
    """The index, from whichever of its forms is held."""
    for form in lookup.forms(*suite, path):
        data = lookup.objects.read(form.wanted.digest, _LARGEST)
        if data is not None and form.suffix in compression.SUFFIXES:
            return b"".join(compression.decompress([data], form.suffix, _LARGEST))
        if data is not None:
            return data
    return None
