# SPDX-License-Identifier: MIT
"""`aptfreeze update`: suites move to their newest, or dated, states: all of them whole, or none."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from aptfreeze.describe import changelist, updates
from aptfreeze.describe.changelogs import Changelog, changelogs
from aptfreeze.describe.changes import Change, UsedChange, is_security, suite_changes, used_changes
from aptfreeze.describe.watching import Show, fetching_of, watched
from aptfreeze.environment import earlier, records, transitions, updating
from aptfreeze.environment.continuity import Accepted
from aptfreeze.environment.known import open_archive_for
from aptfreeze.environment.machine import architecture
from aptfreeze.environment.opened import Opened
from aptfreeze.environment.pinner import make_pinning
from aptfreeze.environment.records import Usage
from aptfreeze.environment.selection import Selection, select
from aptfreeze.environment.updating import Means, Prepared, SuiteMove
from aptfreeze.errors import SOMETHING_NEW, IntegrityError, OfflineError, UpstreamError, UsageError
from aptfreeze.fetch.lookup import Lookup
from aptfreeze.fetch.opened import OpenArchive
from aptfreeze.freeze import moves
from aptfreeze.freeze.digest import Digest
from aptfreeze.freeze.generation import Generation, Pin, SuiteKey
from aptfreeze.freeze.moves import Identity
from aptfreeze.settings import Settings, Sources
from aptfreeze.values import immutable

_NOTHING = Accepted()


@immutable
class Wishes:
    """What the command line asks for."""

    words: tuple[str, ...] = ()
    """Suites and single files; all, if there are none."""
    is_dry_run: bool = False
    at: datetime | None = None
    """The time whose states are wanted; None: the newest."""
    with_changelogs: bool = False
    accepted: Accepted = _NOTHING


@immutable
class Update:
    """What is moved, or would be."""

    before: Generation
    after: Generation
    """Under a dry run with the id of `before`, since there is none of that state."""
    prepared: Prepared
    changes: Mapping[SuiteKey, Sequence[Change] | None]
    """By suite that moves: the packages that are others in its new state; None if nobody has the old state's indexes
    any more, so that nobody can tell."""
    used: Sequence[UsedChange]
    """Of the packages that this environment's builds were served: those that a build would get now."""
    security: frozenset[SuiteKey]
    """Those suites that move and are of security updates."""
    used_by: str
    """The generation whose runs used these packages: that before, or an earlier one if no run of that is on record.
    Empty if none is: then nobody knows what is used."""
    changelogs: Sequence[Changelog]
    is_dry_run: bool


def update(opened: Opened, wishes: Wishes, tell: Callable[[str], None], show: Show | None = None) -> Update:
    """Fetch, verify, compare, and (but for a dry run) move; `tell` is told what a person should know.

    Without `show` there is no line of progress.

    UsageError, RefusedError, UpstreamError, IntegrityError: nothing was moved.
    """
    before = opened.store.load()
    _refuse_offline(opened.settings)
    if not wishes.is_dry_run:
        opened.store.refuse_if_locked("an update moves pins")
    chosen = _chosen(before, wishes)
    with open_archive_for(opened.store, opened.settings) as archive:
        means = _means(opened, archive, wishes)
        with watched(fetching_of(archive.downloads), show):
            prepared = updating.prepare(means, before, chosen.keys, chosen.urls)
            found = _compared(opened, wishes, means, before, prepared)
        for notice in (*prepared.notices, *_frozen_ways(archive)):
            tell(notice)
        if wishes.is_dry_run or not prepared.is_new:
            return found
        archive.objects.sync()
        return replace(found, after=_commit(opened, before, prepared))


def _frozen_ways(archive: OpenArchive) -> Iterator[str]:
    for proxy in archive.routes.frozen:
        yield (
            f"{proxy} is an aptfreeze itself: it tells what is frozen there, not what is new\n"
            'Hint: say in aptfreeze.toml how mirrors are reached: [fetch] proxy = "", or the URL of another proxy'
        )


def _refuse_offline(settings: Settings) -> None:
    if settings.offline.value:
        raise OfflineError(
            f"an update asks mirrors for other states, and {settings.offline.origin} forbids to ask them",
            hint='run it without that; "aptfreeze rollback" goes to a state that was current here before',
        )


