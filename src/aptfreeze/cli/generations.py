# SPDX-License-Identifier: MIT
"""Verbs that move an environment from one generation to another: update, rollback, reset, and log, which tells it."""

import argparse
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from aptfreeze.cli.printing import print_data
from aptfreeze.cli.verb import Verb, add_json_flag, add_locked_flag
from aptfreeze.describe.talk import Talk
from aptfreeze.environment.opened import Opened
from aptfreeze.errors import UsageError
from aptfreeze.freeze.generation import Generation


def _update_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "suite", nargs="*", metavar="SUITE", help='which: bookworm, "host/path suite", host/path; default: all'
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="change nothing; exit status 10 if there is something new"
    )
    parser.add_argument(
        "--date", metavar="DATE", help="the states of that day (00:00 UTC) or time, from the snapshot service"
    )
    parser.add_argument("--changelog", action="store_true", help="tell what is new in the changelogs of used packages")
    parser.add_argument("--accept-codename", action="store_true", help="move on when a suite became another release")
    parser.add_argument("--accept-signer", action="store_true", help="take a state that only other keys have signed")
    add_locked_flag(parser)
    add_json_flag(parser)


def _update(options: argparse.Namespace, opened: Opened, talk: Talk) -> int:
    from aptfreeze.environment.continuity import Accepted
    from aptfreeze.environment.moments import moment
    from aptfreeze.verbs import update

    at = None if options.date is None else moment(options.date, datetime.now(UTC))
    accepted = Accepted(options.accept_codename, options.accept_signer, older=at is not None)
    wishes = update.Wishes(tuple(options.suite), options.dry_run, at, options.changelog, accepted)
    found = update.update(opened, wishes, talk.tell, talk.show if talk.shows_progress else None)
    _print_outcome(update.data(found) if options.json else update.lines(found), talk, update.outcome(found))
    return update.exit_status(found)


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

    outcome = f"generation {after.id} is {'still ' if before.id == after.id else ''}current"
    if options.json:
        _print_outcome(moves.data(before, after), talk, outcome)
        return
    for line in moves.lines(before, after):
        talk.tell(line)
    talk.tell(outcome)


def _print_outcome(found: Mapping[str, Any] | Iterable[str], talk: Talk, outcome: str) -> None:
    """Data to stdout. Who cannot have them must not believe that nothing was moved."""
    try:
        print_data(found)
    except UsageError:
        talk.tell(outcome)
        raise


def _log(options: argparse.Namespace, opened: Opened, talk: Talk) -> int:
    from aptfreeze.verbs import log

    found = log.entries(opened)
    print_data(log.data(found) if options.json else log.lines(found))
    return 0


VERBS = (
    Verb(
        "update",
        "move to the newest states, all of them verified, or none",
        "Move all pinned suites, or the named ones, to their newest state: a new\n"
        "generation. What that means for the packages used here is told first.\n\n"
        "  aptfreeze update --dry-run\n"
        "  aptfreeze update bookworm-security\n"
        "  aptfreeze update --date 2026-11-01\n\n"
        "Exit status 10: --dry-run, and there is something new.",
        _update_flags,
        _update,
    ),
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
        "what was current when, by which command, and what moved",
        "Print which generations were current here, the newest first: since when, by\n"
        "which command, and what it moved.\n\n  aptfreeze log | head",
        add_json_flag,
        _log,
    ),
)
