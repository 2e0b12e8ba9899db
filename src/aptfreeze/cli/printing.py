# SPDX-License-Identifier: MIT
"""Data to stdout; talk goes to stderr and is `describe.talk`."""

import io
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import chain
from typing import Any, TextIO

from aptfreeze.describe.talk import harmless
from aptfreeze.errors import UsageError


def print_data(found: Mapping[str, Any] | Iterable[str]) -> None:
    """Data to stdout; UsageError if they cannot be written, but not if their reader has seen enough, as `head`."""
    # A list of 100 000 packages is written piece by piece; nothing is, before all lines of a text are known.
    if isinstance(found, Mapping):
        pieces: Iterable[str] = chain(json.JSONEncoder(indent=2).iterencode(found), "\n")
    else:
        pieces = [harmless(f"{line}\n") for line in found]
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a path need not be text
    with _to_stdout() as stdout:
        stdout.writelines(pieces)
        stdout.flush()


def print_bytes(found: bytes) -> None:
    """The same for data that are no text."""
    with _to_stdout() as stdout:
        stdout.buffer.write(found)
        stdout.buffer.flush()


@contextmanager
def _to_stdout() -> Iterator[TextIO]:
    if sys.stdout is None:  # `>&-`
        raise UsageError("cannot write to stdout: it is closed", hint="name a file: > FILE")
    try:
        yield sys.stdout
    except BrokenPipeError:
        sys.stdout = None  # or Python tries to flush it at its end, fails, and exits with 120
    except OSError as error:
        sys.stdout = None
        raise UsageError(f"cannot write to stdout: {error.strerror}", hint="make room, or name another file") from error
