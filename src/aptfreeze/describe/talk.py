# SPDX-License-Identifier: MIT
"""What is told to a person on stderr, while data goes to stdout.

Rule 1: each line for good begins with the program's name, so that it can be told from COMMAND's own output.
Rule 2: progress is one line that renews itself, and gives way to every line for good. It is drawn on a terminal only:
a log has nothing of it.
Rule 3: talk that cannot be told (stderr is closed, its reader is gone, its disk is full) changes nothing else: no
status, no other output. It is given up at the first failure.
"""

import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from aptfreeze.describe.progress import Line

_PREFIX = "aptfreeze: "
_ERASE_REST = "\x1b[K"
"""ECMA-48: erase to the end of the line."""
_ERASE = f"\r{_ERASE_REST}"


class Talk:
    """Any thread may tell something.

    Mutable state, under the lock: the stream, None once it is of no use; whether a line of progress is the last thing
    on it.
    """

    def __init__(self, stream: TextIO | None, room: Callable[[], int] | None = None) -> None:
        """`room`: how many columns a line of progress may have now, 0 for none; None: there never is one."""
        self._stream = stream
        self._room = room
        self._is_drawn = False
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"<Talk {'given up' if self._stream is None else self._stream.name}>"

    @property
    def is_given_up(self) -> bool:
        return self._stream is None

    @property
    def shows_progress(self) -> bool:
        """Whether it is worth while to call `show`."""
        return self._stream is not None and self._room is not None

    def tell(self, text: str) -> None:
        """Lines for good."""
        with self._lock:
            self._write(self._erasing() + "".join(f"{_PREFIX}{line}\n" for line in harmless(text).splitlines()))

    def show(self, line: "Line | None") -> None:
        """Draw a line of progress over the last one; None: none any more. Nothing changes if there is no room now."""
        room = 0 if self._room is None else self._room()
        if room == 0:
            return
        with self._lock:
            if line is None:
                self._write(self._erasing())
            else:
                self._is_drawn = True
                self._write(f"\r{_PREFIX}{_printable(line.fitted(room - len(_PREFIX)))}{_ERASE_REST}")

    def _erasing(self) -> str:
        erasing, self._is_drawn = _ERASE if self._is_drawn else "", False
        return erasing

    def _write(self, text: str) -> None:
        if self._stream is None or not text:
            return
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError):  # ValueError: the stream was closed
            self._stream = None


def harmless(text: str) -> str:
    """The text without what a terminal obeys: reasons of mirrors, names in certificates, and the like stand in it."""
    return text if text.isprintable() else "".join(map(_harmless, text))


def _harmless(character: str) -> str:
    is_undecodable = "\ud800" <= character <= "\udfff"  # of a file's name; the stream writes it with a backslash
    return character if character.isprintable() or character in "\n\t" or is_undecodable else "?"


def _printable(text: str) -> str:
    """Names come from the network: nothing of them may move the cursor, or be wider than a column."""
    return "".join(character if " " <= character <= "~" else "?" for character in text)


class TalkHandler(logging.Handler):
    """Log records as talk."""

    def __init__(self, talk: Talk, level: int = logging.WARNING) -> None:
        super().__init__(level)
        self._talk = talk

    def emit(self, record: logging.LogRecord) -> None:
        self._talk.tell(self.format(record))
