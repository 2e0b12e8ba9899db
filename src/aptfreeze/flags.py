# SPDX-License-Identifier: MIT
"""All verbs and flags of the command; manual page and completion are made from them.

Rule: a flag that has a variable too defaults to None, "not given", so that it does not hide the variable.
"""

import argparse
from typing import Any, NoReturn

from aptfreeze import __version__
from aptfreeze.errors import UsageError


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


def _add_verb(verbs: Any, name: str, help: str, description: str) -> argparse.ArgumentParser:
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
        "make a lock file with an id and no pins",
        "Make aptfreeze.lock with a generation id and no pins, if there is none; run and\n"
        "serve do it by themselves.\n\n  aptfreeze init --env images/product",
    )


def _add_status(verbs: Any) -> None:
    parser = _add_verb(
        verbs,
        "status",
        "this environment: pins, their age, what is archived",
        "Show generation, state digest and pins with their age, and what the archive\n"
        "holds of what was used.\n\n  aptfreeze status --json | jq -r .state",
    )
    _add_json_flag(parser)


def _add_packages(verbs: Any) -> None:
    parser = _add_verb(
        verbs,
        "packages",
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
        "every setting, its value and where it came from",
        "Print every setting with its value and its origin: flag, variable, aptfreeze.toml\n"
        "or default.\n\n  APTFREEZE_OFFLINE=1 aptfreeze config",
    )
    _add_json_flag(parser)
