# SPDX-License-Identifier: MIT
"""Verbs that look at an environment and change nothing: status, packages, config."""

import argparse
from datetime import UTC, datetime

from aptfreeze.cli.printing import print_data
from aptfreeze.cli.verb import Verb, add_json_flag
from aptfreeze.describe.talk import Talk
from aptfreeze.environment.opened import Opened


def _show_status(options: argparse.Namespace, opened: Opened, talk: Talk) -> int:
    from aptfreeze.verbs import status

    found = status.status(opened, datetime.now(UTC))
    print_data(status.data(found) if options.json else status.lines(found))
    return 0


def _packages(options: argparse.Namespace, opened: Opened, talk: Talk) -> int:
    from aptfreeze.describe import packages as listing
    from aptfreeze.verbs import packages

    served = packages.served(opened)
    print_data({"packages": listing.rows(served)} if options.json else listing.lines(served))
    return 0


def _config(options: argparse.Namespace, opened: Opened, talk: Talk) -> int:
    from aptfreeze.verbs import config

    print_data(config.data(opened.settings) if options.json else config.lines(opened.settings))
    return 0


VERBS = (
    Verb(
        "status",
        "this environment: pins, their age, what is archived",
        "Show generation, state digest and pins with their age, and what the archive\n"
        "holds of what was used.\n\n  aptfreeze status --json | jq -r .state",
        add_json_flag,
        _show_status,
    ),
    Verb(
        "packages",
        "what the runs of this generation were really served",
        "Print every package file served, sorted, a line for each: name, version,\n"
        "architecture, sha256, size in bytes, repository, suite.\n\n"
        "  aptfreeze packages | cut -d' ' -f1,2",
        add_json_flag,
        _packages,
    ),
    Verb(
        "config",
        "every setting, its value and where it came from",
        "Print every setting with its value and its origin: flag, variable, aptfreeze.toml\n"
        "or default.\n\n  APTFREEZE_OFFLINE=1 aptfreeze config",
        add_json_flag,
        _config,
    ),
)
