# SPDX-License-Identifier: MIT
"""One session: which generation is served, what was served from it, and what there is to say about it.

Rule 1: all of it is touched in the event loop only; threads return values.
Rule 2: one session sees one generation. Suites that were never asked before are added to it, nothing else changes.
Rule 3: a notice is told once, when it happens, and again in the summary; a verdict makes `run` end with 125.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from aptfreeze.deb.release import IndexName
from aptfreeze.environment.records import AskedIndex, Kind, Record, ServedPackage
from aptfreeze.freeze.digest import Digest
from aptfreeze.freeze.generation import Generation, Pin, SuiteKey
from aptfreeze.freeze.outcome import PinnedPackage

_MOST = 1000
"""Of hosts, and of each kind of message: what is said of them comes from clients, who may have any number."""


@dataclass(slots=True)
class Traffic:
    """What clients asked and got, in requests and body bytes."""

    requests: int = 0
    refused: int = 0
    """Answers with an error status."""
    from_archive: int = 0
    """Bytes served of objects that the archive held when they were asked."""
    from_mirror: int = 0
    """Bytes served of objects that were being fetched when they were asked."""
    passed_through: int = 0
    """Bytes served of what is no apt request."""


@dataclass(slots=True)
class Session:
    """The mutable state of one life of `run` or `serve`."""

    generation: Generation
    record: Record
    tell: Callable[[str], None]
    """Shows a notice to a person (a log line); called once for each."""
    retractions: int = 0
    """How often something that was served is not true any more: what was remembered before must be forgotten."""
    traffic: Traffic = field(default_factory=Traffic)
    pinned_now: dict[SuiteKey, Pin] = field(default_factory=dict)
    """Suites that this session pinned."""
    provisional: set[SuiteKey] = field(default_factory=set)
    """Pins of this generation that no index has confirmed yet."""
    dropped: set[SuiteKey] = field(default_factory=set)
    """Suites whose provisional pin was dropped: their indexes are 503 until an InRelease is asked."""
    notices: list[str] = field(default_factory=list)
    verdicts: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    """What no supplier could deliver: each file once."""
    architectures: frozenset[str] = frozenset()
    """Those in use in this environment, and this machine's own."""
    resigns: bool = False
    """Whether signed suites are served with the environment's own signature."""
    newer_lists: dict[SuiteKey, datetime] = field(default_factory=dict)
    """Suites of which a client holds a newer InRelease than the pinned one, with its date."""
    not_frozen: Counter[str] = field(default_factory=Counter)
    """Requests by host that were passed through or refused because they cannot be frozen."""

    def notice(self, text: str) -> None:
        self._say(self.notices, text)

    def verdict(self, text: str) -> None:
        """Something that makes the whole run unfit, whatever COMMAND made of it."""
        self._say(self.verdicts, text)

    def failure(self, text: str) -> None:
        self._say(self.failures, text)

    def _say(self, said: list[str], text: str) -> None:
        if text not in said and len(said) < _MOST:
            said.append(text)
            self.tell(text)

    def retract(self, key: SuiteKey) -> None:
        """A provisional pin was dropped: files of the suite are 503 until an InRelease is asked."""
        self.generation = self.generation.without_pin(key)
        self.provisional.discard(key)
        self.pinned_now.pop(key, None)
        self.dropped.add(key)
        self.retractions += 1

    def adopt(self, extra: Mapping[str, Digest]) -> None:
        """Single files that somebody else has pinned in this generation."""
        for url in extra.keys() - self.generation.extra.keys():
            self.generation = self.generation.with_extra(url, extra[url])

    def passed(self, host: str) -> None:
        """A request to a host that is not frozen."""
        name = host if host in self.not_frozen or len(self.not_frozen) < _MOST else "further hosts"
        self.not_frozen[name] += 1
        self.record.passed(name)

    def index_used(self, key: SuiteKey, index: IndexName) -> None:
        self.record.asked(AskedIndex(key.repository, key.suite, index.path))
        if index.architecture:
            self.architectures |= {index.architecture}

    def served(self, package: PinnedPackage, sha256: Digest) -> None:
        """A package file reached its client as a whole."""
        entry, key = package.entry, package.key
        kind = Kind.SOURCE if entry.architecture == "source" else Kind.BINARY
        self.record.served(
            ServedPackage(
                name=entry.package,
                version=entry.version,
                architecture=entry.architecture,
                repository=key.repository,
                suite=key.suite,
                path=package.relative,
                sha256=sha256,
                size=entry.wanted.size or 0,
                kind=kind,
            )
        )
