# SPDX-License-Identifier: MIT
"""A pseudo terminal with a command as its foreground job, and what a person sees on it."""

import os
import re
import subprocess
import termios
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

_LIMIT_S = 30.0
"""How long a test waits for what must happen; only a failing test waits so long."""
_TOKEN = re.compile(r"\r|\n|\x1b\[K|[^\r\n\x1b]+")

_BEGUN = re.compile(r"\x1b\[?\Z")
"""An escape whose end has not come yet."""


class Terminal:
    """Killed when the context is left, if it still runs then; `stdout` is not on the terminal, if it is given."""

    def __init__(
        self, command: Sequence[str], *, env: Mapping[str, str], cwd: Path, columns: int = 80, stdout: int | None = None
    ) -> None:
        self._keys, screen = os.openpty()
        termios.tcsetwinsize(screen, (24, columns))
        self.process = subprocess.Popen(
            ["setsid", "--ctty", *command],
            env={"TERM": "xterm", **env}, cwd=cwd, stdin=screen, stdout=stdout or screen, stderr=screen,
        )  # fmt: skip
        os.close(screen)
        self._output = ""
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        self._reader.join(_LIMIT_S)
        os.close(self._keys)

    @property
    def output(self) -> str:
        """All that came, escapes included."""
        with self._changed:
            return self._output

    @property
    def rows(self) -> list[str]:
        """What is to be seen; ValueError for an escape that is none of those that aptfreeze uses."""
        return rows_of(_BEGUN.sub("", self.output) if self._reader.is_alive() else self.output)

    def press(self, keys: bytes) -> None:
        os.write(self._keys, keys)

    def wait_for(self, text: str) -> None:
        """Until it has come; AssertionError if it does not."""
        with self._changed:
            came = self._changed.wait_for(lambda: text in self._output, _LIMIT_S)
        assert came, f"{text!r} did not come, but: {self.output!r}"

    def ended(self) -> int:
        """Waits for its end; the exit status. `output` is whole then."""
        status = self.process.wait(_LIMIT_S)
        self._reader.join(_LIMIT_S)
        return status

    def _read(self) -> None:
        try:
            while data := os.read(self._keys, 4096):
                with self._changed:
                    self._output += data.decode()
                    self._changed.notify_all()
        except OSError:  # EIO: nobody has the terminal open any more
            return


def rows_of(output: str) -> list[str]:
    """What a terminal shows of it, the row of the cursor last."""
    rows, column = [""], 0
    while output:
        token = _TOKEN.match(output)
        if token is None:
            raise ValueError(f"an escape that aptfreeze does not use: {output[:10]!r}")
        output = output[token.end() :]
        match token[0]:
            case "\r":
                column = 0
            case "\n":
                rows.append("")
                column = 0  # it is told \r\n, or will be
            case "\x1b[K":
                rows[-1] = rows[-1][:column]
            case text:
                rows[-1] = rows[-1][:column].ljust(column) + text + rows[-1][column + len(text) :]
                column += len(text)
    return rows
