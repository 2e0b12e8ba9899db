# SPDX-License-Identifier: MIT
"""The parts of the serving side, put together for one session."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from aptfreeze.environment.absent import Absences
from aptfreeze.environment.generations import read_copies
from aptfreeze.environment.machine import architecture
from aptfreeze.environment.process import Process
from aptfreeze.environment.records import Record, architectures
from aptfreeze.environment.store import EnvironmentStore
from aptfreeze.fetch.lookup import Lookup
from aptfreeze.fetch.opened import OpenArchive
from aptfreeze.freeze.generation import Generation
from aptfreeze.serve.absence import AbsenceDesk
from aptfreeze.serve.accesslog import AccessLog, Logged
from aptfreeze.serve.certificates import Certificates
from aptfreeze.serve.clashes import ClashWatch
from aptfreeze.serve.connects import Connects
from aptfreeze.serve.delivery import Delivery
from aptfreeze.serve.first_sight import FirstSight
from aptfreeze.serve.frozen import FrozenFiles
from aptfreeze.serve.passing import PassThrough
from aptfreeze.serve.policy import Passage
from aptfreeze.serve.prefetch import Prefetch
from aptfreeze.serve.proxy import Proxy
from aptfreeze.serve.reply import Handler
from aptfreeze.serve.session import Session
from aptfreeze.serve.sources import SourcesFollower
from aptfreeze.settings import Settings, Sources
from aptfreeze.values import immutable

if TYPE_CHECKING:
    from aptfreeze.environment.pinning import Pinning
    from aptfreeze.environment.resigning import Resigning
    from aptfreeze.fetch.addresses import Own
    from aptfreeze.serve.gate import Gate
    from aptfreeze.serve.recall import Recall
    from aptfreeze.trust.authority import Authority
    from aptfreeze.trust.signing import SigningKey


@immutable
class World:
    """What a session begins with."""

    store: EnvironmentStore
    generation: Generation
    settings: Settings
    process: Process
    tell: Callable[[str], None]
    """Shows a line to a person."""
    commit_after_s: float | None = None
    """A provisional pin that no index request has confirmed for so long is committed; None: at the end only."""
    access_log: Path | None = None
    follows: bool = False
    """Whether another generation that becomes current is served from then on; else it is one session to the end."""
    gate: "Gate | None" = None
    """What other machines may have; None: they do not reach us."""
    signing_key: "SigningKey | None" = None
    """What suites are served signed with; None: as their archives signed them."""


@immutable
class Parts:
    """What has to be served, tended and closed."""

    handler: Handler
    session: Session
    first_sight: FirstSight
    sources: SourcesFollower | None
    prefetch: Prefetch | None
    clashes: ClashWatch
    log: AccessLog | None


def assembled(
    world: World, archive: OpenArchive, threads: Executor, relays: Executor, tasks: asyncio.TaskGroup, own: "Own"
) -> Parts:
    """The parts of a session; `threads` are for look-ups and pinning, `relays` for what passes through.

    `own` are the addresses that clients come to.
    """
    settings, store = world.settings, world.store
    session = _session(world)
    offline = settings.offline.value
    lookup, archive_only = archive.lookup(offline=offline), archive.lookup(offline=True)
    log = None if world.access_log is None else AccessLog(world.access_log)
    first_sight = FirstSight(session, store, archive.objects, partial(_pinning, archive, settings), lookup, threads)
    wants_sources = settings.policy.sources is not Sources.OFF
    sources = SourcesFollower(session, lookup, threads) if wants_sources else None
    delivery = Delivery(archive.objects, archive.downloads, session)
    absences = Absences(None if store.is_read_only else store.environment.absent)
    prefetch = None
    if settings.fetch.prefetch and not offline:
        prefetch = Prefetch(session, lookup, partial(_recall, world, session, lookup), threads, tasks)
    frozen = FrozenFiles(session, lookup, delivery, first_sight, sources, prefetch, absences, tasks, _resigning(world))
    absence = AbsenceDesk(session, archive_only, partial(read_copies, store.environment), threads)
    passage = Passage(session, settings.policy, own)
    passing = PassThrough(session, archive.downloads, passage, relays, offline=offline)
    connects = Connects(
        session,
        settings.intercept,
        _certificates(world),
        archive.mirrors,
        passage,
        archive.downloads.hosts,
        threads,
        relays,
        offline=offline,
    )
    handler: Handler = Proxy(
        session,
        lookup,
        archive.mirrors,
        delivery,
        first_sight,
        frozen,
        absence,
        passing,
        connects,
        tasks=tasks,
        threads=threads,
    )
    if world.gate is not None:
        from aptfreeze.serve.gate import Gated  # start-up time

        handler = Gated(handler, world.gate, archive.mirrors.identify, connects.reads)
    clashes = ClashWatch(session, lookup, archive_only)
    served = handler if log is None else Logged(handler, log)
    return Parts(served, session, first_sight, sources, prefetch, clashes, log)


def _session(world: World) -> Session:
    store = world.store
    folder = None if store.is_read_only else store.environment.records
    record = Record(folder, world.generation.id, world.process, datetime.now(UTC))
    in_use = architectures(store.environment.records) | {architecture()}
    resigns = world.signing_key is not None
    return Session(world.generation, record, world.tell, architectures=in_use, resigns=resigns)


def _certificates(world: World) -> Certificates:
    def obtain() -> "Authority":
        from aptfreeze.environment.authorities import obtain_authority  # start-up time

        return obtain_authority(world.settings.intercept, world.process)

    return Certificates(obtain)


def _resigning(world: World) -> "Resigning | None":
    if world.signing_key is None:
        return None
    from aptfreeze.environment.resigning import Resigning  # start-up time

    return Resigning(world.signing_key)


def _recall(world: World, session: Session, lookup: Lookup) -> "Recall":
    # Start-up time: a build whose files are all in the archive needs nothing of it.
    from aptfreeze.environment.earlier import earlier
    from aptfreeze.serve.recall import Recall

    sessions = earlier(
        world.store.environment.records,
        session_id=session.record.session_id,
        generation_id=session.generation.id,
        command=world.process.command,
    )
    return Recall(lookup, sessions)


def _pinning(archive: OpenArchive, settings: Settings) -> "Pinning":
    # Start-up time: a build whose suites are all pinned needs nothing of OpenPGP.
    from aptfreeze.environment.pinner import make_pinning

    return make_pinning(archive, settings)
