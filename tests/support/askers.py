# SPDX-License-Identifier: MIT
"""On whose behalf something is fetched."""

from dataclasses import dataclass

from aptfreeze.fetch.priority import Priority


@dataclass(slots=True)
class Asking:
    """An `Asker` whose priority a test sets."""

    priority: Priority = Priority.DEMANDED
