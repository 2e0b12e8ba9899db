# SPDX-License-Identifier: MIT
"""Verbs that move an environment from one generation to another: rollback, reset, and log, which tells it."""

import argparse

from aptfreeze.cli.printing import print_data
from aptfreeze.cli.verb import Verb, add_json_flag, add_locked_flag
from aptfreeze.describe.talk import Talk
from aptfreeze.environment.opened import Opened
from aptfreeze.freeze.generation import Generation


def _rollback_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "state",
        nargs="?",
        metavar="GENERATION|FILE|REVISION",
        help="a generation's id or its beginning, a lock file, or a revision of git; default: the one made before",
    )
    add_locked_flag(parser)
    add_json_flag(parser)


def _rollback(options: argparse.Namespace, opened: Opened, talk: Talk) -> int:
    from aptfreeze.verbs import rollback

    before, after = rollback.rollback(opened, options.state)
    _tell_moved(options, talk, before, after)
    return 0


def _reset_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "suite", nargs="*", metavar="SUITE", help='which: bookworm, "host/path suite", host/path; default: all'
    )
    add_locked_flag(parser)
    add_json_flag(parser)


def _reset(options: argparse.Namespace, opened: Opened, talk: Talk) -> int:
    from aptfreeze.verbs import reset

    before, after = reset.reset(opened, options.suite)
    _tell_moved(options, talk, before, after)
    return 0


def _tell_moved(options: argparse.Namespace, talk: Talk, before: Generation, after: Generation) -> None:
    from aptfreeze.describe import moves

    if options.json:
        print_data(moves.data(before, after))
        return
    for line in moves.lines(before, after):
        talk.tell(line)
    same = "still " if before.id == after.id else ""
    talk.tell(f"generation {after.id} is {same}current")


def _log(options: argparse.Namespace, opened: Opened, talk: Talk) -> int:
    from aptfreeze.verbs import log

    found = log.entries(opened)
    print_data(log.data(found) if options.json else log.lines(found))
    return 0


VERBS = (
    Verb(
        "rollback",
        "make an earlier generation current again",
        "Make an earlier generation current again, with its id. Suites that it never had\n"
        "stay as they are.\n\n  aptfreeze rollback\n  aptfreeze rollback v1.2",
        _rollback_flags,
        _rollback,
    ),
    Verb(
        "reset",
        "forget the pins: the next build pins anew",
        "Forget all pins, or those of the named suites: the next build pins what it\n"
        "asks for in its state of then. update does the same at once, and tells more.\n\n"
        "  aptfreeze reset bookworm-security",
        _reset_flags,
        _reset,
    ),
    Verb(
        "log",
        "the generations of this environment: when, by which command, what moved",
        "Print which generations were current here, the newest first: since when, by\n"
        "which command, and what it moved.\n\n  aptfreeze log | head",
        add_json_flag,
        _log,
    ),
)
