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
from typing import Any, NoReturn

from aptfreeze import __version__
from aptfreeze.describe.talk import Talk, TalkHandler
from aptfreeze.environment.config import Surroundings
from aptfreeze.environment.opened import Opened, open_environment
from aptfreeze.errors import BUG, CANCELLED, OWN_FAILURE_OF_RUN, AptfreezeError, UsageError

_Verb = Callable[[argparse.Namespace, Opened, Talk], int]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    talk = Talk(sys.stderr)
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
        verb: _Verb = options.run_verb
        return verb(options, opened, talk)
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


# --- flags -----------------------------------------------------------------------------------------------------------


class _Parser(argparse.ArgumentParser):
    """Tells a mistake as every other error is told; flags cannot be shortened, so that a new one breaks no script."""

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter, **options)

    def error(self, message: str) -> NoReturn:
        raise UsageError(message, hint=f"see: {self.prog} --help")


def build_parser() -> argparse.ArgumentParser:
    """All verbs and flags; manual page and completion are made from it."""
    parser = _Parser(
        prog="aptfreeze",
        description="Freeze the apt repositories of an image build: reproducible, verified,\narchived, described.",
        epilog="An image that can be built again, byte for byte, also without the network:\n\n"
        "  aptfreeze run -- mmdebstrap --variant=minbase bookworm image.tar\n"
        "  git add aptfreeze.lock\n\n"
        '"aptfreeze VERB --help" tells more of each.\n\n'
        "Exit status: 0; 1 a bug, or this machine; 2 usage or input; 3 incomplete or\n"
        "damaged; 4 mirrors; 130 interrupted. That of run: see there.",
    )
    parser.add_argument("--version", action="version", version=f"aptfreeze {__version__}")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    for add in (_add_run, _add_serve, _add_init, _add_status, _add_packages, _add_config):
        add(verbs)
    return parser


def _add_verb(verbs: Any, name: str, run_verb: _Verb, help: str, description: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = verbs.add_parser(name, help=help, description=description)
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
    parser.add_argument(
        "--access-log", metavar="FILE", help="append a line for each answer: time, method, target, status, bytes"
    )


def _add_json_flag(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print data instead of text")


def _add_run(verbs: Any) -> None:
    parser = _add_verb(
        verbs,
        "run",
        _run,
        "run a command behind a proxy that freezes what it fetches",
        "Run COMMAND with http_proxy and the rest that apt, debootstrap and mmdebstrap\n"
        "need, so that every apt repository it uses is frozen to the state in\n"
        "aptfreeze.lock. A suite never asked before is pinned; a summary ends the run.\n\n"
        "  aptfreeze run -- mmdebstrap --variant=minbase bookworm image.tar\n"
        "  aptfreeze run --locked --offline --json used.json -- ./build.sh\n\n"
        "Exit status: COMMAND's; 128+n if signal n ended it; 126, 127 if it cannot be\n"
        "executed or found; 125 for aptfreeze's own failures and verdicts, whatever\n"
        "COMMAND ended with.",
    )
    parser.usage = "aptfreeze run [FLAG...] -- COMMAND [ARG...]"
    _add_freezing_flags(parser)
    parser.add_argument("--json", metavar="FILE", help="write the summary as data to FILE")
    parser.add_argument("command", nargs=argparse.REMAINDER, metavar="-- COMMAND [ARG...]", help="what to run")


def _add_serve(verbs: Any) -> None:
    parser = _add_verb(
        verbs,
        "serve",
        _serve,
        "the same proxy for one environment, in the foreground",
        "Serve one environment as an HTTP proxy until SIGTERM or SIGINT.\n\n"
        "  aptfreeze serve --listen 127.0.0.1:3142 &\n"
        "  http_proxy=http://127.0.0.1:3142 apt-get update",
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
        "Make aptfreeze.lock with a generation id and no pins, if there is none; run and\n"
        "serve do it by themselves.\n\n  aptfreeze init --env images/product",
    )


def _add_status(verbs: Any) -> None:
    parser = _add_verb(
        verbs,
        "status",
        _show_status,
        "this environment: pins, their age, what is archived",
        "Show generation, state digest and pins with their age, and what the archive\n"
        "holds of what was used.\n\n  aptfreeze status --json | jq -r .state",
    )
    _add_json_flag(parser)


def _add_packages(verbs: Any) -> None:
    parser = _add_verb(
        verbs,
        "packages",
        _packages,
        "what the runs of this generation were really served",
        "Print every package file served, sorted, a line for each: name, version,\n"
        "architecture, sha256, size in bytes, repository, suite.\n\n"
        "  aptfreeze packages | cut -d' ' -f1,2",
    )
    _add_json_flag(parser)


def _add_config(verbs: Any) -> None:
    parser = _add_verb(
        verbs,
        "config",
        _config,
        "every setting, its value and where it came from",
        "Print every setting with its value and its origin: flag, variable, aptfreeze.toml\n"
        "or default.\n\n  APTFREEZE_OFFLINE=1 aptfreeze config",
    )
    _add_json_flag(parser)


# --- verbs -----------------------------------------------------------------------------------------------------------


def _run(options: argparse.Namespace, opened: Opened, talk: Talk) -> int:
    from aptfreeze.verbs import run

    command = options.command[1:] if options.command[:1] == ["--"] else options.command
    if not command:
        raise UsageError("run needs a command", hint="aptfreeze run -- COMMAND [ARG...]")
    json_file = None if options.json is None else Path(options.json)
    run.check(command, os.environ, json_file)
    access_log = None if options.access_log is None else Path(options.access_log)
    summary = asyncio.run(
        run.run(opened, command, os.environ, tell=talk.tell, progress=talk.progress, access_log=access_log)
    )
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
        opened, address, ready_file=ready_file, watched=options.watch_pid, tell=talk.tell, access_log=access_log
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


# --- printing --------------------------------------------------------------------------------------------------------


def _print(found: Mapping[str, Any] | Iterable[str]) -> None:
    """Data to stdout; UsageError if they cannot be written, but not if their reader has seen enough, as `head`."""
    text = json.dumps(found, indent=2) + "\n" if isinstance(found, Mapping) else "".join(f"{line}\n" for line in found)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a path need not be text
    try:
        print(text, end="", flush=True)
    except BrokenPipeError:
        sys.stdout = None  # or Python tries to flush it at its end, fails, and exits with 120
    except OSError as error:
        sys.stdout = None
        raise UsageError(f"cannot write to stdout: {error.strerror}", hint="make room, or name another file") from error
