# SPDX-License-Identifier: MIT
"""`aptfreeze status`: pins and their age, generation, state digest, what is archived and what is not."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from aptfreeze.describe.amounts import age_text, counted
from aptfreeze.describe.holdings import Holding, SuiteHoldings, suite_holdings
from aptfreeze.environment import log, records
from aptfreeze.environment.known import open_archive_for
from aptfreeze.environment.log import Event, EventKind
from aptfreeze.environment.opened import Opened
from aptfreeze.environment.process import Liveness
from aptfreeze.environment.provisional import Provisional
from aptfreeze.freeze.digest import Digest
from aptfreeze.freeze.generation import Generation, Pin, SuiteKey
from aptfreeze.freeze.lockfile import state_digest
from aptfreeze.values import immutable

_TELLING = {EventKind.CHANGED, EventKind.NEW_ID, EventKind.DROPPED, EventKind.INTERRUPTED}
_EVENTS = 5
_LIVENESS = {
    Liveness.RUNNING: "still runs",
    Liveness.ENDED: "has ended",
    Liveness.UNKNOWN: "ran on another machine or before a restart",
}


@immutable
class Status:
    opened: Opened
    generation: Generation
    state: Digest
    holdings: dict[SuiteKey, SuiteHoldings]
    extra: Holding
    provisional: dict[SuiteKey, Provisional]
    sessions: int
    events: tuple[Event, ...]
    """The latest that a person should know of, oldest first."""
    now: datetime


def status(opened: Opened, now: datetime) -> Status:
    """Look at the environment; changes nothing but notes, as every command does, a lock file changed by hand."""
    generation = opened.store.load()
    usage = records.load(opened.environment.records, generation.id)
    with open_archive_for(opened.store, opened.settings) as archive:
        lookup = archive.lookup(offline=True)
        holdings = {key: suite_holdings(lookup, key, pin, usage) for key, pin in sorted(generation.pins.items())}
        extra = Holding.of((url, archive.objects.has(digest)) for url, digest in sorted(generation.extra.items()))
    events = [event for event in log.read(opened.environment.log) if event.kind in _TELLING]
    return Status(
        opened,
        generation,
        state_digest(generation),
        holdings,
        extra,
        dict(opened.store.provisional()),
        len(usage.sessions),
        tuple(events[-_EVENTS:]),
        now,
    )


def lines(found: Status) -> Iterator[str]:
    """For people."""
    generation = found.generation
    yield f"environment  {found.opened.environment.root} ({found.opened.environment.origin})"
    yield f"generation   {generation.id}, made {generation.created:%Y-%m-%d %H:%M} UTC"
    yield f"state        {found.state}"
    yield f"archive      {found.opened.settings.archive.path}"
    yield f"recorded     {counted(found.sessions, 'session')} of this generation"
    if not generation.pins and not found.provisional:
        yield 'nothing is pinned: the first build pins what it asks for ("aptfreeze run -- COMMAND")'
    for key, pin in sorted(generation.pins.items()):
        yield ""
        yield from _suite_lines(key, pin, found.holdings[key], found.now)
    if found.extra.total:
        yield ""
        yield _holding_line("single files", found.extra)
    yield from _unsettled_lines(found)


def _suite_lines(key: SuiteKey, pin: Pin, holdings: SuiteHoldings, now: datetime) -> Iterator[str]:
    names = ", ".join(sorted(pin.names - {key.suite}))
    age = f"of {pin.date:%Y-%m-%d %H:%M} UTC, {age_text(now - pin.date)} old" if pin.date else "without a date"
    yield f"{key}{f' ({names})' if names else ''}: {age}"
    yield f"  signed by {', '.join(pin.signers)}" if pin.signers else "  UNSIGNED, by [trust] unsigned"
    if not holdings.root:
        yield "  the pinned file itself is NOT in the archive"
    yield "  " + _holding_line("indexes used", holdings.indexes)
    if holdings.sources.total:
        yield "  " + _holding_line("source indexes", holdings.sources)
    yield "  " + _holding_line("package files used", holdings.packages)


def _holding_line(name: str, holding: Holding) -> str:
    line = f"{name}: {holding.held} of {holding.total} archived"
    if holding.missing:
        more = f" and {len(holding.missing) - 3} more" if len(holding.missing) > 3 else ""
        line += f"; NOT archived: {', '.join(holding.missing[:3])}{more}"
    return line


def _unsettled_lines(found: Status) -> Iterator[str]:
    for key, pending in sorted(found.provisional.items()):
        yield ""
        yield (
            f"{key}: pinned provisionally {age_text(found.now - pending.since)} ago by {pending.by}, which "
            f"{_LIVENESS[pending.by.liveness()]}; no index of it has verified yet, so it is not in the lock file. "
            "The next run goes on with it."
        )
    if found.events:
        yield ""
        yield "what happened:"
    for event in found.events:
        told = " ".join(part for part in (event.kind, event.what, event.detail) if part)
        yield f"  {event.at:%Y-%m-%d %H:%M} {told} ({event.by})"


def data(found: Status) -> dict[str, Any]:
    """For `--json`."""
    return {
        "environment": str(found.opened.environment.root),
        "generation": found.generation.id,
        "created": found.generation.created.isoformat(),
        "state": str(found.state),
        "archive": str(found.opened.settings.archive.path),
        "sessions": found.sessions,
        "suites": [_suite_data(key, pin, found) for key, pin in sorted(found.generation.pins.items())],
        "extra": _holding_data(found.extra),
        "provisional": [
            {
                "repository": key.repository,
                "suite": key.suite,
                "since": pending.since.isoformat(),
                "by": pending.by.command,
                "process": pending.by.pid,
                "liveness": pending.by.liveness(),
            }
            for key, pending in sorted(found.provisional.items())
        ],
        "events": [
            {"at": e.at.isoformat(), "event": e.kind, "what": e.what, "detail": e.detail, "by": e.by}
            for e in found.events
        ],
    }


def _suite_data(key: SuiteKey, pin: Pin, found: Status) -> dict[str, Any]:
    holdings = found.holdings[key]
    return {
        "repository": key.repository,
        "suite": key.suite,
        "codename": pin.codename,
        "date": pin.date.isoformat() if pin.date else None,
        "age_s": int((found.now - pin.date).total_seconds()) if pin.date else None,
        "signers": list(pin.signers),
        "archived": holdings.root,
        "indexes": _holding_data(holdings.indexes),
        "sources": _holding_data(holdings.sources),
        "packages": _holding_data(holdings.packages),
    }


def _holding_data(holding: Holding) -> dict[str, Any]:
    return {"archived": holding.held, "used": holding.total, "missing": list(holding.missing)}
