# SPDX-License-Identifier: MIT
"""What comes from another environment into this one: a generation, records, configuration.

Rule 1: the lock file is written last, when everything that it refers to is on the disk. Whatever ends before that
leaves no environment, and can be repeated.
Rule 2: nothing is replaced: not another generation, not another configuration, no record.
"""

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

from aptfreeze.deb.paths import index_architecture
from aptfreeze.environment import absent, files, generations, records
from aptfreeze.environment.log import EventKind
from aptfreeze.environment.settle import settle
from aptfreeze.environment.store import EnvironmentStore
from aptfreeze.errors import RefusedError
from aptfreeze.freeze.generation import Generation
from aptfreeze.freeze.lockfile import state_digest
from aptfreeze.values import immutable


class Outcome(StrEnum):
    """What became of something that was brought."""

    NEW = "new"
    SAME = "same"
    """It was there."""
    KEPT = "kept"
    """There was another one, which was left as it is."""
    NONE = "none"
    """Nothing was brought."""


@immutable
class Brought:
    generation: Generation
    config: bytes | None = None
    """aptfreeze.toml."""
    sessions: Mapping[str, bytes] | None = None
    """Records of that generation, by session id."""
    absences: bytes = b""
    """What `absent.exported` wrote."""


@immutable
class Outcomes:
    generation: Outcome
    config: Outcome
    records: Outcome


def refuse_another(store: EnvironmentStore, generation: Generation) -> None:
    """RefusedError if this environment has another generation, or must not be written; else it takes this one."""
    found = generations.read_lock(store.environment)
    if found is not None and _is_same(found, generation):
        return
    if found is not None:
        raise RefusedError(
            f"{store.environment.root} has generation {found.id} (state {state_digest(found)}), and what is imported "
            f"is generation {generation.id} (state {state_digest(generation)})",
            hint="import it into an empty folder: mkdir DIR, and --env DIR",
        )
    store.refuse_if_locked(f"generation {generation.id} would be imported")


def bring(store: EnvironmentStore, brought: Brought) -> Outcomes:
    """Put it in place; the caller has made sure that the objects are on the disk. RefusedError as above."""
    refuse_another(store, brought.generation)
    if store.is_read_only:
        return Outcomes(Outcome.SAME, Outcome.KEPT, Outcome.KEPT)
    with store.exclusive():
        refuse_another(store, brought.generation)
        found = settle(store.environment, store.journal, store.locked)
        sessions = _bring_records(store, brought)
        absent.remember_exported(store.environment.absent, brought.absences)
        config = _bring_file(store.environment.config_file, brought.config)
        if found is not None:
            return Outcomes(Outcome.SAME, config, sessions)
        store.make_current(brought.generation)
        store.journal.tell(brought.generation.id, EventKind.FOUND, detail="imported")
        return Outcomes(Outcome.NEW, config, sessions)


def _is_same(one: Generation, other: Generation) -> bool:
    return one.id == other.id and state_digest(one) == state_digest(other)


def _bring_records(store: EnvironmentStore, brought: Brought) -> Outcome:
    sessions = brought.sessions or {}
    folder = store.environment.records
    made = [_bring_file(folder / brought.generation.id / f"{name}.jsonl", data) for name, data in sessions.items()]
    asked = [
        index.path
        for name, data in sessions.items()
        for index in records.parse_session(name, data.split(b"\n")).indexes
    ]
    records.remember_architectures(folder, {index_architecture(path) for path in asked} - {""})
    return next((each for each in (Outcome.NEW, Outcome.KEPT, Outcome.SAME) if each in made), Outcome.NONE)


def _bring_file(path: Path, data: bytes | None) -> Outcome:
    if data is None:
        return Outcome.NONE
    found = files.read(path)
    if found is not None:
        return Outcome.SAME if found == data else Outcome.KEPT
    files.make_folder(path.parent)
    files.replace(path, data)
    return Outcome.NEW
