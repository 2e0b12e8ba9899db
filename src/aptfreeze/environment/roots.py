# SPDX-License-Identifier: MIT
"""Who needs objects of an archive: the environments that it knows, and states that somebody names.

Rule 1: a folder that can be read tells its own truth: lock file, provisional pins, the latest of its generations, and
the records of those. What the archive has copied stands for all others.
Rule 2: the generation that a process works with is needed as long as it does, however old it is.
Rule 3: an environment that nobody has seen for too long needs nothing.
Rule 4: what cannot be read of a folder that is there is an error: nobody knows what it needs.
"""

import os
import re
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

from aptfreeze.archive.registry import Entry, Noted, Registry
from aptfreeze.environment import generations, provisional
from aptfreeze.environment.folder import Environment
from aptfreeze.environment.outside import OutsideSources
from aptfreeze.errors import UsageError
from aptfreeze.freeze.digest import Digest
from aptfreeze.freeze.generation import Generation
from aptfreeze.settings import GcSettings
from aptfreeze.values import immutable

_SERVED = re.compile(rb'"sha256": ?"([a-z0-9]+:[0-9a-f]+)"')


@immutable
class Root:
    """Somebody who needs objects."""

    name: str
    """For people: `builder:/srv/product`, or a word of the command line."""
    generations: tuple[Generation, ...]
    """The current one first."""
    records: tuple[Path, ...] = ()
    """What sessions of these generations were served."""
    outside: tuple[Digest, ...] = ()
    """The `.dsc` of source packages that only a snapshot service had."""
    is_seen: bool = True
    """Whether its folder is there now; else it is known from the archive alone."""
    entry: Entry | None = None
    """None: it is no environment that the archive knows."""
    superseded: frozenset[str] = frozenset()
    """Copies of its lock file in the archive that nobody needs any more."""

    def served(self) -> Iterator[Digest]:
        """All that stands in the records. UsageError if one cannot be read."""
        for path in self.records:
            for text in _SERVED.findall(_read(path)):
                try:
                    yield Digest.parse(text.decode())
                except ValueError:  # a torn line
                    continue


def known_roots(registry: Registry, settings: GcSettings, now: datetime) -> Iterator[Root]:
    """Every environment that the archive knows; one that needs nothing any more has no generations."""
    for entry in registry.entries():
        yield _Looking(registry, settings, entry).root(now)


class _Looking:
    """At one environment."""

    def __init__(self, registry: Registry, settings: GcSettings, entry: Entry) -> None:
        self._keep = settings.keep_generations
        self._longest = timedelta(days=settings.keep_environments_days)
        self._entry = entry
        self._copies = registry.copies(entry)
        self._folder = _folder(entry)

    def root(self, now: datetime) -> Root:
        try:
            return self._looked(now)
        except UsageError as error:
            raise UsageError(
                f"what {self._entry} needs cannot be told, so nothing was removed: {error.message}", hint=error.hint
            ) from error

    def _looked(self, now: datetime) -> Root:
        held = [each for each in self._copies if each.is_held]
        environment = self._folder.environment
        if not self._folder.is_there and now - self._entry.seen > self._longest:
            return self._root(map(_generation, held), held)
        if environment is None:
            return self._root(*self._noted(held))
        own = [*self._own(environment), *self._grown(environment, held)]
        if self._folder.is_same:
            return self._root(own, [*held, *self._current()])
        noted, needed = self._noted(held)
        return self._root([*own, *noted], needed)

    def _root(self, needed: Iterable[Generation], copies: Iterable[Noted]) -> Root:
        found = _unique(needed)
        superseded = {each.name for each in self._copies} - {each.name for each in copies}
        environment = self._folder.environment
        records = () if environment is None else tuple(_records(environment, found))
        outside = () if environment is None else tuple(OutsideSources(environment.outside).descriptions())
        return Root(
            str(self._entry), found, records, outside, self._folder.is_there, self._entry, frozenset(superseded)
        )

    def _current(self) -> list[Noted]:
        return [each for each in self._copies if each.name == self._entry.current]

    def _noted(self, held: list[Noted]) -> tuple[list[Generation], list[Noted]]:
        """The states of a folder that cannot be read, as the archive has copied them; and their copies."""
        latest: dict[str, None] = {}
        needed = []
        for copy in [*self._current(), *self._copies]:
            latest.setdefault(_generation(copy).id)
            if _generation(copy).id in list(latest)[: self._keep] or copy in held:
                needed.append(copy)
        return [_generation(copy) for copy in needed], needed

    def _own(self, environment: Environment) -> Iterator[Generation]:
        """What a folder that can be read says itself."""
        current = generations.read_lock(environment)
        copies = sorted(_copies_in(environment), key=lambda each: each.created, reverse=True)
        if current is not None:
            copies = [current, *(each for each in copies if each.id != current.id)]
            yield from (each for each in _copies_in(environment) if each.id == current.id)
        yield from copies[: self._keep]
        pending = provisional.load(environment.provisional)
        if pending:
            pins = {key: each.pin for key, each in pending.items()}
            yield Generation("provisional", self._entry.seen, pins)

    def _grown(self, environment: Environment, held: list[Noted]) -> Iterator[Generation]:
        """What processes work with, and what they have pinned since."""
        for generation in map(_generation, held):
            yield generation
            if copy := generations.read_copy(environment, generation.id):
                yield copy


@immutable
class _Folder:
    """What is to be seen of an environment's folder."""

    environment: Environment | None = None
    """None: it cannot be read."""
    is_there: bool = False
    is_same: bool = False
    """Whether it is the very folder that the archive knows, and not another one at the same path."""


def _folder(entry: Entry) -> _Folder:
    """It counts as there under this machine's name, or wherever it is the same folder."""
    if entry.place is None:
        return _Folder()
    environment = Environment(Path(entry.place.path))
    try:
        status = environment.root.stat()
    except OSError:
        return _Folder()
    is_same = (status.st_dev, status.st_ino) == entry.place.folder
    if not (is_same or entry.place.host == os.uname().nodename):
        return _Folder()
    try:
        if not (environment.lock_file.exists() or environment.generations.exists()):
            return _Folder()  # a folder, and no environment
        return _Folder(environment if _is_readable(environment) else None, True, is_same)
    except PermissionError:
        return _Folder(None, True, is_same)


def _is_readable(environment: Environment) -> bool:
    paths = [environment.lock_file, environment.state, environment.generations, environment.records]
    return all(os.access(path, os.R_OK | os.X_OK * path.is_dir()) for path in paths if path.exists())


def _copies_in(environment: Environment) -> Iterator[Generation]:
    for path in environment.generations.glob("*.toml"):
        if found := generations.read_copy(environment, path.stem):
            yield found


def _generation(copy: Noted) -> Generation:
    return generations.decoded(copy.data, f"the archive's copy {copy.name[:12]} of a lock file")


def _unique(found: Iterable[Generation]) -> tuple[Generation, ...]:
    kept: list[Generation] = []
    for generation in found:
        if generation not in kept:
            kept.append(generation)
    return tuple(kept)


def _records(environment: Environment, kept: Iterable[Generation]) -> Iterator[Path]:
    for identity in sorted({each.id for each in kept}):
        yield from sorted((environment.records / identity).glob("*.jsonl"))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
