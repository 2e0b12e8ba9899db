# SPDX-License-Identifier: MIT
"""A generation: the append-only set of pins that one state of an environment consists of.

Rule 1: a pin's key is the repository and the suite name that was asked first.
Rule 2: adding a pin for a suite never asked before keeps the id; changing or removing one makes a new id.
Rule 3: the state digest names the content; it is computed, never stored.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from typing import Self

from aptfreeze.freeze.digest import Digest
from aptfreeze.values import immutable


@dataclass(frozen=True, slots=True, order=True)
class SuiteKey:
    """One suite of one repository, as the lock file writes it: `mirror.example.org/debian bookworm`."""

    repository: str
    """`host/path`: lower-case host, non-default port, normalised path, no scheme, no final slash."""
    suite: str
    """The name below `dists/` (may hold slashes), or `./` for a flat repository, whose folder `repository` is."""

    def __str__(self) -> str:
        return f"{self.repository} {self.suite}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """`host/path suite` to a key; ValueError if it has not that form."""
        repository, blank, suite = text.partition(" ")
        if not (blank and repository and suite) or " " in suite or repository.endswith("/"):
            raise ValueError(f'not "host/path suite": {text[:200]!r}')
        return cls(repository, suite)

    @property
    def is_flat(self) -> bool:
        return self.suite == "./"


@immutable
class InRelease:
    """The pin is a clear-signed InRelease; Release is its verified payload and Release.gpg is 404."""

    inrelease: Digest


@immutable
class ReleasePair:
    """The pin is a Release with its detached signature; without one the repository is unsigned."""

    release: Digest
    release_gpg: Digest | None


@immutable
class BarePackages:
    """A flat repository without a Release: the pin is its package list, under the first name that the mirror had."""

    packages: Digest
    file: str
    """`Packages.gz`, say; the other names are 404."""


Root = InRelease | ReleasePair | BarePackages


@immutable
class Pin:
    """Where the hash chain of one suite starts, and what is worth knowing of it without opening the file."""

    root: Root
    date: datetime | None
    """The Date of the Release, aware UTC: Last-Modified of everything below it. None for BarePackages."""
    suite: str = ""
    """The Suite field of the Release, empty if it has none."""
    codename: str = ""
    signers: tuple[str, ...] = ()
    """Fingerprints of the primary keys with a good signature, sorted; empty means explicitly unsigned."""

    @property
    def names(self) -> frozenset[str]:
        """Suite names that this pin answers besides the one that was asked first (`stable`, `bookworm`)."""
        # A pocket (`jammy-updates`, Codename jammy) must not answer for its base suite.
        is_pocket = self.codename and self.suite.startswith(self.codename + "-")
        return frozenset({self.suite, "" if is_pocket else self.codename} - {""})


@immutable
class Generation:
    """An immutable state: id, creation time, pins, and single files (`extra`) by url without scheme."""

    id: str
    """32 lower-case hex digits, random; it is for task hashes and people."""
    created: datetime
    """Aware UTC, whole seconds; exported as SOURCE_DATE_EPOCH."""
    pins: Mapping[SuiteKey, Pin] = field(default_factory=lambda: MappingProxyType({}))
    extra: Mapping[str, Digest] = field(default_factory=lambda: MappingProxyType({}))

    def with_pin(self, key: SuiteKey, pin: Pin) -> Self:
        """The same generation with one more pin; ValueError if the key is pinned to something else."""
        if self.pins.get(key, pin) != pin:
            raise ValueError(f"{key} is pinned already")
        return replace(self, pins=MappingProxyType({**self.pins, key: pin}))

    def without_pin(self, key: SuiteKey) -> Self:
        """The same generation before a provisional pin was added; nothing was served from it."""
        return replace(self, pins=MappingProxyType({k: pin for k, pin in self.pins.items() if k != key}))

    def with_extra(self, url: str, digest: Digest) -> Self:
        """The same generation with one more single file; ValueError if the url is pinned to something else."""
        if self.extra.get(url, digest) != digest:
            raise ValueError(f"{url} is pinned already")
        return replace(self, extra=MappingProxyType({**self.extra, url: digest}))
