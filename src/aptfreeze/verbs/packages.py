# SPDX-License-Identifier: MIT
"""`aptfreeze packages`: what the runs of this generation were really served."""

from aptfreeze.environment import records
from aptfreeze.environment.opened import Opened
from aptfreeze.environment.records import ServedPackage
from aptfreeze.errors import IntegrityError


def served(opened: Opened) -> tuple[ServedPackage, ...]:
    """The package files of all sessions; IntegrityError if no run of this generation was recorded."""
    generation = opened.store.load()
    usage = records.load(opened.environment.records, generation.id)
    if not usage.sessions:
        raise IntegrityError(
            f"no run of generation {generation.id} is recorded in {opened.environment.records}",
            hint="run the build once: aptfreeze run -- COMMAND; records belong to the checkout and are not in git",
        )
    return usage.packages
