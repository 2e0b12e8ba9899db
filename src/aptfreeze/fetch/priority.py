# SPDX-License-Identifier: MIT
"""Who goes first when several files are fetched."""

from enum import IntEnum
from typing import Protocol


class Priority(IntEnum):
    """Lower is earlier."""

    DEMANDED = 0
    """A client waits for it."""
    PREFETCHED = 1
    """A client is expected to ask for it soon."""
    SOURCES = 2
    FORGONE = 3
    """Nobody wants it any more: what no mirror has been asked for yet is dropped (ForgoneError)."""


class Asker(Protocol):
    """On whose behalf a request is made; its priority may rise while it waits."""

    @property
    def priority(self) -> Priority: ...
