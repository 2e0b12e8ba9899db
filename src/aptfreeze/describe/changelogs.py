# SPDX-License-Identifier: MIT
"""What the changelogs say of packages that builds use and that an update moves: one text for each source package.

It is read from the new .deb itself, which is fetched for it: whoever updates wants it anyway.
"""

from collections.abc import Iterable, Iterator, Sequence

from aptfreeze.deb.paths import quoted
from aptfreeze.describe.changes import ChangeKind, UsedChange
from aptfreeze.describe.news import News, news
from aptfreeze.errors import AptfreezeError
from aptfreeze.fetch.lookup import Lookup
from aptfreeze.freeze.digest import Digest
from aptfreeze.freeze.generation import BarePackages, Generation, SuiteKey
from aptfreeze.freeze.outcome import PinnedPackage, index_name
from aptfreeze.values import immutable


@immutable
class Changelog:
    """Of one source package."""

    source: str
    version: str
    """Of the source package, as it is now."""
    packages: tuple[str, ...]
    """The used ones that are made from it, sorted."""
    text: str
    """The entries since the version that builds had; or a sentence that says why there are none."""


def changelogs(lookup: Lookup, before: Generation, used: Iterable[UsedChange]) -> tuple[Changelog, ...]:
    """Of all that is upgraded, by source package. Blocks: each costs the fetching of one .deb.

    What cannot be fetched is told in place of its text.
    """
    by_source: dict[tuple[str, str], list[UsedChange]] = {}
    for change in used:
        if change.kind is ChangeKind.UPGRADED and change.architecture != "source":
            by_source.setdefault((change.source, change.source_version), []).append(change)
    return tuple(
        Changelog(source, version, tuple(sorted({each.package for each in changes})), _text(lookup, before, changes))
        for (source, version), changes in sorted(by_source.items())
    )


def _text(lookup: Lookup, before: Generation, changes: Sequence[UsedChange]) -> str:
    """Of one of the packages from one source: of the one that has the changelog, where the others have a link to it."""
    found = _news(lookup, before, changes[0])
    beside = next((change for change in changes if change.package == found.beside), None)
    return (found if beside is None else _news(lookup, before, beside)).text


def _news(lookup: Lookup, before: Generation, change: UsedChange) -> News:
    file = change.files[0]
    try:
        _obtain(lookup, file)
        path = lookup.objects.path(file.entry.wanted.digest)
        after = _source_version(lookup, before, change)
    except AptfreezeError as error:
        return News(reason=error.message)
    if path is None:
        return News(reason="the .deb is not in the archive")
    return news(path, change.package, change.architecture, after)


def _obtain(lookup: Lookup, file: PinnedPackage) -> None:
    if not lookup.objects.has(file.entry.wanted.digest):
        lookup.downloads.obtain(file.entry.wanted, lookup.package_suppliers(file, quoted(file.relative)))


def _source_version(lookup: Lookup, before: Generation, change: UsedChange) -> str:
    """Of the package that builds had, as its index told it; its own version where that is not at hand."""
    versions = (
        entry.source_version
        for table in _tables(lookup, before, change.suite_before, change.architecture)
        for _, entry in lookup.indexes.named(table, [change.package])
        if entry.version == change.before
    )
    return next(versions, change.before)


def _tables(lookup: Lookup, before: Generation, key: SuiteKey, architecture: str) -> Iterator[Digest]:
    pin = before.pins[key]
    if isinstance(pin.root, BarePackages):
        paths = [pin.root.file]
    else:
        indexes = lookup.release(key, pin).package_indexes()
        paths = [each.path for each in indexes if architecture in (each.architecture, "all") or not each.architecture]
    names = (index_name(forms) for path in paths if (forms := lookup.forms(key, pin, path)))
    return (name for name in names if lookup.indexes.is_made(name))
