# SPDX-License-Identifier: MIT
"""What `run` tells its user beside COMMAND's own output: a remark, never a failure.

Rule 1: a notice names the value that it is about and what aptfreeze did with it.
Rule 2: no notice holds a password; what may hold one goes through `proxies.without_password`.
"""

from aptfreeze.values import immutable


@immutable
class Notice:
    """One remark for the summary of a run."""

    message: str
    hint: str | None = None
    """The command or setting that removes the cause; None when there is nothing to do."""

    def __str__(self) -> str:
        return self.message if self.hint is None else f"{self.message}\nHint: {self.hint}"
