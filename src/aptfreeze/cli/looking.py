# SPDX-License-Identifier: MIT
"""Verbs that look at an environment and change nothing: status, which, config, doctor."""

import argparse
import os
from datetime import UTC, datetime
from pathlib import Path

from aptfreeze.cli.printing import print_data
from aptfreeze.cli.verb import Verb, add_json_flag, add_locked_flag, add_offline_flag
from aptfreeze.describe.talk import Talk
from aptfreeze.environment.opened import Opened
from aptfreeze.errors import UsageError


def _status_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--check",
        action="store_true",
        help="see whether all that was used is still held, where else it is, and what expires when",
    )
    parser.add_argument("--hash", action="store_true", help="with --check: read every byte of what is held, too")
    add_offline_flag(parser)
    add_json_flag(parser)


def _show_status(options: argparse.Namespace, opened: Opened, talk: Talk) -> int:
    from aptfreeze.verbs import status

    if options.hash and not options.check:
        raise UsageError("--hash belongs to --check", hint="aptfreeze status --check --hash")
    now = datetime.now(UTC)
    found = status.status(opened, now)
    if not options.check:
        print_data(status.data(found) if options.json else status.lines(found))
        return 0
    from aptfreeze.verbs import check

    rot = check.check(opened, now, is_hashed=options.hash, show=talk.show if talk.shows_progress else None)
    print_data(
        {**status.data(found), "check": rot.data()} if options.json else [*status.lines(found), "", *rot.lines()]
    )
    return rot.exit_status


def _which_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "word",
        metavar="FILE|HASH|PACKAGE",
        help="a file on this machine; a hash in hex; a URL or pool path; NAME, NAME=VERSION or NAME:ARCHITECTURE",
    )
    add_json_flag(parser)


def _which(options: argparse.Namespace, opened: Opened, talk: Talk) -> int:
    from aptfreeze.verbs import which

    found = which.which(opened, options.word, Path.cwd())
    print_data(found.data() if options.json else found.lines())
    return found.exit_status


def _config(options: argparse.Namespace, opened: Opened, talk: Talk) -> int:
    from aptfreeze.verbs import config

    print_data(config.data(opened.settings) if options.json else config.lines(opened.settings))
    return 0


def _doctor_flags(parser: argparse.ArgumentParser) -> None:
    parser.usage = "aptfreeze doctor [FLAG...] [-- COMMAND [ARG...]]"
    add_locked_flag(parser)
    add_json_flag(parser)
    parser.add_argument("command", nargs=argparse.REMAINDER, metavar="-- COMMAND [ARG...]", help="what run would run")


def _doctor(options: argparse.Namespace, opened: Opened, talk: Talk) -> int:
    from aptfreeze.verbs import doctor

    command = options.command[1:] if options.command[:1] == ["--"] else options.command
    found = doctor.examine(opened, command, os.environ, datetime.now(UTC))
    print_data(doctor.data(found) if options.json else doctor.lines(found))
    return doctor.exit_status(found)


VERBS = (
    Verb(
        "status",
        "this environment: pins, their age, what is archived",
        "Show generation, state digest and pins with their age, and what the archive\n"
        "holds of what was used. With --check, also whether mirrors still have it, what\n"
        "the signatures are worth today, and when keys and Valid-Until expire.\n\n"
        "  aptfreeze status --json | jq -r .state\n"
        "  aptfreeze status --check --hash\n\n"
        "Exit status with --check: 3 if something that was used is held nowhere.",
        _status_flags,
        _show_status,
    ),
    Verb(
        "which",
        "what of this generation is a file, a hash or a package",
        "Tell where a package, or the bytes of a file, stand in the current generation:\n"
        "suite, index, version, source package, size, whether they are archived, and\n"
        "which sessions were served them.\n\n"
        "  aptfreeze which bash\n"
        "  aptfreeze which ./bash_5.2.15-2+b8_amd64.deb\n"
        "  aptfreeze which sha256:2c26b46b68ffc68ff99b453c1d304134...\n\n"
        "Exit status: 3 if it is nothing of this generation.",
        _which_flags,
        _which,
    ),
    Verb(
        "config",
        "every setting, its value and where it came from",
        "Print every setting with its value and its origin: flag, variable, aptfreeze.toml\n"
        "or default.\n\n  APTFREEZE_OFFLINE=1 aptfreeze config",
        add_json_flag,
        _config,
    ),
    Verb(
        "doctor",
        "what would bypass or break the freezing of a build",
        "Look at a build command, its variables, apt's configuration and sources, the\n"
        "lock file, the archive and this machine, and tell what would not be frozen or\n"
        "would fail, what run does about it, and how to fix the rest. Nothing is run,\n"
        "nothing is fetched.\n\n"
        "  aptfreeze doctor -- ./build.sh\n"
        "  aptfreeze doctor --locked --json -- mmdebstrap bookworm image.tar\n\n"
        "Exit status: 3 if there is a problem that run cannot help.",
        _doctor_flags,
        _doctor,
    ),
)
