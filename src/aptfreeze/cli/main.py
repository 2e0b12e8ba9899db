# SPDX-License-Identifier: MIT
"""One command, from its words to its exit status.

Rule 1: stdout is data, stderr is talk.
Rule 2: only here the process's exit status is decided; docs/reference/exit-codes.md has the table.
Rule 3: what only one verb needs is imported by its function: the start counts in every build step.
"""

import argparse
import logging
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from aptfreeze import __version__
from aptfreeze.cli.parser import VERBS, build_parser
from aptfreeze.describe.talk import Talk, TalkHandler
from aptfreeze.environment.config import Surroundings
from aptfreeze.environment.opened import open_environment
from aptfreeze.errors import BUG, CANCELLED, OWN_FAILURE_OF_RUN, AptfreezeError, UsageError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    talk = Talk(sys.stderr, _room_for_progress())
    logging.basicConfig(handlers=[TalkHandler(talk)], format="%(message)s")
    try:
        return _status(words, talk)
    finally:
        if talk.is_given_up:
            sys.stderr = None  # or Python tries to flush it at its end, fails, and exits with 120


def _status(words: Sequence[str], talk: Talk) -> int:
    is_run = words[:1] == ["run"]
    try:
        named = [verb for verb in VERBS if [verb.name] == words[:1]]  # start-up time: the others' flags take 2 ms
        options = build_parser(named or VERBS).parse_args(words)
        (verb,) = (each for each in VERBS if each.name == options.verb)
        if verb.begin is not None:
            verb.begin(options)
        opened = open_environment(_as_typed(words), _surroundings(), _flags(options))
        return verb.run(options, opened, talk)
    except AptfreezeError as error:
        talk.tell(str(error))
        return error.run_status if is_run else error.exit_code
    except KeyboardInterrupt:
        return CANCELLED
    except Exception:
        import traceback

        talk.tell(traceback.format_exc())
        talk.tell(f"this is a bug in aptfreeze {__version__}; please report it with the lines above")
        return OWN_FAILURE_OF_RUN if is_run else BUG


def _room_for_progress() -> Callable[[], int] | None:
    if sys.stderr is None or not sys.stderr.isatty():
        return None
    from aptfreeze.describe.terminal import room_on

    return room_on(sys.stderr, os.environ)


def _as_typed(words: Sequence[str]) -> str:
    import shlex

    return shlex.join(["aptfreeze", *words])


def _surroundings() -> Surroundings:
    try:
        return Surroundings(os.environ, Path.cwd())
    except OSError as error:
        raise UsageError(f"the current folder is gone: {error.strerror}", hint="cd to one that exists") from error


def _flags(options: argparse.Namespace) -> dict[str, Any]:
    """By row key of `rows.ROWS`; None: not given."""
    keys = {"env": "env", "archive": "archive.path", "locked": "locked", "offline": "offline"}
    return {key: getattr(options, name, None) for name, key in keys.items()}
