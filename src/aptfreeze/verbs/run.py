# SPDX-License-Identifier: MIT
"""`aptfreeze run -- COMMAND`: a proxy for the life of COMMAND, and what it was served."""

import asyncio
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from aptfreeze.environment import files
from aptfreeze.environment.opened import Opened
from aptfreeze.errors import OWN_FAILURE_OF_RUN, AptfreezeError
from aptfreeze.fetch.aptread import read_options
from aptfreeze.freeze.lockfile import state_digest
from aptfreeze.launch import prepare as launch
from aptfreeze.launch.notice import Notice
from aptfreeze.launch.process import Ended, find_program, run_command
from aptfreeze.launch.session import Session as LaunchSession
from aptfreeze.launch.session import session_folder
from aptfreeze.launch.signals import SignalReader
from aptfreeze.settings import Sources

if TYPE_CHECKING:
    from aptfreeze.describe.progress import Line
    from aptfreeze.describe.summary import Summary
    from aptfreeze.launch.isolate import Isolation
    from aptfreeze.serve.running import Running
    from aptfreeze.serve.sources import Missing

_GRACE_S = 0.5
"""For what COMMAND has left behind: a method of an apt that was killed would wait for its file for a long time."""


def check(command: Sequence[str], environ: Mapping[str, str], json_file: Path | None) -> None:
    """What can be wrong before anything is written: NotStartedError, and UsageError for the summary's file."""
    find_program(command[0], environ.get("PATH", os.defpath))
    if json_file is not None:
        files.check_deliverable(json_file)


async def run(
    opened: Opened,
    command: Sequence[str],
    environ: Mapping[str, str],
    *,
    tell: Callable[[str], None],
    show: Callable[["Line | None"], None] | None = None,
    access_log: Path | None = None,
    isolation: "Isolation | None" = None,
) -> "Summary":
    """Run COMMAND behind a proxy of its own; NotStartedError if it cannot be started.

    `tell` tells a line for good, `show` one that the next one replaces: none while COMMAND runs, whose terminal it is.
    """
    generation, key = opened.store.init(), opened.signing_key()
    in_thread = partial(asyncio.get_running_loop().run_in_executor, None)
    with session_folder() as folder, SignalReader() as signals:
        # apt needs as long to tell its options as we need to import what serves them.
        options, authority = in_thread(read_options, environ), in_thread(_authority, opened)
        from aptfreeze.serve.assembly import World
        from aptfreeze.serve.running import running

        world = World(
            opened.store, generation, opened.settings, opened.process, tell, access_log=access_log, signing_key=key
        )
        async with running(
            world, "127.0.0.1", 0, listener=isolation.listener if isolation else None, grace_s=_GRACE_S
        ) as proxy:
            certificate, about_https = await authority
            launched = LaunchSession(
                proxy.url,
                generation.id,
                generation.created,
                folder,
                opened.environment.state,
                b"" if key is None else key.certificate,
                certificate,
                in_user_namespace=isolation is not None and isolation.maps_range,
            )
            prepared = launch.prepare(command, environ, launched, await options)
            _note(proxy, (*(isolation.notices if isolation else ()), *about_https, *prepared.notices))
            overridden = in_thread(prepared.overridden)
            ended = await run_command(
                command, prepared.variables, signals, None if isolation is None else isolation.start
            )
            _note(proxy, await overridden)
            with _stopped_by(signals) as stop, _watched(proxy, tell, show):
                missing = await proxy.finish(stop)
            _judge(proxy, opened, missing, environ, isolated=isolation is not None)
        return _summary(proxy, ended, missing, opened, isolated=isolation is not None)


def _authority(opened: Opened) -> tuple[bytes, tuple[Notice, ...]]:
    """The certificate of the authority that https is served with; empty, and said, if there can be none."""
    from aptfreeze.environment.authorities import certificate  # start-up time

    try:
        return certificate(opened.settings.intercept, opened.process), ()
    except AptfreezeError as error:  # no failure: only https needs it
        told = f"no https is frozen in this run, and an apt that asks by https is refused: {error.message}"
        return b"", (Notice(told, hint=error.hint),)


@contextmanager
def _stopped_by(signals: SignalReader) -> Iterator[asyncio.Event]:
    """An event that a signal sets, now that there is no COMMAND to pass it on to."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def read() -> None:
        if list(signals.read()):
            stop.set()

    loop.add_reader(signals.fileno(), read)
    try:
        yield stop
    finally:
        loop.remove_reader(signals.fileno())


def _note(proxy: "Running", notices: Iterable[Notice]) -> None:
    for notice in notices:
        proxy.session.notice(str(notice))


def _watched(
    proxy: "Running", tell: Callable[[str], None], show: Callable[["Line | None"], None] | None
) -> AbstractContextManager[None]:
    if show is None:
        return nullcontext()
    from aptfreeze.serve.watching import sources_of, watched  # start-up time

    return watched(sources_of(proxy, tell), show)


def _judge(
    proxy: "Running", opened: Opened, missing: Sequence["Missing"], environ: Mapping[str, str], *, isolated: bool
) -> None:
    session = proxy.session
    if session.traffic.requests == 0 and not isolated:  # there is no other way out of a namespace
        session.notice(
            "COMMAND ended and not one request came to the proxy: whatever it fetched was not frozen\n"
            "Hint: sudo, chroots and no_proxy drop the proxy's variables; see docs/howto/bypass.md"
        )
    if missing and opened.settings.policy.sources is Sources.REQUIRE:
        session.verdict('source indexes are missing, and [policy] sources = "require"')
    if session.pinned_now and environ.get("CI") and not opened.settings.locked.value:
        session.notice(
            "new suites were pinned in CI: the next job may pin other states\n"
            "Hint: commit aptfreeze.lock, and run with --locked (or APTFREEZE_LOCKED=1) in CI"
        )


def _summary(
    proxy: "Running", ended: Ended, missing: Sequence["Missing"], opened: Opened, *, isolated: bool
) -> "Summary":
    from aptfreeze.describe.summary import Summary  # start-up time

    session = proxy.session
    served = session.record.usage().packages
    is_closed = isolated and opened.settings.locked.value and opened.settings.offline.value
    return Summary(
        generation=session.generation,
        state=state_digest(session.generation),
        pinned_now=session.pinned_now,
        totals=proxy.totals,
        packages=len(served),
        not_frozen=session.not_frozen,
        sources_missing={f"{m.key} {m.component}".rstrip(): m.error.message for m in missing},
        notices=tuple(session.notices),
        failures=tuple(session.failures),
        verdicts=tuple(session.verdicts),
        isolated=isolated,
        proved=is_closed and not session.verdicts and ended.status == 0,
        command_status=ended.status,
        exit_status=OWN_FAILURE_OF_RUN if session.verdicts else ended.status,
    )


def write_json(summary: "Summary", path: Path) -> None:
    """The summary as data; UsageError if the file cannot be written."""
    files.deliver(path, json.dumps(summary.data(), indent=2).encode() + b"\n")
