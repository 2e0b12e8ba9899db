# SPDX-License-Identifier: MIT
"""What a verb is to the command line, and the flags that several verbs have.

Rule: a flag that has a variable too defaults to None, "not given", so that it does not hide the variable.
"""

import argparse
from collections.abc import Callable

from aptfreeze.describe.talk import Talk
from aptfreeze.environment.opened import Opened
from aptfreeze.values import immutable


@immutable
class Verb:
    name: str
    help: str
    """A line, for the list of all verbs."""
    description: str
    """With an example."""
    add_flags: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace, Opened, Talk], int]
    """Does it; the exit status."""
    begin: Callable[[argparse.Namespace], None] | None = None
    """What comes before the environment is opened, in one thread; AptfreezeError if it cannot be."""


def add_locked_flag(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--locked",
        action="store_true",
        default=None,
        help="never write the lock file: a suite that is not in it fails (APTFREEZE_LOCKED=1)",
    )


def add_offline_flag(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--offline",
        action="store_true",
        default=None,
        help="no network at all: what the archive lacks fails with its name (APTFREEZE_OFFLINE=1)",
    )


def add_json_flag(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print data instead of text")
