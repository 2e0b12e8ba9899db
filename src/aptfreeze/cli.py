# SPDX-License-Identifier: MIT
"""Verbs and flags, printing, error -> exit code. No logic.

Rule 1: stdout is data, stderr is talk.
Rule 2: only here the process's exit status is decided; docs/reference/exit-codes.md has the table.
Rule 3: what only one verb needs is imported by its function: the start counts in every build step.
"""

import argparse
import asyncio
import io
import json
import logging
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aptfreeze import __version__
from aptfreeze.describe.talk import Talk, TalkHandler
from aptfreeze.environment.config import Surroundings
from aptfreeze.environment.opened import Opened, open_environment
from aptfreeze.errors import BUG, CANCELLED, OWN_FAILURE_OF_RUN, AptfreezeError, UsageError
from aptfreeze.flags import build_parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    talk = Talk(sys.stderr, _room_for_progress())
    logging.basicConfig(handlers=[TalkHandler(talk)], format="%(message)s")
    try:
        return _status(words, talk)
    finally:
        if talk.is_given_up:
            sys.stderr = None  # or Python tries to flush it at its end, fails, and exits with 120


def _status(words: Sequence[str], talk: Talk) -> int:
    is_run = words[:1] == ["run"]
    try:
        options = build_parser().parse_args(words)
        opened = open_environment(_as_typed(words), _surroundings(), _flags(options))
        return _VERBS[options.verb](options, opened, talk)
    except AptfreezeError as error:
        talk.tell(str(error))
        return error.run_status if is_run else error.exit_code
    except KeyboardInterrupt:
        return CANCELLED
    except Exception:
        import traceback

        talk.tell(traceback.format_exc())
        talk.tell(f"this is a bug in aptfreeze {__version__}; please report it with the lines above")
        return OWN_FAILURE_OF_RUN if is_run else BUG


def _room_for_progress() -> Callable[[], int] | None:
    if sys.stderr is None or not sys.stderr.isatty():
        return None
    from aptfreeze.describe.terminal import room_on

    return room_on(sys.stderr, os.environ)


def _as_typed(words: Sequence[str]) -> str:
    import shlex

    return shlex.join(["aptfreeze", *words])


def _surroundings() -> Surroundings:
    try:
        return Surroundings(os.environ, Path.cwd())
    except OSError as error:
        raise UsageError(f"the current folder is gone: {error.strerror}", hint="cd to one that exists") from error


def _flags(options: argparse.Namespace) -> dict[str, Any]:
    """By row key of `settings.ROWS`; None: not given."""
    keys = {"env": "env", "archive": "archive.path", "locked": "locked", "offline": "offline"}
    return {key: getattr(options, name, None) for name, key in keys.items()}


# --- verbs -----------------------------------------------------------------------------------------------------------


def _run(options: argparse.Namespace, opened: Opened, talk: Talk) -> int:
    from aptfreeze.verbs import run

    command = options.command[1:] if options.command[:1] == ["--"] else options.command
    if not command:
        raise UsageError("run needs a command", hint="aptfreeze run -- COMMAND [ARG...]")
    json_file = None if options.json is None else Path(options.json)
    run.check(command, os.environ, json_file)
    access_log = None if options.access_log is None else Path(options.access_log)
    show = talk.show if talk.shows_progress else None
    summary = asyncio.run(run.run(opened, command, os.environ, tell=talk.tell, show=show, access_log=access_log))
    for line in summary.lines():
        talk.tell(line)
    if json_file is not None:
        run.write_json(summary, json_file)
    return summary.exit_status


def _serve(options: argparse.Namespace, opened: Opened, talk: Talk) -> int:
    from aptfreeze.verbs import serve

    address = serve.Address.parse(options.listen)
    ready_file = None if options.ready_file is None else Path(options.ready_file).absolute()
    access_log = None if options.access_log is None else Path(options.access_log)
    serving = serve.serve(
        opened,
        address,
        ready_file=ready_file,
        watched_pid=options.watch_pid,
        tell=talk.tell,
        show=talk.show if talk.shows_progress else None,
        access_log=access_log,
    )
    asyncio.run(serving)
    return 0


def _init(options: argparse.Namespace, opened: Opened, talk: Talk) -> int:
    from aptfreeze.verbs import init

    talk.tell(init.init(opened))
    return 0


def _show_status(options: argparse.Namespace, opened: Opened, talk: Talk) -> int:
    from aptfreeze.verbs import status

    found = status.status(opened, datetime.now(UTC))
    _print(status.data(found) if options.json else status.lines(found))
    return 0


def _packages(options: argparse.Namespace, opened: Opened, talk: Talk) -> int:
    from aptfreeze.describe import packages as listing
    from aptfreeze.verbs import packages

    served = packages.served(opened)
    _print({"packages": listing.rows(served)} if options.json else listing.lines(served))
    return 0


def _config(options: argparse.Namespace, opened: Opened, talk: Talk) -> int:
    from aptfreeze.verbs import config

    _print(config.data(opened.settings) if options.json else config.lines(opened.settings))
    return 0


_VERBS: dict[str, Callable[[argparse.Namespace, Opened, Talk], int]] = {
    "run": _run,
    "serve": _serve,
    "init": _init,
    "status": _show_status,
    "packages": _packages,
    "config": _config,
}


# --- printing --------------------------------------------------------------------------------------------------------


def _print(found: Mapping[str, Any] | Iterable[str]) -> None:
    """Data to stdout; UsageError if they cannot be written, but not if their reader has seen enough, as `head`."""
    text = json.dumps(found, indent=2) + "\n" if isinstance(found, Mapping) else "".join(f"{line}\n" for line in found)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a path need not be text
    if sys.stdout is None:  # `>&-`
        raise UsageError("cannot write to stdout: it is closed", hint="name a file: > FILE")
    try:
        print(text, end="", flush=True)
    except BrokenPipeError:
        sys.stdout = None  # or Python tries to flush it at its end, fails, and exits with 120
    except OSError as error:
        sys.stdout = None
        raise UsageError(f"cannot write to stdout: {error.strerror}", hint="make room, or name another file") from error
