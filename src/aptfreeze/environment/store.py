# SPDX-License-Identifier: MIT
"""The pins of an environment as transactions: load, pin, commit, drop.

Rule 1: every change happens under the environment's lock, and each file is replaced as a whole: after a `kill -9`
the lock file is the old one or the new one.
Rule 2: the lock file is written first, then the copies, then `provisional.json`, then the log. So what a killed
process left unfinished can be told from what somebody changed by hand, and the next command finishes it.
Rule 3: whoever pins a suite first wins (compare and swap): everybody else gets that pin, also by another name of
the suite.
Rule 4: a session's generation is named by its id. What it pins goes into its own generation and, where that lacks
it, into the current one.
Rule 5: `locked` (also implied by a folder that cannot be written) never writes the lock file.

The object remembers nothing of the pins, so that threads and processes may use it at will. All calls block.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime

from aptfreeze.environment import files, generations, locking, provisional
from aptfreeze.environment.folder import Environment
from aptfreeze.environment.log import EventKind, Journal
from aptfreeze.environment.process import Process
from aptfreeze.environment.provisional import Provisional
from aptfreeze.environment.settle import is_settled, refuse_altered, settle
from aptfreeze.errors import MidSyncError, RefusedError, UsageError
from aptfreeze.freeze.digest import Digest
from aptfreeze.freeze.generation import BarePackages, Generation, InRelease, Pin, SuiteKey
from aptfreeze.freeze.lockfile import dump, parse, pin_line, rival
from aptfreeze.settings import Sourced
from aptfreeze.values import immutable

_UNLOCKED = Sourced(False)


@immutable
class Placed:
    """The pin that holds after somebody tried to pin a suite."""

    key: SuiteKey
    """Another key than asked where the suite is pinned under another of its names."""
    pin: Pin
    is_committed: bool
    """Whether it stands in the session's generation for good; else it is provisional."""


def _now() -> datetime:
    return datetime.now(UTC)


