# SPDX-License-Identifier: MIT
"""What `doctor` finds about a build before it runs."""

from enum import StrEnum

from aptfreeze.launch.notice import Notice
from aptfreeze.values import immutable


class Level(StrEnum):
    """How much it matters; the first is the worst."""

    PROBLEM = "problem"
    """`run` would fail, or something would not be frozen, and `run` can do nothing about it."""
    WARNING = "warning"
    """It may be so; the finding says when."""
    NOTE = "note"
    """`run` does something about it by itself, or it matters only for what not everybody uses."""
    OK = "ok"


@immutable
class Finding:
    level: Level
    what: str
    why: str = ""
    """Why it matters, and what `run` does about it."""
    fix: str = ""
    """A command or a setting; empty where nothing has to be done."""

    @classmethod
    def of(cls, notice: Notice, level: Level, why: str = "") -> "Finding":
        """What `run` would tell as a remark."""
        return cls(level, notice.message, why, notice.hint or "")
