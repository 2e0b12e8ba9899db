# SPDX-License-Identifier: MIT
"""`aptfreeze gc`: remove from the archive what nobody needs.

What follows from the pins of all roots is marked; the rest is condemned: put out of the way, where whoever looks for
it still finds it. Then the roots are read again, since builds have gone on meanwhile, and what is needed now is taken
back. What was condemned is deleted at once if no other process uses the archive, else an hour later by another gc.
Killed at any moment, all that is needed is in its place, or is found and taken back by whoever needs it first.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from itertools import chain

from aptfreeze.archive.condemned import Condemned
from aptfreeze.archive.flock import make_lock
from aptfreeze.archive.holdings import look
from aptfreeze.archive.layout import storage_error
from aptfreeze.archive.leftovers import Leftover, Leftovers, remove
from aptfreeze.archive.registry import Registry
from aptfreeze.archive.survey import Amount
from aptfreeze.describe import garbage, naming
from aptfreeze.describe.amounts import counted
from aptfreeze.describe.garbage import Garbage, Kept
from aptfreeze.describe.marking import Marking
from aptfreeze.describe.naming import Item
from aptfreeze.describe.progress import Line
from aptfreeze.describe.watching import Show, watched
from aptfreeze.environment import locking, records
from aptfreeze.environment.known import open_archive_for
from aptfreeze.environment.opened import Opened
from aptfreeze.environment.roots import Root, known_roots
from aptfreeze.environment.states import find_state
from aptfreeze.errors import IntegrityError, UsageError
from aptfreeze.fetch.opened import OpenArchive
from aptfreeze.fetch.roots import root_file
from aptfreeze.freeze.digest import Digest
from aptfreeze.freeze.generation import SuiteKey
from aptfreeze.settings import GcSettings
from aptfreeze.values import immutable

_HOUR_S = 3600
"""Whoever used an object before it was condemned has long been served it, or looked for it again, after that."""


@immutable
class Wish:
    """What the command line asks for."""

    settings: GcSettings
    is_dry_run: bool = False
    keep: tuple[str, ...] = ()
    """Lock files, git revisions, generations: as for `find_state`."""
    with_items: bool = False
    """Whether each object is told."""


def chosen(settings: GcSettings, generations: int | None, days: int | None) -> GcSettings:
    """The settings with what flags say instead; UsageError for what cannot be."""
    if generations is not None and generations < 1:
        raise UsageError(f"--keep-generations {generations}: the current one is needed in any case, so it is 1 or more")
    if days is not None and days < 0:
        raise UsageError(f"--keep-environments {days} is no number of days")
    return GcSettings(
        settings.keep_generations if generations is None else generations,
        settings.keep_environments_days if days is None else days,
    )


def gc(opened: Opened, wish: Wish, *, show: Show | None = None, clock: Callable[[], float] = time.time) -> Garbage:
    """Remove what nobody needs, or only say what; blocks.

    IntegrityError, UsageError: it is not known what somebody needs, and nothing was removed. StorageError: something
    could not be removed. UsageError, too, if another one is at it.
    """
    named = tuple(Root(word, (find_state(opened.store, word),)) for word in wish.keep)
    with open_archive_for(opened.store, opened.settings) as archive:
        archive.objects.require_writable()
        with _only_one(opened, archive):
            collecting = _Collecting(archive, wish, named, clock)
            with watched(collecting.look, show):
                return collecting.run()


@contextmanager
def _only_one(opened: Opened, archive: OpenArchive) -> Iterator[None]:
    mutex = archive.objects.layout.mutex
    try:
        make_lock(mutex).close()
    except OSError as error:
        raise storage_error(archive.objects.layout.root, error) from error
    with locking.exclusive(mutex, opened.process, limit_s=0.0):
        yield


class _Collecting:
    """Mutable state: what is done at the moment, what is needed as far as it is known, what is out of the way and what
    was deleted, and whether nobody else used the archive then."""

    def __init__(self, archive: OpenArchive, wish: Wish, named: tuple[Root, ...], clock: Callable[[], float]) -> None:
        self._archive = archive
        self._objects = archive.objects
        self._wish = wish
        self._named = named
        self._clock = clock
        self._registry = Registry(archive.objects.layout)
        self._condemned = Condemned(archive.objects.layout)
        self._stage = "reading the archive"
        self._holdings = look(archive.objects.layout)
        self._marking = Marking(partial(archive.lookup, offline=True), self._holdings)
        self._away = {sha256 for sha256, _ in self._condemned.names()}
        self._is_alone = wish.is_dry_run
        self._deleted = Amount()
        self._swept: list[Leftover] = []

    def __repr__(self) -> str:
        return f"<_Collecting {self._stage}, {self._marking!r}>"

    def look(self, _: float) -> Line:
        """In the thread that shows it."""
        return Line(self._stage)

    def run(self) -> Garbage:
        self._stage = "reading what is needed"
        now = datetime.fromtimestamp(self._clock(), UTC)
        kept = tuple(self._mark(root) for root in self._roots(now))
        self._refuse_lost([each.root for each in kept])
        unneeded = self._holdings.sizes.keys() - self._marking.needed
        self._stage = f"looking what {len(unneeded)} objects are"
        items = self._items(unneeded)
        found = garbage.by_kind(items, self._holdings.sizes)
        if not self._wish.is_dry_run:
            self._condemn(unneeded)
            self._delete(now)
            self._sweep(now, kept)
        return Garbage(
            archive=str(self._objects.layout.root),
            is_dry_run=self._wish.is_dry_run,
            kept=kept,
            unneeded=found,
            items=tuple(sorted(items, key=_by_name)) if self._wish.with_items else (),
            sizes=self._holdings.sizes,
            deleted=self._deleted,
            waiting=self._waiting(),
            leftovers=tuple(self._leftovers(now) if self._wish.is_dry_run else self._swept),
            notices=tuple(self._notices()),
            now=now,
        )

    # --- what is needed ---

    def _roots(self, now: datetime) -> Iterator[Root]:
        """Whoever needs objects. Once there are remotes, what is pushed there will be further roots."""
        return chain(known_roots(self._registry, self._wish.settings, now), self._named)

    def _mark(self, root: Root) -> Kept:
        before = len(self._marking.needed)
        size = self._marking.size
        for generation in root.generations:
            self._marking.mark(generation)
        self._marking.mark_digests(root.served())
        self._marking.mark_descriptions(root.outside)
        return Kept(root, Amount(len(self._marking.needed) - before, self._marking.size - size))

    def _again(self) -> None:
        """What is needed now, after whatever builds have done meanwhile, is in its place."""
        for root in self._roots(datetime.fromtimestamp(self._clock(), UTC)):
            self._mark(root)
        for sha256 in self._away & self._marking.needed:
            self._condemned.take_back(sha256)
            self._away.discard(sha256)

    def _refuse_lost(self, roots: Iterable[Root]) -> None:
        """What a build was served in a current generation came by its pinned file, which can be had again."""
        for root in roots:
            for digest, key in self._marking.lacking.items():
                if _was_served(root, key, digest):
                    raise IntegrityError(
                        f"{root.name} was served packages of {key}, whose pinned file ({digest}) is not archived, "
                        "so what it lists is not known; nothing was removed",
                        hint='bring it back with "aptfreeze fetch" in that environment, or forget the pin there',
                    )

    def _notices(self) -> Iterator[str]:
        for digest, key in self._marking.lacking.items():
            yield f"the pinned file of {key} ({digest}) is not in the archive: what it lists counts as unneeded"

    # --- what is not ---

    def _items(self, unneeded: Iterable[bytes]) -> list[Item]:
        found = naming.items(
            frozenset(unneeded), self._holdings, self._archive.indexes, self._objects.layout, self._marking.tables
        )
        return list(found) if self._wish.with_items else [replace(each, name="") for each in found]

    def _condemn(self, unneeded: Iterable[bytes]) -> None:
        since = int(self._clock())
        for count, sha256 in enumerate(unneeded):
            self._stage = f"putting {count} objects out of the way"
            if sha256 not in self._away:
                self._away.add(sha256)
                self._condemned.condemn(sha256, since)

    def _delete(self, now: datetime) -> None:
        """Nobody finds what is to be deleted, then it is seen once more whether somebody needs it by now."""
        self._stage = "reading what is needed by now"
        self._again()
        with self._objects.share.alone() as is_alone:
            if is_alone:
                self._again()
            self._is_alone = is_alone
            self._condemned.let_go(float("inf") if is_alone else now.timestamp() - _HOUR_S)
        self._again()
        for sha256, size in self._condemned.delete():
            self._deleted += Amount(1, size)
            self._away.discard(sha256)
            self._stage = f"removing: {counted(self._deleted.files, 'object')}"

    def _waiting(self) -> Amount:
        waiting = self._away - self._marking.needed
        return Amount(len(waiting), self._holdings.size_of(waiting)) if not self._wish.is_dry_run else Amount()

    # --- what is left over ---

    def _leftovers(self, now: datetime) -> Iterator[Leftover]:
        left = Leftovers(self._objects.layout, self._holdings, now.timestamp())
        yield from left.files()
        yield from left.aliases()
        yield from left.tables(
            (name for name in self._archive.indexes.names() if name not in self._marking.tables),
            0 if self._is_alone else _HOUR_S,
        )

    def _sweep(self, now: datetime, kept: Iterable[Kept]) -> None:
        self._stage = "removing leftovers"
        self._swept += (each for each in self._leftovers(now) if remove(self._objects.layout, each))
        for each in kept:
            if each.root.entry is not None:
                self._registry.forget(each.root.entry, None if each.is_gone else each.root.superseded)
                if each.root.is_seen:
                    self._registry.see(each.root.entry)


def _by_name(item: Item) -> tuple[str, str, bytes]:
    return (item.kind, item.name, item.sha256)


def _was_served(root: Root, key: SuiteKey, pinned: Digest) -> bool:
    """Whether the root's current generation has this pin, and its records name a package of that suite."""
    pin = root.generations[0].pins.get(key) if root.generations else None
    if pin is None or root_file(key, pin).wanted.digest != pinned:
        return False
    current = (path for path in root.records if path.parent.name == root.generations[0].id)
    served = (package for path in current for package in records.read_session(path).packages)
    return any(SuiteKey(each.repository, each.suite) == key for each in served)
