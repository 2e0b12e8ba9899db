# SPDX-License-Identifier: MIT
"""What `gc` found and did, for people and programs."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from aptfreeze.archive.leftovers import Leftover
from aptfreeze.archive.survey import Amount
from aptfreeze.describe.amounts import age_text, counted, size_text
from aptfreeze.describe.naming import Item, Kind
from aptfreeze.environment.roots import Root
from aptfreeze.values import immutable


@immutable
class Kept:
    """What a root needs of what the archive holds."""

    root: Root
    further: Amount
    """Of which no root before it needs anything."""

    @property
    def is_gone(self) -> bool:
        """Whether it is an environment that has not been seen for too long."""
        return not self.root.generations and not self.root.is_seen


@immutable
class Garbage:
    archive: str
    is_dry_run: bool
    kept: tuple[Kept, ...]
    unneeded: Mapping[Kind, Amount]
    """All that nobody needs, what waits included."""
    items: tuple[Item, ...]
    """The same one by one, if somebody wants that."""
    sizes: Mapping[bytes, int]
    """Of the items, in bytes."""
    deleted: Amount
    waiting: Amount
    """Out of the way, and deleted by a later gc: builds run now."""
    leftovers: tuple[Leftover, ...]
    notices: tuple[str, ...]
    now: datetime

    def lines(self) -> Iterator[str]:
        """For people."""
        yield f"archive  {self.archive}"
        for each in self.kept:
            yield f"  {each.root.name}{_seen(each, self.now)}: {_needs(each)}"
        yield f"needed   {_text(sum((each.further for each in self.kept), Amount()))}"
        total = sum(self.unneeded.values(), Amount())
        yield f"unneeded {_text(total)}"
        for kind, amount in self.unneeded.items():
            yield f"  {kind}: {_text(amount, 'file')}"
        for what, amount in _by_kind(self.leftovers):
            yield f"  {what}: {_text(amount, 'file')}"
        yield from self._done()
        yield from self.notices

    def _done(self) -> Iterator[str]:
        if self.is_dry_run:
            yield "nothing was removed (--dry-run)"
            return
        yield f"removed  {_text(self.deleted + _amount(self.leftovers), 'file')}"
        if self.waiting.files:
            yield f"waiting  {_text(self.waiting)}: the archive is in use, so a gc in an hour, or later, removes them"

    def data(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "archive": self.archive,
            "dry_run": self.is_dry_run,
            "roots": [_root_data(each) for each in self.kept],
            "needed": _data(sum((each.further for each in self.kept), Amount())),
            "unneeded": {kind: _data(amount) for kind, amount in self.unneeded.items()},
            "leftovers": {what: _data(amount) for what, amount in _by_kind(self.leftovers)},
            "deleted": _data(self.deleted + _amount(self.leftovers)) if not self.is_dry_run else _data(Amount()),
            "waiting": _data(self.waiting),
            "objects": [
                {"sha256": each.sha256.hex(), "size": self.sizes[each.sha256], "kind": each.kind, "name": each.name}
                for each in self.items
            ],
            "notices": list(self.notices),
        }


def by_kind(items: Iterable[Item], sizes: Mapping[bytes, int]) -> dict[Kind, Amount]:
    """How much there is of each kind, in the order of kinds; without those of which there is nothing."""
    files, size = Counter[Kind](), Counter[Kind]()
    for item in items:
        files[item.kind] += 1
        size[item.kind] += sizes[item.sha256]
    return {kind: Amount(files[kind], size[kind]) for kind in Kind if files[kind]}


def _text(amount: Amount, noun: str = "object") -> str:
    return f"{counted(amount.files, noun)}, {size_text(amount.size)}"


def _data(amount: Amount) -> dict[str, int]:
    return {"files": amount.files, "bytes": amount.size}


def _by_kind(leftovers: Iterable[Leftover]) -> Iterator[tuple[str, Amount]]:
    found: dict[str, Amount] = {}
    for each in leftovers:
        found[each.kind] = found.get(each.kind, Amount()) + Amount(1, each.size)
    yield from sorted(found.items())


def _amount(leftovers: Iterable[Leftover]) -> Amount:
    return sum((Amount(1, each.size) for each in leftovers), Amount())


def _seen(kept: Kept, now: datetime) -> str:
    entry = kept.root.entry
    if entry is None or kept.root.is_seen:
        return ""
    return f" (its folder was seen {age_text(now - entry.seen)} ago)"


def _needs(kept: Kept) -> str:
    if kept.is_gone:
        return "forgotten, needs nothing any more"
    if kept.root.entry is None:
        return f"{_text(kept.further, 'further object')}"
    generations = counted(len({each.id for each in kept.root.generations}), "generation")
    return f"{generations}, {_text(kept.further, 'further object')}"


def _root_data(kept: Kept) -> dict[str, Any]:
    entry = kept.root.entry
    return {
        "name": kept.root.name,
        "environment": None if entry is None or entry.place is None else entry.place.path,
        "host": None if entry is None or entry.place is None else entry.place.host,
        "seen": None if entry is None else entry.seen.isoformat(),
        "reachable": kept.root.is_seen,
        "forgotten": kept.is_gone,
        "generations": sorted({each.id for each in kept.root.generations}),
        "further": _data(kept.further),
    }
