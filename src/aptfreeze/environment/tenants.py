# SPDX-License-Identifier: MIT
"""An archive's tenants: this environment, and all others that need what is in it, with what each of them pins.

Rule 1: the folder of an environment is the truth as long as it can be looked at from here, and is the same one that the
archive knows; else the lock files that the archive keeps of it count.
Rule 2: what cannot be read (conflicts in a lock file, a damaged copy) hides only itself.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from aptfreeze.archive.layout import Layout
from aptfreeze.archive.registry import Entry, Registry
from aptfreeze.environment import generations, provisional
from aptfreeze.environment.folder import Environment
from aptfreeze.environment.known import place_of
from aptfreeze.errors import AptfreezeError, UsageError
from aptfreeze.freeze.generation import Generation, Pin, SuiteKey
from aptfreeze.values import immutable


@immutable
class Tenant:
    """One environment."""

    name: str
    """Its folder; with the machine's name in front where that cannot be looked at from here."""
    generations: tuple[Generation, ...]
    """The current one first, with its pins in work; then the others, the newest first."""
    has_current: bool
    """Whether the first one is the current one."""
    environment: Environment | None
    """None: its folder cannot be looked at."""


def tenants(layout: Layout, own: Environment) -> list[Tenant]:
    """The own environment first, whether the archive knows it or not."""
    registry, others = Registry(layout), []
    with suppress(OSError):  # an archive of an earlier version has no list
        others = [_known(registry, entry) for entry in registry.entries() if _path(entry) != own.root]
    return [tenant(own), *others]


def tenant(environment: Environment) -> Tenant:
    """What an environment's folder tells of it."""
    current = None
    with suppress(UsageError):
        current = generations.read_lock(environment)
    copies = [each for each in generations.read_copies(environment) if each != current]
    known = copies if current is None else [_with_pins_in_work(environment, current), *copies]
    return Tenant(str(environment.root), tuple(known), current is not None, environment)


def _with_pins_in_work(environment: Environment, current: Generation) -> Generation:
    pending: Mapping[SuiteKey, Pin] = {}
    with suppress(UsageError):
        pending = {key: each.pin for key, each in provisional.load(environment.provisional).items()}
    return replace(current, pins={**pending, **current.pins})


def _known(registry: Registry, entry: Entry) -> Tenant:
    copies = list(_copies(registry, entry))
    path = _path(entry)
    if path is None:
        return Tenant(str(entry), tuple(copies), False, None)
    found = tenant(Environment(path))
    held = [each for each in copies if each not in found.generations]
    return replace(found, generations=(*found.generations, *held))


def _path(entry: Entry) -> Path | None:
    """The folder, if it is there and still the same one."""
    if entry.place is not None:
        path = Path(entry.place.path)
        with suppress(OSError):
            if place_of(Environment(path)) == entry.place:
                return path
    return None


def _copies(registry: Registry, entry: Entry) -> Iterator[Generation]:
    with suppress(AptfreezeError, OSError):
        for noted in registry.copies(entry):
            with suppress(UsageError):
                yield generations.decoded(noted.data, noted.name)
