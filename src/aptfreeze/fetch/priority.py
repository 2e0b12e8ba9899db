# SPDX-License-Identifier: MIT
"""Who goes first when several files are fetched."""

from enum import IntEnum
from typing import Protocol


class Priority(IntEnum):
    """Lower is earlier."""

    DEMANDED = 0
    """A client waits for it."""
    PREFETCHED = 1
    SOURCES = 2


class Asker(Protocol):
    """On whose behalf a request is made; its priority may rise while it waits."""

    @property
    def priority(self) -> Priority: ...
