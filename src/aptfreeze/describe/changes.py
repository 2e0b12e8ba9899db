# SPDX-License-Identifier: MIT
"""Which packages changed between two generations: of whole suites, and of those that builds really used.

Rule 1: of a package that a suite lists in several versions, the newest counts, as it does for apt.
Rule 2: nothing is left out silently: an index that cannot be had is the error that says so.
Rule 3: a version that is the same in order but has another text or other bytes is neither up nor down: it is replaced.

All of it blocks, for as long as the indexes take that the archive lacks.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from enum import StrEnum

from aptfreeze.archive.table import VersionRow
from aptfreeze.deb.version import sort_key
from aptfreeze.environment import machine, used
from aptfreeze.environment.records import Kind, ServedPackage, Usage
from aptfreeze.environment.successors import successors
from aptfreeze.fetch.lookup import Lookup
from aptfreeze.freeze.digest import Algorithm, Digest
from aptfreeze.freeze.generation import BarePackages, Generation, Pin, SuiteKey
from aptfreeze.freeze.outcome import PinnedPackage, is_trustworthy
from aptfreeze.values import immutable


class ChangeKind(StrEnum):
    ADDED = "added"
    REMOVED = "removed"
    UPGRADED = "upgraded"
    DOWNGRADED = "downgraded"
    REPLACED = "replaced"


@immutable
class Change:
    """One package of one architecture in one suite."""

    kind: ChangeKind
    package: str
    architecture: str
    before: str | None
    """The version; None: added."""
    after: str | None
    """The version; None: removed."""
    source: str
    """The source package it is made from now (of one that was removed: it was made from)."""
    source_version: str
    size: int
    """Of the file, in bytes, as for `source`."""


@immutable
class UsedChange:
    """One package that builds used, and what a build would get in its place."""

    kind: ChangeKind
    """REMOVED: there is no successor."""
    package: str
    architecture: str
    """`source` for a source package, all of whose files are one change."""
    before: str
    """The version."""
    after: str | None
    """The version; None: gone."""
    source: str
    """The source package it is made from now; empty if it is gone."""
    source_version: str
    suite_before: SuiteKey
    suite_after: SuiteKey | None
    """None: gone."""
    size: int
    """Of the new files, in bytes."""
    to_fetch: int
    """So many bytes of them the archive does not hold."""
    is_security: bool
    """Whether it comes from a suite of security updates."""
    files: tuple[PinnedPackage, ...] = field(default=(), repr=False, compare=False)
    """The new ones."""

    @property
    def is_gone(self) -> bool:
        return self.after is None

    @property
    def is_held(self) -> bool:
        """Whether the archive holds it already."""
        return self.to_fetch == 0


def index_paths(lookup: Lookup, key: SuiteKey, pin: Pin, usage: Usage, architectures: Collection[str]) -> list[str]:
    """The Packages of a suite that matter here: those that clients asked for, else all of these architectures."""
    if isinstance(pin.root, BarePackages):
        return [pin.root.file]
    return used.asked_paths(usage, key) or used.every_path(lookup.release(key, pin), architectures)


def suite_changes(
    lookup: Lookup, key: SuiteKey, before: Pin | None, after: Pin | None, paths: Sequence[str]
) -> tuple[Change, ...]:
    """What changed in these indexes of a suite, by name and architecture; None: it is not pinned, and has nothing.

    What fetching them raises: OfflineError, UpstreamError, IntegrityError.
    """
    old, new = (_tables(lookup, key, pin, paths) for pin in (before, after))
    if old == new:
        return ()
    was, now = _newest(lookup, old), _newest(lookup, new)
    names = sorted(name for name in was.keys() | now.keys() if was.get(name) != now.get(name))
    found = (_change(was.get(name), now.get(name)) for name in names)
    return tuple(each for each in found if each is not None)


def used_changes(lookup: Lookup, usage: Usage, before: Generation, after: Generation) -> tuple[UsedChange, ...]:
    """What became of the packages that `usage` has of the generation `before`, by name and architecture.

    Those of which a build would get the same file are left out. It raises what `suite_changes` does.
    """
    # All that builds have asked for, not only those that something came from: apt asks for no index that is empty.
    pins = {key: after.pins[key] for key in sorted(before.pins) if key in after.pins}
    if pins == before.pins:
        return ()
    candidates: dict[tuple[str, str], list[PinnedPackage]] = {}
    for each in _candidates(lookup, pins, usage):
        candidates.setdefault((each.entry.package, each.entry.architecture), []).append(each)
    not_automatic = {key for key, pin in pins.items() if _is_not_automatic(lookup, key, pin)}
    found = (
        _used_change(lookup, files, successors(files[0], candidates.get(name, ()), not_automatic))
        for name, files in _by_package(usage.packages)
    )
    return tuple(each for each in found if each is not None)


def is_security(lookup: Lookup, key: SuiteKey, pin: Pin) -> bool:
    """Whether a suite is one of security updates, by its name or its label (`bookworm-security`, `Debian-Security`)."""
    names = {key.suite, pin.suite, pin.codename}
    if not isinstance(pin.root, BarePackages):
        release = lookup.release(key, pin)
        names |= {release.label, release.origin}
    return any(name.lower().endswith("-security") for name in names)


# --- whole suites ---


def _tables(lookup: Lookup, key: SuiteKey, pin: Pin | None, paths: Iterable[str]) -> dict[Digest, None]:
    """The look-up tables of those indexes that the pin's Release lists, each made if need be."""
    if pin is None:
        return {}
    if isinstance(pin.root, BarePackages):
        paths = [pin.root.file]
    all_forms = [forms for path in paths if (forms := lookup.forms(key, pin, path))]
    names = [lookup.index(key, forms, is_source=False, may_fetch=True) for forms in all_forms]
    return dict.fromkeys(filter(None, names))


