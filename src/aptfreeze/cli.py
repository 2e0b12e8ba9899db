# SPDX-License-Identifier: MIT
"""Verbs and flags, printing, error -> exit code. No logic.

Rule 1: stdout is data, stderr is talk.
Rule 2: only here the process's exit status is decided; docs/reference/exit-codes.md has the table.
Rule 3: what only one verb needs is imported by its function: the start counts in every build step.
"""

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aptfreeze import __version__
from aptfreeze.environment.config import Surroundings
from aptfreeze.environment.opened import Opened, open_environment
from aptfreeze.errors import AptfreezeError

_OWN_FAILURE_OF_RUN = 125
_BUG = 1
_CANCELLED = 130

_Verb = Callable[[argparse.Namespace, Opened], int]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    options = build_parser().parse_args(words)
    is_run = options.verb == "run"
    try:
        flags = {"env": options.env, "archive.path": options.archive}
        flags |= {"locked": getattr(options, "locked", None), "offline": getattr(options, "offline", None)}
        opened = open_environment(_as_typed(words), Surroundings(os.environ, Path.cwd()), flags)
        verb: _Verb = options.run_verb
        return verb(options, opened)
    except AptfreezeError as error:
        _tell(str(error))
        status = getattr(error, "shell_status", _OWN_FAILURE_OF_RUN)
        return status if is_run else error.exit_code
    except KeyboardInterrupt:
        return _CANCELLED
    except BrokenPipeError:
        # Whoever read our data has seen enough, as `head` does.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception:
        import traceback

        traceback.print_exc()
        _tell(f"this is a bug in aptfreeze {__version__}; please report it with the lines above")
        return _OWN_FAILURE_OF_RUN if is_run else _BUG


def _as_typed(words: Sequence[str]) -> str:
    import shlex

    return shlex.join(["aptfreeze", *words])


# --- flags -----------------------------------------------------------------------------------------------------------


def build_parser() -> argparse.ArgumentParser:
    """All verbs and flags; manual page and completion are made from it."""
    parser = argparse.ArgumentParser(
        prog="aptfreeze",
        description="Freeze the apt repositories of an image build: reproducible, verified, archived, described.",
        epilog="Exit status: 0; 1 a bug; 2 usage or input; 3 incomplete or damaged; 4 mirrors; of run see there.",
    )
    parser.add_argument("--version", action="version", version=f"aptfreeze {__version__}")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    for add in (_add_run, _add_serve, _add_init, _add_status, _add_packages, _add_config):
        add(verbs)
    return parser


