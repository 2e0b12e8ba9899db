# SPDX-License-Identifier: MIT
"""Verbs that bring into the archive what a build will need: fetch, pin."""

import argparse

from aptfreeze.cli.printing import print_data
from aptfreeze.cli.verb import Verb, add_json_flag, add_locked_flag, add_offline_flag
from aptfreeze.describe.talk import Talk
from aptfreeze.environment.opened import Opened


def _fetch_flags(parser: argparse.ArgumentParser) -> None:
    scope = parser.add_mutually_exclusive_group()
    scope.add_argument("--used", action="store_true", help="what runs of this generation were served (default)")
    scope.add_argument("--all", action="store_true", help="every package file that the indexes in use list")
    parser.add_argument("--sources", action="store_true", help="the source packages of these files, too")
    add_offline_flag(parser)
    add_json_flag(parser)


def _fetch(options: argparse.Namespace, opened: Opened, talk: Talk) -> int:
    from aptfreeze.describe.extent import Wish
    from aptfreeze.verbs import fetch

    wish = Wish(is_all=options.all, with_sources=options.sources)
    show = talk.show if talk.shows_progress else None
    fetched = fetch.fetch(opened, wish, tell=talk.tell, show=show)
    print_data(fetched.data() if options.json else fetched.lines())
    return fetched.exit_status


def _pin_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("url", metavar="URL", help="of a single file: http or https")
    add_locked_flag(parser)
    add_offline_flag(parser)
    add_json_flag(parser)


def _pin(options: argparse.Namespace, opened: Opened, talk: Talk) -> int:
    from aptfreeze.verbs import pin

    pinned = pin.pin(opened, options.url, talk.show if talk.shows_progress else None)
    print_data(pinned.data() if options.json else pinned.lines())
    return 0


VERBS = (
    Verb(
        "fetch",
        "make the archive complete for this generation",
        "Fetch what the archive lacks of the current generation: pinned files, indexes,\n"
        "Sources indexes, and the package files that runs were served, or all of them.\n"
        "What cannot be had is named. With --offline, it only tells what is missing.\n\n"
        "  aptfreeze fetch\n"
        "  aptfreeze fetch --all --sources\n\n"
        "Exit status: 0 complete; 3 something is not to be had anywhere; 4 a mirror failed.",
        _fetch_flags,
        _fetch,
    ),
    Verb(
        "pin",
        "freeze a single file by its URL",
        "Fetch a file that belongs to no suite, keep it, and write its hash into\n"
        "aptfreeze.lock: every client that asks for it gets these bytes from now on. One\n"
        "that is pinned stays as it is; reset URL forgets it.\n\n"
        "  aptfreeze pin http://www.example.org/files/tool-1.0.tar.gz",
        _pin_flags,
        _pin,
    ),
)
