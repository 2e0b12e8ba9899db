# SPDX-License-Identifier: MIT
"""`aptfreeze doctor`: what would bypass or break the freezing of a build, and what `run` does about it."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from aptfreeze.environment.opened import Opened
from aptfreeze.errors import IntegrityError
from aptfreeze.fetch.aptread import Option, read_options
from aptfreeze.fetch.proxies import Rules
from aptfreeze.launch.aptentries import read_entries
from aptfreeze.launch.command import urls_in
from aptfreeze.launch.finding import Finding, Level
from aptfreeze.launch.lookcommand import look_at_command
from aptfreeze.launch.lookmachine import look_at_archive, look_at_lock, look_at_namespaces, look_at_verifiers
from aptfreeze.launch.looktls import (
    look_at_authority,
    look_at_https_hosts,
    look_at_mirror_files,
    look_at_tls_options,
)
from aptfreeze.launch.lookway import look_at_options, look_at_sources, look_at_variables


def examine(opened: Opened, command: Sequence[str], environ: Mapping[str, str], now: datetime) -> tuple[Finding, ...]:
    """Everything that is found, the worst first; `command` may be empty. Nothing is fetched, nothing is changed."""
    found = sorted(_findings(opened, command, environ, now), key=lambda each: list(Level).index(each.level))
    return tuple(found)


def _findings(opened: Opened, command: Sequence[str], environ: Mapping[str, str], now: datetime) -> Iterator[Finding]:
    settings, resigns = opened.settings, opened.settings.resign.enabled
    if command:
        yield from look_at_command(command, {"PATH": os.defpath, **environ}, resigns=resigns)
    yield from look_at_variables(environ, is_locked=opened.store.locked.value)
    options = read_options(environ)
    yield from look_at_options(options)
    rules = Rules(settings.proxy.url, environ, {option.name.lower(): option.value for option in options})
    entries = read_entries(environ)
    yield from look_at_sources(entries, rules, settings.trust, resigns=resigns)
    urls = [*(entry.url for entry in entries), *urls_in(command)]
    yield from _of_https(opened, urls, options, now)
    yield from look_at_lock(opened.store, now)
    yield from look_at_archive(settings.archive.path)
    yield from look_at_verifiers(settings.trust.backend)
    yield from look_at_namespaces()


def _of_https(opened: Opened, urls: Sequence[str], options: Iterable[Option], now: datetime) -> Iterator[Finding]:
    settings = opened.settings
    is_needed = bool(settings.intercept.intercept) or any(url.startswith("https:") for url in urls)
    yield from look_at_tls_options(options)
    yield from look_at_https_hosts(urls, settings.intercept)
    yield from look_at_authority(settings.intercept, now, is_needed=is_needed)
    yield from look_at_mirror_files(settings.tls, now)


def lines(found: Sequence[Finding]) -> Iterator[str]:
    """For people."""
    for finding in found:
        yield f"{finding.level:<8} {finding.what}"
        if finding.why:
            yield f"         {finding.why}"
        if finding.fix:
            yield f"         Fix: {finding.fix}"


def data(found: Sequence[Finding]) -> dict[str, Any]:
    """For `--json`."""
    return {
        "findings": [{"level": str(each.level), "what": each.what, "why": each.why, "fix": each.fix} for each in found]
    }


def exit_status(found: Sequence[Finding]) -> int:
    return IntegrityError.exit_code if any(each.level is Level.PROBLEM for each in found) else 0
