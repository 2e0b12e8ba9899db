# SPDX-License-Identifier: MIT
"""From one generation to another on purpose: `update`, `reset`, `rollback`.

Rule 1: what is decided on is compared again under the environment's lock. Who decided on what has changed meanwhile
is refused, and nothing moves.
Rule 2: the lock file is written first; from then on the other generation is current, whatever happens to us.
Rule 3: a session that runs keeps its own generation: its copy stays.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import timedelta

from aptfreeze.environment import generations, provisional
from aptfreeze.environment.generations import compare
from aptfreeze.environment.log import EventKind
from aptfreeze.environment.process import Liveness
from aptfreeze.environment.store import EnvironmentStore, root_digest
from aptfreeze.errors import RefusedError, UsageError
from aptfreeze.freeze import moves
from aptfreeze.freeze.digest import Digest
from aptfreeze.freeze.generation import Generation, Pin, SuiteKey
from aptfreeze.freeze.moves import Identity


def update(
    store: EnvironmentStore, seen: Generation, pins: Mapping[SuiteKey, Pin], extra: Mapping[str, Digest]
) -> Generation:
    """Move suites and single files of the generation that was `seen` to these; the new current generation.

    The caller has verified them, and their objects are on the disk. RefusedError if they were moved meanwhile by
    somebody else, or if the lock file must not be written.
    """

    def decide(current: Generation) -> Generation:
        for key in pins:
            if current.pins.get(key) != seen.pins.get(key):
                raise _overtaken(str(key))
        for url in extra:
            if current.extra.get(url) != seen.extra.get(url):
                raise _overtaken(url)
        return moves.moved(current, pins, extra, _identity(store, current))

    return _move(store, EventKind.UPDATED, decide)


def reset(
    store: EnvironmentStore, seen: Generation, keys: Collection[SuiteKey] | None, urls: Collection[str] = ()
) -> Generation:
    """Forget these pins and single files of the generation that was `seen`, None: all; the new current generation.

    RefusedError if another one is current by now, or if the lock file must not be written.
    """

    def decide(current: Generation) -> Generation:
        _refuse_another(seen, current)
        identity = _identity(store, current)
        if keys is None:
            return Generation(identity.id, identity.created)
        return moves.without(current, keys, urls, identity)

    return _move(store, EventKind.RESET, decide, forget=keys)


def rollback(store: EnvironmentStore, seen: Generation, earlier: Generation) -> Generation:
    """From the generation that was `seen` to one that was current before, or that a lock file or git has; what it is
    now.

    It has its own id again, but for a state that differs from what this environment knows of that id. RefusedError as
    for `reset`.
    """

    def decide(current: Generation) -> Generation:
        _refuse_another(seen, current)
        known = generations.read_copy(store.environment, earlier.id)
        if known is None:
            return moves.restored(earlier, current)
        if compare(earlier, known).altered:
            named = _identity(store, current)
            return moves.restored(Generation(named.id, named.created, earlier.pins, earlier.extra), current)
        return moves.restored(known, current)  # the state that has grown since

    return _move(store, EventKind.ROLLED_BACK, decide)


def previous(store: EnvironmentStore, current: Generation) -> Generation:
    """The generation that was made before the current one; UsageError if this checkout knows none."""
    for known in generations.read_copies(store.environment):
        if known.created < current.created:
            return known
    raise UsageError(
        f"{store.environment.root} knows no generation that was made before the current one ({current.id[:12]})",
        hint="name a lock file, or a revision of git that has one, as HEAD~1",
    )


def _move(
    store: EnvironmentStore,
    kind: EventKind,
    decide: Callable[[Generation], Generation],
    *,
    forget: Iterable[SuiteKey] | None = (),
) -> Generation:
    """`forget`: suites whose provisional pins are void with it, if nobody is at work with them; None: of all.

    Those of suites that the chosen generation has are dropped by the next `settle`, as after any other change.
    """
    store.refuse_if_locked(f"{kind}: the lock file would change")
    with store.exclusive():
        current = store.settled()
        chosen = decide(current)
        if chosen == current:
            return current
        store.make_current(chosen)
        _forget_provisional(store, forget)
        store.journal.tell(chosen.id, kind, detail=f"was {current.id}")
        _tell_what_moved(store, current, chosen)
        return chosen


def _forget_provisional(store: EnvironmentStore, keys: Iterable[SuiteKey] | None) -> None:
    """But for those of builds that run: they have been served, and are the state of now anyway."""
    pending = provisional.load(store.environment.provisional)
    named = pending.keys() if keys is None else pending.keys() & set(keys)
    void = {key for key in named if pending[key].by.liveness() is not Liveness.RUNNING}
    if void:
        provisional.save(store.environment.provisional, {k: p for k, p in pending.items() if k not in void})


def _tell_what_moved(store: EnvironmentStore, before: Generation, after: Generation) -> None:
    for key in sorted(before.pins.keys() | after.pins.keys()):
        old, new = before.pins.get(key), after.pins.get(key)
        if old != new:
            store.journal.tell(after.id, EventKind.MOVED, str(key), f"{_state(old)} -> {_state(new)}")
    for url in sorted(before.extra.keys() | after.extra.keys()):
        if before.extra.get(url) != after.extra.get(url):
            was, now = (str(each.extra.get(url, "not pinned")) for each in (before, after))
            store.journal.tell(after.id, EventKind.MOVED, url, f"{was} -> {now}")


def _state(pin: Pin | None) -> str:
    if pin is None:
        return "not pinned"
    return f"{pin.date:%Y-%m-%d %H:%M} UTC" if pin.date else str(root_digest(pin))


def _refuse_another(seen: Generation, current: Generation) -> None:
    if current.id != seen.id:
        raise _overtaken(f"generation {seen.id[:12]}")


def _overtaken(what: str) -> RefusedError:
    return RefusedError(
        f"{what} was moved by another command meanwhile; nothing was changed", hint="run the command again"
    )


def _identity(store: EnvironmentStore, current: Generation) -> Identity:
    """Younger than the current generation, also where the clock is behind: `previous` goes by it."""
    now = store.journal.clock().replace(microsecond=0)
    return Identity(generations.new_id(), max(now, current.created + timedelta(seconds=1)))
