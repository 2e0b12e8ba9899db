# SPDX-License-Identifier: MIT
"""`aptfreeze status --check`: is every file that the runs used still held, where else is it, and what ends when?

It fetches nothing and changes nothing, but for putting into quarantine what turns out to be damaged.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from aptfreeze.archive.objects import Objects
from aptfreeze.describe import closure
from aptfreeze.describe.closure import Chosen, Piece
from aptfreeze.describe.correspondence import correspondence
from aptfreeze.describe.progress import FilesProgress
from aptfreeze.describe.rot import FileState, Rot, SuiteRot
from aptfreeze.environment import records, trustcheck
from aptfreeze.environment.machine import architecture
from aptfreeze.environment.opened import Opened
from aptfreeze.environment.pinner import make_judges
from aptfreeze.environment.records import Usage
from aptfreeze.errors import AptfreezeError, IntegrityError
from aptfreeze.fetch.chain import MirrorUrl
from aptfreeze.fetch.inquiry import Presence, ask
from aptfreeze.fetch.lookup import Lookup
from aptfreeze.fetch.opened import OpenArchive, open_archive
from aptfreeze.freeze.generation import BarePackages, Generation, Pin, SuiteKey
from aptfreeze.settings import Sources

if TYPE_CHECKING:
    from aptfreeze.describe.progress import Line

_AT_ONCE = 4
"""Mirrors are asked so much at once: nobody waits for a client here."""
_EVERY_S = 0.3

Show = Callable[["Line | None"], None]


def check(
    opened: Opened, now: datetime, *, is_hashed: bool = False, show: Show | None = None, every_s: float = _EVERY_S
) -> Rot:
    """Look at everything that the current generation's sessions used; blocks.

    `is_hashed`: every byte is read, too. Offline, no mirror is asked. UsageError for keyrings that cannot be read.
    """
    generation = opened.store.load()
    usage = records.load(opened.environment.records, generation.id)
    judges = make_judges(opened.settings, lambda: now)
    with open_archive(opened.settings) as archive:
        lookup = archive.lookup(offline=True)
        # First of all: it reads the pinned files, and one that is damaged is out of sight then.
        trust = {key: trustcheck.check(archive.objects, judges, key, pin) for key, pin in generation.pins.items()}
        pieces = _pieces(opened, lookup, generation, usage)
        states = [FileState(piece, closure.held_form(archive.objects, piece) is not None) for piece in pieces]
        if is_hashed:
            size = sum(each.piece.size or 0 for each in states)
            states = list(_hashed(archive.objects, states, _Shown(show, every_s, len(states), size)))
        if not opened.settings.offline.value:
            states = _asked(archive, states, _Shown(show, every_s, len(states), None))
        by_suite = {key: tuple(each for each in states if each.piece.suite == key) for key in generation.pins}
        return Rot(
            suites=tuple(
                SuiteRot(key, trust[key], _valid_until(lookup, key, pin), by_suite[key])
                for key, pin in sorted(generation.pins.items())
            ),
            others=tuple(each for each in states if each.piece.suite not in by_suite),
            sessions=len(usage.sessions),
            is_hashed=is_hashed,
            mirrors_asked=not opened.settings.offline.value,
            now=now,
        )


def _valid_until(lookup: Lookup, key: SuiteKey, pin: Pin) -> datetime | None:
    try:
        return None if isinstance(pin.root, BarePackages) else lookup.release(key, pin).valid_until
    except AptfreezeError:  # it is told as a missing file
        return None


def _pieces(opened: Opened, lookup: Lookup, generation: Generation, usage: Usage) -> list[Piece]:
    """All that was used, and of its sources those that somebody has fetched."""
    in_use = records.architectures(opened.environment.records) | {architecture()}
    suites = closure.readable(generation, partial(closure.used_indexes, lookup, usage=usage))
    packages = list(closure.used_packages(lookup, generation, usage, in_use))
    pieces = [*closure.roots(generation)]
    for suite in suites:
        pieces += closure.index_pieces(lookup, suite)
        if opened.settings.policy.sources is not Sources.OFF:
            pieces += closure.source_index_pieces(lookup, suite)
    pieces += [*packages, *_fetched_sources(lookup, suites, packages)]
    return list({(piece.suite, piece.forms[0].wanted.digest): piece for piece in pieces}.values())


def _fetched_sources(lookup: Lookup, suites: Sequence[Chosen], packages: Sequence[Piece]) -> Iterator[Piece]:
    """The files of each source package of which the archive has any: a part of one is of no use."""
    by_source: dict[tuple[SuiteKey | None, str, str], list[Piece]] = {}
    for piece in correspondence(lookup, suites, packages).pieces:
        if piece.entry is not None:
            by_source.setdefault((piece.suite, piece.entry.package, piece.entry.version), []).append(piece)
    for pieces in by_source.values():
        if any(closure.held_form(lookup.objects, piece) for piece in pieces):
            yield from pieces


class _Shown:
    """Progress over files that are looked at in turn. Mutable state: how many were, and when that was drawn."""

    def __init__(self, show: Show | None, every_s: float, files: int, size: int | None) -> None:
        """`size` in bytes, if it is bytes that are looked at."""
        self._show = show
        self._every_s = every_s
        self._progress = FilesProgress(files, size)
        self._done = self._size = 0
        self._drawn_at = time.monotonic()

    def __repr__(self) -> str:
        return f"<_Shown {self._done} files>"

    def count(self, state: FileState) -> None:
        self._done += 1
        self._size += state.piece.size or 0
        now = time.monotonic()
        if self._show is not None and now - self._drawn_at >= self._every_s:
            self._drawn_at = now
            self._show(self._progress.line(self._done, self._size, (), now))

    def end(self) -> None:
        if self._show is not None:
            self._show(None)


def _hashed(objects: Objects, states: Iterable[FileState], shown: _Shown) -> Iterator[FileState]:
    """Every byte of what is held; what is damaged goes to quarantine and is not held."""
    for state in states:
        yield state if _is_sound(objects, state) else replace(state, is_held=False, is_damaged=True)
        shown.count(state)
    shown.end()


def _is_sound(objects: Objects, state: FileState) -> bool:
    form = closure.held_form(objects, state.piece)
    if form is None:
        return True  # nothing is there to be damaged
    try:
        growth = objects.growth(form.wanted.digest)
        if growth is not None:
            growth.wait()
    except IntegrityError:
        return False
    return growth is not None


def _asked(archive: OpenArchive, states: Sequence[FileState], shown: _Shown) -> list[FileState]:
    """The same, with where else they are."""
    threads = ThreadPoolExecutor(_AT_ONCE, "ask")
    try:
        answers = [threads.submit(_elsewhere, archive, state.piece) for state in states]
        asked = []
        for state, answer in zip(states, answers, strict=True):
            asked.append(replace(state, elsewhere=answer.result()))
            shown.count(state)
        return asked
    finally:
        threads.shutdown(wait=False, cancel_futures=True)
        shown.end()


def _elsewhere(archive: OpenArchive, piece: Piece) -> Presence:
    """In a thread: whether a mirror has it, in the form that is held or, if none is, in the first that can be had."""
    form = closure.held_form(archive.objects, piece) or piece.forms[0]
    suppliers = piece.suppliers(archive.lookup(offline=False), form)
    return ask(archive.downloads, form.wanted, [each.url for each in suppliers if isinstance(each, MirrorUrl)])
