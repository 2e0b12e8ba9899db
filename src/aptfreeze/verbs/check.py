# SPDX-License-Identifier: MIT
"""`aptfreeze status --check`: is every file that the runs used still held, where else is it, and what ends when?

It fetches nothing and changes nothing, but for putting into quarantine what turns out to be damaged.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from functools import partial

from aptfreeze.archive.objects import Objects
from aptfreeze.describe import closure
from aptfreeze.describe.closure import Chosen, Piece
from aptfreeze.describe.correspondence import correspondence
from aptfreeze.describe.progress import FilesProgress
from aptfreeze.describe.rot import FileState, Rot, SuiteRot
from aptfreeze.describe.watching import Look, Show, watched
from aptfreeze.environment import records, trustcheck
from aptfreeze.environment.known import open_archive_for
from aptfreeze.environment.machine import architecture
from aptfreeze.environment.opened import Opened
from aptfreeze.environment.pinner import make_judges
from aptfreeze.environment.records import Usage
from aptfreeze.errors import AptfreezeError, IntegrityError
from aptfreeze.fetch.chain import MirrorUrl
from aptfreeze.fetch.inquiry import Presence, ask
from aptfreeze.fetch.lookup import Lookup
from aptfreeze.fetch.opened import OpenArchive
from aptfreeze.freeze.generation import BarePackages, Generation, Pin, SuiteKey
from aptfreeze.settings import Sources

_AT_ONCE = 4
"""Mirrors are asked so much at once: nobody waits for a client here."""


def check(opened: Opened, now: datetime, *, is_hashed: bool = False, show: Show | None = None) -> Rot:
    """Look at everything that the current generation's sessions used; blocks.

    `is_hashed`: every byte is read, too. Offline, no mirror is asked. UsageError for keyrings that cannot be read.
    """
    generation = opened.store.load()
    usage = records.load(opened.environment.records, generation.id)
    judges = make_judges(opened.settings, lambda: now)
    with open_archive_for(opened.store, opened.settings) as archive:
        lookup = archive.lookup(offline=True)
        # First of all: it reads the pinned files, and one that is damaged is out of sight then.
        trust = {key: trustcheck.check(archive.objects, judges, key, pin) for key, pin in generation.pins.items()}
        pieces = _pieces(opened, lookup, generation, usage)
        states = [FileState(piece, closure.held_form(archive.objects, piece) is not None) for piece in pieces]
        if is_hashed:
            states = _hashed(archive.objects, states, show)
        if not opened.settings.offline.value:
            states = _asked(archive, states, show)
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


def _progress(looked: Sequence[FileState], files: int, size: int | None) -> Look:
    """A look at how many were looked at; `size` in bytes of all, if it is bytes that are."""
    progress = FilesProgress(files, size)
    return lambda now: progress.line(len(looked), sum(each.piece.size or 0 for each in looked), (), now)


def _hashed(objects: Objects, states: Sequence[FileState], show: Show | None) -> list[FileState]:
    """Every byte of what is held; what is damaged goes to quarantine and is not held."""
    looked: list[FileState] = []
    with watched(_progress(looked, len(states), sum(each.piece.size or 0 for each in states)), show):
        for state in states:
            is_sound = _is_sound(objects, state)
            looked.append(state if is_sound else replace(state, is_held=False, is_damaged=True))
    return looked


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


def _asked(archive: OpenArchive, states: Sequence[FileState], show: Show | None) -> list[FileState]:
    """The same, with where else they are."""
    looked: list[FileState] = []
    lookup = archive.lookup(offline=False)
    threads = ThreadPoolExecutor(_AT_ONCE, "ask")
    try:
        with watched(_progress(looked, len(states), None), show):
            answers = [threads.submit(_elsewhere, lookup, state.piece) for state in states]
            for state, answer in zip(states, answers, strict=True):
                looked.append(replace(state, elsewhere=answer.result()))
        return looked
    finally:  # Ctrl-C must not wait for threads that wait for a mirror
        threads.shutdown(wait=False, cancel_futures=True)


def _elsewhere(lookup: Lookup, piece: Piece) -> Presence:
    """In a thread: whether a mirror has it, in the form that is held or, if none is, in the first that can be had."""
    form = closure.held_form(lookup.objects, piece) or piece.forms[0]
    urls = [each.url for each in piece.suppliers(lookup, form) if isinstance(each, MirrorUrl)]
    return ask(lookup.downloads, form.wanted, urls)