def _add_verb(verbs: Any, name: str, run_verb: _Verb, help: str, description: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = verbs.add_parser(
        name, help=help, description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--env",
        metavar="DIR",
        help="the environment's folder (APTFREEZE_ENV; default: the nearest one upwards with aptfreeze.toml or "
        "aptfreeze.lock, else the current one)",
    )
    parser.add_argument(
        "--archive",
        metavar="DIR",
        help="the archive's folder (APTFREEZE_ARCHIVE, [archive] path; default: below the user's data directory)",
    )
    parser.set_defaults(run_verb=run_verb)
    return parser


def _add_freezing_flags(parser: argparse.ArgumentParser) -> None:
    # None and not False: a flag that was not given must not hide the variable.
    parser.add_argument(
        "--locked",
        action="store_true",
        default=None,
        help="never write the lock file: a suite that is not in it fails (APTFREEZE_LOCKED=1)",
    )
    parser.add_argument(
        "--offline",
        action="store_true",
        default=None,
        help="no network at all: what the archive lacks fails with its name (APTFREEZE_OFFLINE=1)",
    )


def _add_json_flag(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print data instead of text")


def _add_run(verbs: Any) -> None:
    parser = _add_verb(
        verbs,
        "run",
        _run,
        "run a command behind a proxy that freezes what it fetches",
        "Run COMMAND with http_proxy and the rest that apt, debootstrap and mmdebstrap need, so that every apt\n"
        "repository it uses is frozen to the state in aptfreeze.lock; a suite never asked before is pinned.\n\n"
        "  aptfreeze run -- mmdebstrap --variant=minbase bookworm image.tar\n\n"
        "Exit status: COMMAND's; 128+n if signal n ended it; 126, 127 if it cannot be executed or found;\n"
        "125 for aptfreeze's own failures and verdicts, whatever COMMAND ended with.",
    )
    _add_freezing_flags(parser)
    parser.add_argument("--json", metavar="FILE", help="write the summary as data to FILE")
    parser.add_argument("command", nargs=argparse.REMAINDER, metavar="-- COMMAND [ARG...]", help="what to run")


def _add_serve(verbs: Any) -> None:
    parser = _add_verb(
        verbs,
        "serve",
        _serve,
        "the same proxy for one environment, in the foreground",
        "Serve one environment as an HTTP proxy until SIGTERM or SIGINT.\n\n  aptfreeze serve --listen 127.0.0.1:3142",
    )
    _add_freezing_flags(parser)
    parser.add_argument(
        "--listen",
        metavar="ADDRESS:PORT",
        default="127.0.0.1:3142",
        help="where to listen: a loopback address; port 0 takes a free one (default: %(default)s)",
    )
    parser.add_argument(
        "--ready-file", metavar="FILE", help="write url, pid and generation as JSON to FILE once clients are served"
    )
    parser.add_argument("--watch-pid", metavar="PID", type=int, help="end when this process has ended")


def _add_init(verbs: Any) -> None:
    _add_verb(
        verbs,
        "init",
        _init,
        "make a lock file with an id and no pins",
        "Make aptfreeze.lock with a generation id and no pins, if there is none; run and serve do it by themselves.",
    )


def _add_status(verbs: Any) -> None:
    parser = _add_verb(
        verbs,
        "status",
        _status,
        "this environment: pins, their age, what is archived",
        "Show generation, state digest and pins with their age, and what the archive holds of what was used.",
    )
    _add_json_flag(parser)


def _add_packages(verbs: Any) -> None:
    parser = _add_verb(
        verbs,
        "packages",
        _packages,
        "what the runs of this generation were really served",
        "Print every package file served: name version arch sha256 size repository suite, sorted.",
    )
    _add_json_flag(parser)


def _add_config(verbs: Any) -> None:
    parser = _add_verb(
        verbs,
        "config",
        _config,
        "every setting, its value and where it came from",
        "Print every setting with its value and its origin: flag, variable, aptfreeze.toml or default.",
    )
    _add_json_flag(parser)


# --- verbs -----------------------------------------------------------------------------------------------------------


def _run(options: argparse.Namespace, opened: Opened) -> int:
    from aptfreeze.verbs import run

    command = options.command[1:] if options.command[:1] == ["--"] else options.command
    if not command:
        build_parser().error("run needs a command: aptfreeze run -- COMMAND [ARG...]")
    summary = asyncio.run(run.run(opened, command, os.environ, tell=_tell, progress=_progress))
    for line in summary.lines():
        _tell(line)
    if options.json is not None:
        run.write_json(summary, Path(options.json))
    return summary.exit_status


def _serve(options: argparse.Namespace, opened: Opened) -> int:
    from aptfreeze.verbs import serve

    address = serve.Address.parse(options.listen)
    ready_file = None if options.ready_file is None else Path(options.ready_file).absolute()
    asyncio.run(serve.serve(opened, address, ready_file=ready_file, watched=options.watch_pid, tell=_tell))
    return 0


def _init(options: argparse.Namespace, opened: Opened) -> int:
    from aptfreeze.verbs import init

    for line in init.init(opened):
        _tell(line)
    return 0


def _status(options: argparse.Namespace, opened: Opened) -> int:
    from aptfreeze.verbs import status

    found = status.status(opened, datetime.now(UTC))
    _print(status.data(found) if options.json else status.lines(found))
    return 0


def _packages(options: argparse.Namespace, opened: Opened) -> int:
    from aptfreeze.describe import packages as listing
    from aptfreeze.verbs import packages

    served = packages.served(opened)
    _print({"packages": listing.rows(served)} if options.json else listing.text(served).splitlines())
    return 0


def _config(options: argparse.Namespace, opened: Opened) -> int:
    from aptfreeze.verbs import config

    _print(config.data(opened.settings) if options.json else config.lines(opened.settings))
    return 0


# --- printing --------------------------------------------------------------------------------------------------------


def _print(found: Mapping[str, Any] | Iterable[str]) -> None:
    if isinstance(found, Mapping):
        print(json.dumps(found, indent=2))
    else:
        for line in found:
            print(line)
    sys.stdout.flush()


def _tell(text: str) -> None:
    for line in text.splitlines():
        print(f"aptfreeze: {line}", file=sys.stderr)
    sys.stderr.flush()


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\x1b[Kaptfreeze: {text}\r", end="", file=sys.stderr, flush=True)
