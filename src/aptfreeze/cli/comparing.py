# SPDX-License-Identifier: MIT
"""Verbs that compare two states: diff."""

import argparse

from aptfreeze.cli.printing import print_data
from aptfreeze.cli.verb import Verb, add_json_flag, add_offline_flag
from aptfreeze.describe.talk import Talk
from aptfreeze.environment.opened import Opened

_STATE = "a generation's id or its first 4 or more digits, a lock file, or a revision of git"


def _diff_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "before", nargs="?", metavar="A", help=f"{_STATE} (default: the generation made before the current one)"
    )
    parser.add_argument("after", nargs="?", metavar="B", help="the same (default: the current generation)")
    parser.add_argument("--used", action="store_true", help="only packages that runs of A were served")
    add_offline_flag(parser)
    add_json_flag(parser)


def _diff(options: argparse.Namespace, opened: Opened, talk: Talk) -> int:
    from aptfreeze.verbs import diff

    found = diff.states(opened, [word for word in (options.before, options.after) if word is not None])
    show = talk.show if talk.shows_progress else None
    if options.used:
        used = diff.diff_used(opened, found, show)
        print_data(diff.used_data(found, used) if options.json else diff.used_lines(found, used))
        return 0
    suites = diff.diff(opened, found, show)
    print_data(diff.data(found, suites) if options.json else diff.lines(found, suites))
    diff.check(suites)
    return 0


VERBS = (
    Verb(
        "diff",
        "packages added, removed, upgraded, downgraded between two states",
        "Print which packages differ between two states, each a generation, a lock file\n"
        "or a revision of git: + added, - removed, ^ upgraded, v downgraded, = other\n"
        "bytes. Exit status 0 whether or not there are any.\n\n"
        "  aptfreeze diff --used\n  aptfreeze diff v1.2 HEAD | grep '^  ^ linux-image'",
        _diff_flags,
        _diff,
    ),
)
