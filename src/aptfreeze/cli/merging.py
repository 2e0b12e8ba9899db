# SPDX-License-Identifier: MIT
"""The verb that brings lock files of two git branches together: merge."""

import argparse
from pathlib import Path

from aptfreeze.cli.printing import print_data
from aptfreeze.cli.verb import Verb, add_json_flag, add_locked_flag
from aptfreeze.describe.talk import Talk
from aptfreeze.environment.opened import Opened
from aptfreeze.errors import UsageError


def _merge_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "files",
        nargs="*",
        metavar="BASE OURS THEIRS",
        help="as git's merge driver: merge these three into OURS; default: the environment's lock file",
    )
    side = parser.add_mutually_exclusive_group()
    side.add_argument("--ours", dest="side", action="store_const", const="ours", help="conflicts: take our side")
    side.add_argument("--theirs", dest="side", action="store_const", const="theirs", help="conflicts: take their side")
    parser.add_argument("--install", action="store_true", help="make git merge lock files by key in this repository")
    add_locked_flag(parser)
    add_json_flag(parser)


def _merge(options: argparse.Namespace, opened: Opened, talk: Talk) -> int:
    if options.install:
        return _install(options, opened, talk)
    if len(options.files) not in (0, 3):
        raise UsageError(
            f"merge takes no file or three, not {len(options.files)}", hint="aptfreeze merge BASE OURS THEIRS"
        )
    from aptfreeze.describe import merges
    from aptfreeze.freeze.merge import Conflicted, Side
    from aptfreeze.verbs import merge

    choice = None if options.side is None else Side(options.side)
    if options.files:
        base, ours, theirs = map(Path, options.files)
        outcome = merge.merge_files(opened, base, ours, theirs, choice)
    else:
        outcome = merge.resolve(opened, choice)
    if options.json:
        print_data(merges.data(outcome))
    for line in merges.lines(outcome):
        talk.tell(line)
    if isinstance(outcome.result, Conflicted):
        raise merge.refusal(outcome)
    return 0


def _install(options: argparse.Namespace, opened: Opened, talk: Talk) -> int:
    if options.files or options.side:
        raise UsageError("merge --install takes no files and no side", hint="run it alone: aptfreeze merge --install")
    from aptfreeze.verbs import merge

    installed = merge.install(opened)
    if options.json:
        print_data(installed.data())
        return 0
    for line in installed.lines():
        talk.tell(line)
    return 0


VERBS = (
    Verb(
        "merge",
        "merge lock files of two git branches by key",
        "Resolve the conflict markers that git left in aptfreeze.lock: what each branch\n"
        "added, moved or removed holds. What both moved differently is a conflict, until\n"
        "--ours or --theirs decides. With --install, git does so by itself from then on.\n\n"
        "  aptfreeze merge && git add aptfreeze.lock\n"
        "  aptfreeze merge --install",
        _merge_flags,
        _merge,
    ),
)
