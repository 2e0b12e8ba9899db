# SPDX-License-Identifier: MIT
"""What `run` tells its user beside COMMAND's own output: a remark, never a failure.

Rule 1: a notice names the value that it is about and what aptfreeze did with it.
Rule 2: no notice holds a password; what may hold one goes through `without_password`.
"""

import re

from aptfreeze.values import immutable

_USER_PART = re.compile(r"^((?:[\w+.-]+://)?+[^/@:]*):.*@")


@immutable
class Notice:
    """One remark for the summary of a run."""

    message: str
    hint: str | None = None
    """The command or setting that removes the cause; None when there is nothing to do."""

    def __str__(self) -> str:
        return self.message if self.hint is None else f"{self.message}\nHint: {self.hint}"


def without_password(url: str) -> str:
    """The text of a proxy URL as it may be printed.

    >>> without_password("http://me:secret@proxy.example.org:3128/")
    'http://me:***@proxy.example.org:3128/'
    """
    return _USER_PART.sub(r"\1:***@", url)
