# SPDX-License-Identifier: MIT
"""What is told to a person on stderr, while data goes to stdout.

Rule 1: each line for good begins with the program's name, so that it can be told from COMMAND's own output.
Rule 2: progress is one line that renews itself on a terminal, and elsewhere only the first of its lines.
Rule 3: talk that cannot be told (stderr is closed, its reader is gone, its disk is full) changes nothing else: no
status, no other output. It is given up at the first failure.
"""

import logging
from typing import TextIO

_PREFIX = "aptfreeze: "
_CLEAR = "\r\x1b[K"
"""ECMA-48: to the first column, erase to the end of the line."""


class Talk:
    """Mutable state: the stream, None once it is of no use; whether a line of progress is the last thing on it."""

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream
        self._in_progress = False

    def __repr__(self) -> str:
        return f"<Talk {'given up' if self._stream is None else self._stream.name}>"

    @property
    def is_given_up(self) -> bool:
        return self._stream is None

    def tell(self, text: str) -> None:
        """Lines for good."""
        ended = _CLEAR if self._in_progress and self._is_terminal() else ""
        self._in_progress = False
        self._write(ended + "".join(f"{_PREFIX}{line}\n" for line in text.splitlines()))

    def progress(self, text: str) -> None:
        """One line that the next one, of either kind, replaces."""
        if self._is_terminal():
            self._write(f"{_CLEAR}{_PREFIX}{text}")
        elif not self._in_progress:
            self._write(f"{_PREFIX}{text}\n")
        self._in_progress = True

    def _is_terminal(self) -> bool:
        return self._stream is not None and self._stream.isatty()

    def _write(self, text: str) -> None:
        if self._stream is None:
            return
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError):  # ValueError: the stream was closed
            self._stream = None


class TalkHandler(logging.Handler):
    """Log records as talk."""

    def __init__(self, talk: Talk, level: int = logging.WARNING) -> None:
        super().__init__(level)
        self._talk = talk

    def emit(self, record: logging.LogRecord) -> None:
        self._talk.tell(self.format(record))
