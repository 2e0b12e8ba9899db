# SPDX-License-Identifier: MIT
"""Verbs that look at the archive as a whole: fsck."""

import argparse
from datetime import UTC, datetime

from aptfreeze.cli.printing import print_data
from aptfreeze.cli.verb import Verb, add_json_flag, add_offline_flag
from aptfreeze.describe.talk import Talk
from aptfreeze.environment.opened import Opened


def _fsck_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--repair", action="store_true", help="fetch damaged objects again, and put away what cannot be had"
    )
    parser.add_argument("--restart", action="store_true", help="begin anew where an earlier check was interrupted")
    add_offline_flag(parser)
    add_json_flag(parser)


def _fsck(options: argparse.Namespace, opened: Opened, talk: Talk) -> int:
    from aptfreeze.verbs import fsck

    wish = fsck.Wish(is_repair=options.repair, is_restart=options.restart)
    show = talk.show if talk.shows_progress else None
    checked = fsck.fsck(opened, wish, datetime.now(UTC), tell=talk.tell, show=show)
    print_data(checked.data() if options.json else checked.lines())
    return checked.exit_status


VERBS = (
    Verb(
        "fsck",
        "is every file in the archive what its name says",
        "Read every object and look-up table of the archive, and name what is damaged,\n"
        "with the packages and environments that need it. An interrupted check is gone\n"
        "on with. With --repair, what is damaged is fetched again by its hash.\n\n"
        "  aptfreeze fsck\n"
        "  aptfreeze fsck --repair --json\n\n"
        "Exit status: 0 all is well, or was put right; 3 something is damaged.",
        _fsck_flags,
        _fsck,
    ),
)
