# SPDX-License-Identifier: MIT
"""The lock file and the copies of all generations that this state has met.

Rule 1: the lock file is the truth of what is current; a copy says what this state last knew of a generation. Where
they differ, somebody else changed the lock file.
Rule 2: a session keeps its generation by id: its copy stays, and grows, when another one has become current.
Rule 3: what is written was read back first: no lock file that we would refuse ourselves.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from aptfreeze.environment import files
from aptfreeze.environment.folder import Environment
from aptfreeze.errors import UsageError
from aptfreeze.freeze.generation import Generation
from aptfreeze.freeze.lockfile import dump, parse
from aptfreeze.values import immutable

_ID = re.compile(r"[0-9a-f]{32}")


@immutable
class Difference:
    """What somebody else did to a generation, as keys of pins and extra lines in text."""

    added: tuple[str, ...]
    altered: tuple[str, ...]
    """Changed or removed: the same id would name two states."""

    def __str__(self) -> str:
        parts = [("added: ", self.added), ("changed or removed: ", self.altered)]
        return "; ".join(name + ", ".join(keys) for name, keys in parts if keys) or "created"


def compare(known: Generation, found: Generation) -> Difference:
    """From what a state knew of a generation to what the lock file says of the same id."""
    before = {str(key): pin for key, pin in known.pins.items()} | dict(known.extra)
    after = {str(key): pin for key, pin in found.pins.items()} | dict(found.extra)
    return Difference(
        added=tuple(sorted(after.keys() - before.keys())),
        altered=tuple(sorted(key for key in before if after.get(key) != before[key])),
    )


def new_id() -> str:
    """A random id. By os.urandom, as `secrets` does it, whose import takes a tenth of the start-up budget."""
    return os.urandom(16).hex()


def read_lock(environment: Environment) -> Generation | None:
    """The current generation as the lock file has it; None without a lock file, UsageError if it is no good."""
    return _read(environment.lock_file)


def write_lock(environment: Environment, generation: Generation) -> None:
    """Make a generation the current one; the caller holds the environment's lock."""
    write(files.followed(environment.lock_file), generation)


def read_copy(environment: Environment, generation_id: str) -> Generation | None:
    """What this state last knew of a generation; None if it never met it, UsageError if its copy is no good."""
    if not _ID.fullmatch(generation_id):  # it may come from a client, and becomes a file name
        return None
    path = environment.generations / f"{generation_id}.toml"
    try:
        return _read(path)
    except UsageError as error:
        raise UsageError(
            f"what is known of a generation is damaged: {error.message}",
            hint=f"delete {path}: aptfreeze.lock is the truth, and what it says is noted anew",
        ) from error


def read_copies(environment: Environment) -> Iterator[Generation]:
    """Every generation that this state has met, the newest first; copies that are no good are left out."""
    known = []
    for path in environment.generations.glob("*.toml"):
        try:
            known.append(read_copy(environment, path.stem))
        except UsageError:
            continue
    yield from sorted(filter(None, known), key=lambda generation: generation.created, reverse=True)


def write_copy(environment: Environment, generation: Generation) -> None:
    """Remember a generation; the caller holds the environment's lock."""
    write(environment.generations / f"{generation.id}.toml", generation)


def write(path: Path, generation: Generation) -> None:
    """Put a generation into a file."""
    text = dump(generation)
    parse(text, str(path))
    files.replace(path, text.encode())


def decoded(data: bytes, name: str) -> Generation:
    """The generation of a lock file's bytes; `name` is what messages call it. UsageError if they are no good."""
    return parse(text_of(data, name), name)


def text_of(data: bytes, name: str) -> str:
    """The text of a lock file's bytes; UsageError if they are no UTF-8."""
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UsageError(
            f"{name} is not UTF-8: line {line} holds the byte {data[error.start]:#x}",
            hint='it is written by aptfreeze only: restore it, for example by "git checkout aptfreeze.lock"',
        ) from error


def _read(path: Path) -> Generation | None:
    data = files.read(path)
    return None if data is None else decoded(data, str(path))
