# SPDX-License-Identifier: MIT
"""All verbs and flags of the command; manual page and completion are made from them."""

import argparse
from collections.abc import Sequence
from typing import Any, NoReturn

from aptfreeze import __version__
from aptfreeze.cli import (
    building,
    comparing,
    generations,
    handing,
    keeping,
    looking,
    merging,
    shipping,
    store,
    trusting,
)
from aptfreeze.cli.verb import Verb
from aptfreeze.errors import UsageError

VERBS = (
    *building.VERBS,
    *generations.VERBS,
    *comparing.VERBS,
    *merging.VERBS,
    *keeping.VERBS,
    *store.VERBS,
    *shipping.VERBS,
    *handing.VERBS,
    *looking.VERBS,
    *trusting.VERBS,
)


class _Parser(argparse.ArgumentParser):
    """Tells a mistake as every other error is told; flags cannot be shortened, so that a new one breaks no script."""

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter, **options)

    def error(self, message: str) -> NoReturn:
        raise UsageError(message, hint=f"see: {self.prog} --help")


def build_parser(named: Sequence[Verb] = VERBS) -> argparse.ArgumentParser:
    """Verbs and their flags, all of them if none are named; manual page and completion are made from it."""
    parser = _Parser(
        prog="aptfreeze",
        description="Freeze the apt repositories of an image build: reproducible, verified,\narchived, described.",
        epilog="An image that can be built again, byte for byte, also without the network:\n\n"
        "  aptfreeze run -- mmdebstrap --variant=minbase bookworm image.tar\n"
        "  git add aptfreeze.lock\n\n"
        '"aptfreeze VERB --help" tells more of each.\n\n'
        "Exit status: 0; 1 a bug, or this machine; 2 usage or input; 3 incomplete or\n"
        "damaged; 4 mirrors; 10 something new (update --dry-run); 130 interrupted. That of\n"
        "run: see there.",
    )
    parser.add_argument("--version", action="version", version=f"aptfreeze {__version__}")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    for verb in named:
        _add(verbs, verb)
    return parser


def _add(verbs: Any, verb: Verb) -> None:
    parser: argparse.ArgumentParser = verbs.add_parser(verb.name, help=verb.help, description=verb.description)
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
    verb.add_flags(parser)