class EnvironmentStore:
    """The pins of one environment; `process` is who acts, for the log and for those who wait."""

    def __init__(
        self,
        environment: Environment,
        process: Process,
        *,
        locked: Sourced[bool] = _UNLOCKED,
        clock: Callable[[], datetime] = _now,
        wait_s: float = locking.LIMIT_S,
    ) -> None:
        self.environment = environment
        self.is_read_only = environment.is_read_only()
        """Then nothing at all is written; absences and records are for this process only."""
        if self.is_read_only and not locked.value:
            locked = Sourced(True, f"the read-only folder {environment.root}")
        self.locked = locked
        self.journal = Journal(environment.log, process, clock)
        self.listeners: list[Callable[[], None]] = []
        """Called after each writing of the lock file, while the environment's lock is held."""
        self._wait_s = wait_s

    def __repr__(self) -> str:
        return f"<EnvironmentStore {self.environment.root}{' locked' if self.locked.value else ''}>"

    def init(self) -> Generation:
        """As `load`, but without a lock file a new one with an id and no pins is written first, unless `locked`."""
        if not self.locked.value and not self.environment.lock_file.exists():
            with self.exclusive():
                return self.settled()
        return self.load()

    def load(self) -> Generation:
        """The current generation, after noting what happened to the lock file and to other runs (see `settle`).

        UsageError if there is no lock file or it is no good; RefusedError if it would need a new id and is `locked`.
        """
        self.environment.check_version()
        found = generations.read_lock(self.environment)
        if found is None:
            raise UsageError(
                f"{self.environment.root} has no aptfreeze.lock",
                hint=f'{self.locked.origin} forbids to make one: run "aptfreeze init" without it'
                if self.locked.value
                else 'make one with "aptfreeze init", or name another folder with --env',
            )
        if self.is_read_only:
            refuse_altered(self.environment, found, self.locked)
            return found
        if is_settled(self.environment, found):
            return found
        with self.exclusive():
            return settle(self.environment, self.journal, self.locked) or found

    def generation(self, generation_id: str) -> Generation:
        """A generation by id, as far as it has grown; UsageError if this environment never had it."""
        if known := generations.read_copy(self.environment, generation_id):
            return known
        current = generations.read_lock(self.environment)
        if current is not None and current.id == generation_id:
            return current
        raise UsageError(
            f"{self.environment.root} has no generation {generation_id[:64]!r}",
            hint='"aptfreeze status" tells the current one',
        )

    def provisional(self) -> Mapping[SuiteKey, Provisional]:
        """Pins of all runs that are not in the lock file yet; `Provisional.by.liveness()` tells which were left."""
        return provisional.load(self.environment.provisional)

    def add_provisional(self, generation_id: str, key: SuiteKey, pin: Pin) -> Placed:
        """Pin a suite until its first index has verified; what counts is the pin in the answer.

        The first pin wins: that of the session's generation, else a provisional one of any run, else that of the
        current generation. RefusedError if it would be a new one and the lock file must not be written.
        """
        if placed := _held(self.generation(generation_id).pins, key, pin, is_committed=True):
            return placed
        self._refuse_to_add(f"the suite {key} is", "[pins]", pin_line(key, pin))
        with self.exclusive():
            current, own = self.settled(), self.generation(generation_id)
            pending = provisional.load(self.environment.provisional)
            pins = {each: entry.pin for each, entry in pending.items()}
            placed = _held(own.pins, key, pin, is_committed=True) or _held(pins, key, pin, is_committed=False)
            if placed is None and (placed := _held(current.pins, key, pin, is_committed=True)):
                generations.write_copy(self.environment, own.with_pin(placed.key, placed.pin))
            if placed is not None:
                return placed
            parse(dump(own.with_pin(key, pin)), f"the pin of {key}")  # what cannot be committed must not be served
            pending[key] = Provisional(pin, self.journal.clock(), self.journal.process)
            provisional.save(self.environment.provisional, pending)
            self.journal.tell(own.id, EventKind.PROVISIONAL, str(key), str(root_digest(pin)))
            return Placed(key, pin, is_committed=False)

    def commit(self, generation_id: str, pins: Mapping[SuiteKey, Pin]) -> Generation:
        """Put pins that a session has served into its generation and the lock file; the grown generation.

        The caller has made sure that the objects they refer to are on the disk. MidSyncError if one of the pins was
        dropped meanwhile, RefusedError if the lock file got another one for its suite; then nothing is committed.
        Committing again changes nothing.
        """
        own = self.generation(generation_id)
        if all(own.pins.get(key) == pin for key, pin in pins.items()):
            return own
        self._refuse_to_add("a suite is", "[pins]", *(pin_line(key, pin) for key, pin in pins.items()))
        with self.exclusive():
            current, own = self.settled(), self.generation(generation_id)
            pending = provisional.load(self.environment.provisional)
            for key, pin in pins.items():
                _check_still_held(key, pin, own, current, pending)
            own = self._grow(own, current, pins, {})
            provisional.save(self.environment.provisional, {k: v for k, v in pending.items() if k not in pins})
            for key in sorted(pins.keys() & pending.keys()):
                self.journal.tell(own.id, EventKind.COMMITTED, str(key), str(root_digest(pins[key])))
            return own

    def drop(self, generation_id: str, key: SuiteKey, pin: Pin, why: str) -> bool:
        """Give up a provisional pin, unless it was committed or replaced meanwhile; whether it was dropped."""
        with self.exclusive():
            self.settled()
            pending = provisional.load(self.environment.provisional)
            if key not in pending or pending[key].pin != pin:
                return False
            del pending[key]
            provisional.save(self.environment.provisional, pending)
            self.journal.tell(generation_id, EventKind.DROPPED, str(key), f"{root_digest(pin)}: {why}")
            return True

    def add_extra(self, generation_id: str, url: str, digest: Digest) -> Digest:
        """Pin a single file by url (without scheme) for good; what counts is the digest in the answer."""
        if held := self.generation(generation_id).extra.get(url):
            return held
        self._refuse_to_add(f"the file {url} is", "[extra]", f'"{url}" = "{digest}"')
        with self.exclusive():
            current, own = self.settled(), self.generation(generation_id)
            held = own.extra.get(url) or current.extra.get(url)
            self._grow(own, current, {}, {url: held or digest})
            if held is None:
                self.journal.tell(own.id, EventKind.EXTRA, url, str(digest))
            return held or digest

    def refuse_if_locked(self, what: str) -> None:
        """RefusedError if the lock file must not be written; `what` would write it."""
        if self.locked.value:
            raise RefusedError(
                f"{what}, and {self.locked.origin} forbids to write {self.environment.lock_file}",
                hint="run it without that, in a folder that can be written",
            )

    # --- under the environment's lock --------------------------------------------------------------------------------

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Whoever is inside is the only one who writes the lock file and the state."""
        self.environment.check_version()
        files.make_folder(self.environment.state)
        with locking.exclusive(self.environment.mutex, self.journal.process, limit_s=self._wait_s):
            self.environment.furnish()
            yield

    def settled(self) -> Generation:
        """The current generation with all that happened to it noted; a new one without pins if there is no lock file.

        Under the lock only.
        """
        found = settle(self.environment, self.journal, self.locked)
        if found is None:
            found = Generation(generations.new_id(), self.journal.clock().replace(microsecond=0))
            self.make_current(found)
            self.journal.tell(found.id, EventKind.CREATED)
        return found

    def make_current(self, generation: Generation) -> None:
        """Write a generation into the lock file. Under the lock only."""
        generations.write_lock(self.environment, generation)
        generations.write_copy(self.environment, generation)
        for tell in self.listeners:
            tell()

    def _grow(
        self, own: Generation, current: Generation, pins: Mapping[SuiteKey, Pin], extra: Mapping[str, Digest]
    ) -> Generation:
        grown = _with_missing(current, pins, extra)
        if grown != current:
            self.make_current(grown)
        if own.id == current.id:
            return grown
        own = _with_missing(own, pins, extra)
        generations.write_copy(self.environment, own)
        return own

    def _refuse_to_add(self, what: str, section: str, *lines: str) -> None:
        if self.locked.value:
            raise RefusedError(
                f"{what} not in {self.environment.lock_file}, and {self.locked.origin} forbids to add it",
                hint=f"run once without it and commit the lock file, or add below {section}:\n" + "\n".join(lines),
            )


def _with_missing(generation: Generation, pins: Mapping[SuiteKey, Pin], extra: Mapping[str, Digest]) -> Generation:
    for key, pin in pins.items():
        if key not in generation.pins and rival(generation.pins, key, pin) is None:
            generation = generation.with_pin(key, pin)
    for url, digest in extra.items():
        if url not in generation.extra:
            generation = generation.with_extra(url, digest)
    return generation


def _held(pins: Mapping[SuiteKey, Pin], key: SuiteKey, pin: Pin, *, is_committed: bool) -> Placed | None:
    holder = key if key in pins else rival(pins, key, pin)
    return None if holder is None else Placed(holder, pins[holder], is_committed)


def _check_still_held(
    key: SuiteKey, pin: Pin, own: Generation, current: Generation, pending: Mapping[SuiteKey, Provisional]
) -> None:
    if own.pins.get(key) == pin or (key in pending and pending[key].pin == pin):
        return
    other = own.pins.get(key) or current.pins.get(key)
    if other is None:
        raise MidSyncError(
            f"the pin {root_digest(pin)} of {key} was dropped by another run", hint="ask for the suite again"
        )
    if other != pin:
        raise RefusedError(
            f"{key}: this run was served {root_digest(pin)}, and the lock file got {root_digest(other)} meanwhile",
            hint="run the command again: it then follows the lock file",
        )


def root_digest(pin: Pin) -> Digest:
    """Of the file that a pin names: for people."""
    match pin.root:
        case InRelease(digest) | BarePackages(digest, _):
            return digest
        case pair:
            return pair.release
