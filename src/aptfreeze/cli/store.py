# SPDX-License-Identifier: MIT
"""Verbs that look after the archive as a whole: fsck, gc, stats."""

import argparse
import time
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


def _gc_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dry-run", action="store_true", help="only say what would be removed")
    parser.add_argument(
        "--keep",
        metavar="STATE",
        action="append",
        default=[],
        help="keep what this state needs, too: a lock file, a git revision that has one, a generation; may be repeated",
    )
    parser.add_argument(
        "--keep-generations",
        metavar="N",
        type=int,
        help="the latest N generations of each environment ([gc] keep_generations, 5)",
    )
    parser.add_argument(
        "--keep-environments",
        metavar="DAYS",
        type=int,
        help="forget an environment whose folder was not seen for so long ([gc] keep_environments_days, 30)",
    )
    add_json_flag(parser)


def _gc(options: argparse.Namespace, opened: Opened, talk: Talk) -> int:
    from aptfreeze.verbs import gc

    settings = gc.chosen(opened.settings.gc, options.keep_generations, options.keep_environments)
    wish = gc.Wish(settings, options.dry_run, tuple(options.keep), with_items=options.json)
    found = gc.gc(opened, wish, show=talk.show if talk.shows_progress else None)
    print_data(found.data() if options.json else found.lines())
    return 0


def _stats(options: argparse.Namespace, opened: Opened, talk: Talk) -> int:
    from aptfreeze.verbs import stats

    found = stats.stats(opened, time.time())
    print_data(found.data() if options.json else found.lines())
    return 0


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
    Verb(
        "gc",
        "remove from the archive what nobody needs",
        "Remove what no environment that the archive knows needs, with the latest of its\n"
        "generations, and no state that is named. Builds may go on meanwhile: what they\n"
        "look for is not removed. An environment is known from the first command in it;\n"
        "one whose folder has not been seen for 30 days is forgotten.\n\n"
        "  aptfreeze gc --dry-run\n"
        "  aptfreeze gc --keep v1.0 --keep v1.1 --keep-generations 3\n\n"
        "Exit status: 3 if it cannot be told what somebody needs; nothing is removed then.",
        _gc_flags,
        _gc,
    ),
    Verb(
        "stats",
        "how large the archive is, who needs it, what runs fetched",
        "Tell what the archive consists of, how it has grown, and how much of it each\n"
        "environment needs alone and together with others; and how much the runs of this\n"
        "environment got from the archive and from mirrors.\n\n"
        "  aptfreeze stats\n"
        "  aptfreeze stats --json | jq .totals.hit_ratio",
        add_json_flag,
        _stats,
    ),
)
