# SPDX-License-Identifier: MIT
"""What happened since the last command: to the lock file by git or by hand, to the pins of runs that were killed.

Rule 1: the lock file is right. A known id with more pins: noted. A known id with a pin changed or removed: a new id,
since an id names one state that only grows. An unknown id: noted.
Rule 2: a running session is not touched: the copy of its generation stays.
Rule 3: a provisional pin that is in the lock file was committed by a process that was killed before it could say so;
one whose suite got another pin in the lock file has lost.
"""

import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from aptfreeze.environment import generations, provisional
from aptfreeze.environment.folder import Environment
from aptfreeze.environment.generations import Difference, compare
from aptfreeze.environment.log import EventKind, Journal
from aptfreeze.environment.process import Liveness
from aptfreeze.environment.provisional import Provisional
from aptfreeze.errors import RefusedError
from aptfreeze.freeze.generation import Generation, SuiteKey
from aptfreeze.freeze.lockfile import rival
from aptfreeze.settings import Sourced

_logger = logging.getLogger(__name__)


def is_settled(environment: Environment, found: Generation) -> bool:
    """Whether there is nothing to note; needs no lock."""
    if generations.read_copy(environment, found.id) != found:
        return False
    pending = provisional.load(environment.provisional)
    return not any(_is_stale(key, entry, found) or _is_left(entry) for key, entry in pending.items())


def refuse_altered(environment: Environment, found: Generation, locked: Sourced[bool]) -> None:
    """RefusedError if the lock file would need a new id and must not be written."""
    known = generations.read_copy(environment, found.id)
    if known is not None and locked.value and (difference := compare(known, found)).altered:
        raise RefusedError(
            f"{environment.lock_file} was changed since generation {found.id} was used here ({difference}), so it "
            f"needs a new generation id, and {locked.origin} forbids to write it",
            hint='run "aptfreeze status" without --locked once and commit the lock file, or restore it',
        )


def settle(environment: Environment, journal: Journal, locked: Sourced[bool]) -> Generation | None:
    """The current generation, after noting what happened; None without a lock file. Under the environment's lock."""
    found = generations.read_lock(environment)
    if found is None:
        return None
    refuse_altered(environment, found, locked)
    pending = provisional.load(environment.provisional)
    known = generations.read_copy(environment, found.id)
    if known is None:
        generations.write_copy(environment, found)
        journal.tell(found.id, EventKind.FOUND)
    elif known != found:
        found = _note_change(environment, journal, compare(known, found), found, pending)
    _settle_pending(environment, journal, found, pending)
    return found


def _note_change(
    environment: Environment,
    journal: Journal,
    difference: Difference,
    found: Generation,
    pending: Mapping[SuiteKey, Provisional],
) -> Generation:
    if difference.altered:
        old = found.id
        now = journal.clock().replace(microsecond=0)
        created = max(now, found.created + timedelta(seconds=1))  # also where the clock is behind: see `previous`
        found = replace(found, id=generations.new_id(), created=created)
        generations.write_lock(environment, found)
        generations.write_copy(environment, found)
        journal.tell(found.id, EventKind.NEW_ID, detail=f"was {old}; {difference}")
        _logger.warning("aptfreeze.lock was changed (%s): generation %s is now %s", difference, old, found.id)
        return found
    generations.write_copy(environment, found)
    own_unfinished = {str(key) for key, entry in pending.items() if found.pins.get(key) == entry.pin}
    if not difference.added or not own_unfinished.issuperset(difference.added):
        journal.tell(found.id, EventKind.CHANGED, detail=str(difference))
        _logger.info("aptfreeze.lock was changed by git or by hand (%s)", difference)
    return found


def _settle_pending(
    environment: Environment, journal: Journal, found: Generation, pending: Mapping[SuiteKey, Provisional]
) -> None:
    kept: dict[SuiteKey, Provisional] = {}
    for key, entry in pending.items():
        if found.pins.get(key) == entry.pin:
            journal.tell(found.id, EventKind.COMMITTED, str(key), f"finished for {entry.by}, which was interrupted")
        elif _is_stale(key, entry, found):
            journal.tell(found.id, EventKind.DROPPED, str(key), "the lock file has another pin of this suite")
        elif _is_left(entry):
            journal.tell(found.id, EventKind.INTERRUPTED, str(key), f"{entry.by} ended before its pin was committed")
            kept[key] = replace(entry, is_told=True)
        else:
            kept[key] = entry
    if kept != pending:
        provisional.save(environment.provisional, kept)


def _is_stale(key: SuiteKey, entry: Provisional, found: Generation) -> bool:
    return key in found.pins or rival(found.pins, key, entry.pin) is not None


def _is_left(entry: Provisional) -> bool:
    return not entry.is_told and entry.by.liveness() is Liveness.ENDED
