# SPDX-License-Identifier: MIT
"""aptfreeze.toml without what belongs to one machine: paths of its own files, and passwords.

Rule 1: the text stays as people wrote it, with its comments, in which the reasons of exceptions stand. Only lines of
settings that are left out go.
Rule 2: what is given out says the same as before, but for these settings: that is verified, or it is an error.
Rule 3: a user and password in an address, wherever it stands, is given out as `***`.
"""

import re
import tomllib
from collections.abc import Iterator, Sequence
from typing import Any

from aptfreeze.errors import UsageError

OWN = (
    "archive.path",
    "resign_key",
    "policy.credentials",
    "fetch.credentials",
    "fetch.proxy",
    "tls.authority",
    "tls.ca",
    "tls.host",
)
"""Keys of settings that name private files, or files of this machine, or may hold a password."""

_HEADER = re.compile(r"\s*\[\s*([^\[\]]+?)\s*\]\s*(#.*)?")
_SETTING = re.compile(r"\s*([\w.-]+)\s*=\s*(.*)", re.DOTALL)
_PASSWORD = re.compile(r"//[^/@\s\"']*@")


def without_own(text: str, name: str) -> tuple[str, tuple[str, ...]]:
    """The text that can be given out, and the keys that were left out; `name` is what messages call it.

    The text is that of a valid aptfreeze.toml. UsageError if a setting cannot be taken out by its lines.
    """
    document = tomllib.loads(text)
    left_out = tuple(key for key in OWN if _taken(document, key))
    kept = "".join(_kept(text.splitlines(keepends=True)))
    kept = _PASSWORD.sub("//***@", kept)
    try:
        is_same = _pruned(tomllib.loads(kept)) == _pruned(document)
    except tomllib.TOMLDecodeError:
        is_same = False
    if not is_same:
        raise UsageError(
            f"{name} cannot be given out: {', '.join(left_out) or 'an address with a password'} cannot be taken out "
            "of it line by line",
            hint="write each of these settings on lines of its own, below the header of its table",
        )
    return kept, left_out


def _taken(document: dict[str, Any], key: str) -> bool:
    """Take the setting out; whether it was there."""
    *tables, last = key.split(".")
    for table in tables:
        found = document.get(table)
        if not isinstance(found, dict):
            return False
        document = found
    return document.pop(last, None) is not None


def _kept(lines: Sequence[str]) -> Iterator[str]:
    table = ""
    at = 0
    while at < len(lines):
        if header := _HEADER.fullmatch(lines[at].rstrip("\n")):
            table = f"{header[1]}."
        setting = _SETTING.match(lines[at])
        end = _end(lines, at) if setting and not header else at + 1
        key = table if header or setting is None else f"{table}{setting[1]}."
        if not any(key.startswith(f"{own}.") for own in OWN):
            yield from lines[at:end]
        at = end


def _end(lines: Sequence[str], start: int) -> int:
    """Where the value of the setting that begins at `start` is complete: it may have several lines."""
    for end in range(start + 1, len(lines) + 1):
        try:
            tomllib.loads("".join(lines[start:end]))
            return end
        except tomllib.TOMLDecodeError:
            continue
    return start + 1


def _pruned(document: dict[str, Any]) -> dict[str, Any]:
    """Without tables that nothing stands in."""
    pruned = {key: _pruned(each) if isinstance(each, dict) else each for key, each in document.items()}
    return {key: each for key, each in pruned.items() if each != {}}