def _newest(lookup: Lookup, tables: Iterable[Digest]) -> dict[tuple[str, str], VersionRow]:
    newest: dict[tuple[str, str], VersionRow] = {}
    for table in tables:
        for row in lookup.indexes.versions(table):
            known = newest.setdefault((row.package, row.architecture), row)
            if known.version != row.version and sort_key(known.version) < sort_key(row.version):
                newest[row.package, row.architecture] = row
    return newest


def _change(was: VersionRow | None, now: VersionRow | None) -> Change | None:
    """None if the two are one file."""
    told = now or was
    assert told is not None
    if was and now and was.version == now.version and not _differ(was, now):
        return None
    return Change(
        _kind(was.version if was else None, now.version if now else None),
        told.package,
        told.architecture,
        was.version if was else None,
        now.version if now else None,
        told.source or told.package,
        told.source_version or told.version,
        told.size,
    )


def _differ(was: VersionRow, now: VersionRow) -> bool:
    """Whether two files of one version are known to be different."""
    return was.size != now.size or bool(was.sha256 and now.sha256 and was.sha256 != now.sha256)


def _kind(was: str | None, now: str | None) -> ChangeKind:
    if was is None:
        return ChangeKind.ADDED
    if now is None:
        return ChangeKind.REMOVED
    old, new = sort_key(was), sort_key(now)
    return ChangeKind.UPGRADED if old < new else ChangeKind.DOWNGRADED if new < old else ChangeKind.REPLACED


# --- what builds used ---


def _candidates(lookup: Lookup, pins: Mapping[SuiteKey, Pin], usage: Usage) -> Iterator[PinnedPackage]:
    """All files of packages of the used names."""
    names = {each.name for each in usage.packages}
    served = {each.architecture for each in usage.packages if each.kind is Kind.BINARY} - {"all"}
    architectures = served or {machine.architecture()}
    for key, pin in pins.items():
        for path in index_paths(lookup, key, pin, usage, architectures):
            yield from _named(lookup, key, pin, path, names, is_source=False)
        if any(each.kind is Kind.SOURCE for each in usage.packages):
            for path in used.sources_paths(pin, index_paths(lookup, key, pin, usage, architectures)):
                yield from _named(lookup, key, pin, path, names, is_source=True)


def _named(
    lookup: Lookup, key: SuiteKey, pin: Pin, path: str, names: Collection[str], *, is_source: bool
) -> Iterator[PinnedPackage]:
    forms = lookup.forms(key, pin, path)
    table = lookup.index(key, forms, is_source=is_source, may_fetch=True) if forms else None
    if table is not None:
        for file, entry in lookup.indexes.named(table, names):
            if is_trustworthy(pin, entry.wanted):
                yield PinnedPackage(key, pin, entry, key.repository, file)


def _is_not_automatic(lookup: Lookup, key: SuiteKey, pin: Pin) -> bool:
    return not isinstance(pin.root, BarePackages) and lookup.release(key, pin).not_automatic


def _by_package(served: Iterable[ServedPackage]) -> list[tuple[tuple[str, str], list[ServedPackage]]]:
    """The files of each package, sorted: one, but for source packages and for what several suites served."""
    groups: dict[tuple[str, str, str, str, str], list[ServedPackage]] = {}
    for each in sorted(served):
        groups.setdefault((each.name, each.architecture, each.version, each.repository, each.suite), []).append(each)
    return [((name, architecture), files) for (name, architecture, *_), files in groups.items()]


def _are_among(was: Iterable[ServedPackage], files: Mapping[Digest, int]) -> bool:
    """Whether the files are still listed, by hash, or by size where the index has no SHA256."""
    if all(digest.algorithm is Algorithm.SHA256 for digest in files):
        return {each.sha256 for each in was} <= files.keys()
    return {each.size for each in was} <= set(files.values())


def _used_change(lookup: Lookup, was: list[ServedPackage], now: list[PinnedPackage]) -> UsedChange | None:
    """None if a build would get the same files."""
    old = was[0]
    suite = SuiteKey(old.repository, old.suite)
    if not now:
        return UsedChange(
            ChangeKind.REMOVED, old.name, old.architecture, old.version, None, "", "", suite, None, 0, 0, False
        )
    entry, files = now[0].entry, {each.entry.wanted.digest: each.entry.wanted.size or 0 for each in now}
    if entry.version == old.version and _are_among(was, files):
        return None
    return UsedChange(
        kind=_kind(old.version, entry.version),
        package=old.name,
        architecture=old.architecture,
        before=old.version,
        after=entry.version,
        source=entry.source or entry.package,
        source_version=entry.source_version or entry.version,
        suite_before=suite,
        suite_after=now[0].key,
        size=sum(files.values()),
        to_fetch=sum(size for digest, size in files.items() if not lookup.objects.has(digest)),
        is_security=is_security(lookup, now[0].key, now[0].pin),
        files=tuple(now),
    )