def _chosen(generation: Generation, wishes: Wishes) -> Selection:
    chosen = select(generation, wishes.words)
    if wishes.at is not None:
        if chosen.urls and not chosen.keys:
            raise UsageError(
                f"--date moves suites, and {chosen.urls[0]} is none: nobody keeps earlier states of single files",
                hint="leave out --date for the newest state",
            )
        chosen = replace(chosen, urls=())
    if chosen.keys or chosen.urls:
        return chosen
    raise UsageError(
        "nothing is pinned, so there is nothing to update",
        hint='the first build pins what it asks for: "aptfreeze run -- COMMAND"',
    )


def _means(opened: Opened, archive: OpenArchive, wishes: Wishes) -> Means:
    pinning = make_pinning(archive, opened.settings)
    lookup = archive.lookup(offline=opened.settings.offline.value)
    newest = partial(updating.newest, pinning)
    return Means(
        lookup=lookup,
        pinning=pinning,
        usage=records.load_indexes(opened.environment.records),
        architecture=architecture(),
        with_sources=opened.settings.policy.sources is not Sources.OFF,
        accepted=wishes.accepted,
        find=newest if wishes.at is None else partial(updating.dated, lookup, pinning, wishes.at),
    )


def _compared(opened: Opened, wishes: Wishes, means: Means, before: Generation, prepared: Prepared) -> Update:
    after = moves.moved(before, *_moves(prepared), Identity(before.id, before.created))
    used_by, usage = earlier.latest(opened.environment.records, before.id) or ("", Usage())
    used = used_changes(means.lookup, usage, before, after)
    return Update(
        before=before,
        after=after,
        prepared=prepared,
        changes={move.key: _changes(means.lookup, move) for move in prepared.suites},
        used=used,
        security=frozenset(m.key for m in prepared.suites if is_security(means.lookup, m.key, m.after)),
        used_by=used_by,
        changelogs=changelogs(means.lookup, before, used) if wishes.with_changelogs else (),
        is_dry_run=wishes.is_dry_run,
    )


def _changes(lookup: Lookup, move: SuiteMove) -> Sequence[Change] | None:
    try:
        return suite_changes(lookup, move.key, move.before, move.after, move.paths)
    except (UpstreamError, IntegrityError):  # the new state's are there: `prepare` has seen to it
        return None


def _moves(prepared: Prepared) -> tuple[dict[SuiteKey, Pin], dict[str, Digest]]:
    return {move.key: move.after for move in prepared.suites}, {url: new for url, (_, new) in prepared.extra.items()}


def _commit(opened: Opened, before: Generation, prepared: Prepared) -> Generation:
    return transitions.update(opened.store, before, *_moves(prepared))


def exit_status(found: Update) -> int:
    """10: something new that a dry run left where it is."""
    return SOMETHING_NEW if found.is_dry_run and found.prepared.is_new else 0


def lines(found: Update) -> Iterator[str]:
    """For people."""
    if found.prepared.suites:
        yield from _used_lines(found)
        yield from updates.changelog_lines(found.changelogs)
        yield ""
    for move in found.prepared.suites:
        yield updates.suite_line(move, found.changes[move.key], is_security=move.key in found.security)
    for url, (old, new) in found.prepared.extra.items():
        yield f"{url}: {old.hex[:12]} -> {new.hex[:12]}"
    for key in found.prepared.unchanged:
        yield f"{key}: nothing new"
    yield outcome(found)


def outcome(found: Update) -> str:
    """Which generation is current now."""
    if not found.prepared.is_new:
        return f"generation {found.before.id} stays"
    if found.is_dry_run:
        return "nothing was changed (--dry-run)"
    return f"generation {found.after.id} is current; {found.before.id} was"


def _used_lines(found: Update) -> Iterator[str]:
    if found.used_by:
        return updates.used_lines(found.used, "" if found.used_by == found.before.id else found.used_by)
    return iter(["no run is recorded here, so nobody knows which of the changes matter to your builds"])


def data(found: Update) -> dict[str, Any]:
    """For `--json`."""
    moved = found.prepared.is_new and not found.is_dry_run
    return {
        "was": found.before.id,
        "generation": found.after.id if moved else found.before.id,
        "dry_run": found.is_dry_run,
        "new": found.prepared.is_new,
        "used_by": found.used_by or None,
        "used": changelist.used_data(found.used),
        "suites": [
            updates.suite_data(move, found.changes[move.key], is_security=move.key in found.security)
            for move in found.prepared.suites
        ],
        "extra": [
            {"url": url, "before": str(old), "after": str(new)} for url, (old, new) in found.prepared.extra.items()
        ],
        "unchanged": [str(key) for key in found.prepared.unchanged],
        "changelogs": [updates.changelog_data(each) for each in found.changelogs],
        "notices": list(found.prepared.notices),
    }
