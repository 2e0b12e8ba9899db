# SPDX-License-Identifier: MIT
"""Whether a line that renews itself can be drawn on the terminal, and how wide it may be.

Rule 1: only where a person sees it: a terminal that can erase a line, and not a CI job's, which keeps it as a log.
Rule 2: only while it is in nobody's way: the terminal belongs to its foreground job.
Rule 3: never wait for the terminal: one that takes nothing now (Ctrl-S, an ssh connection that hangs) is left alone, or
all that is served would stop with it.
"""

import os
import select
from collections.abc import Callable, Mapping
from functools import partial
from typing import TextIO

_COLUMNS = 80
"""Of a terminal that does not tell."""


def room_on(stream: TextIO, environ: Mapping[str, str]) -> Callable[[], int] | None:
    """What tells how many columns a line may have now, 0 for none; None if there never is one on this stream."""
    if not stream.isatty() or environ.get("TERM", "") in ("", "dumb") or environ.get("CI"):
        return None
    return partial(_room, stream.fileno())


def _room(terminal: int) -> int:
    try:
        if os.tcgetpgrp(terminal) != os.getpgrp() or not _takes_output(terminal):
            return 0
        columns = os.get_terminal_size(terminal).columns
    except OSError:  # it is gone, or it is not the terminal of our session
        return 0
    return (columns or _COLUMNS) - 1  # with the last one, some terminals begin the next line


def _takes_output(terminal: int) -> bool:
    """Whether it takes a short text without waiting."""
    return bool(select.select([], [terminal], [], 0)[1])
