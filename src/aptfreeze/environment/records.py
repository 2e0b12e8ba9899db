# SPDX-License-Identifier: MIT
"""What sessions were really served: the only source of the package list and of "which indexes".

Rule 1: one file for each session and generation, written by that session alone, only appended to, whole lines. After
a `kill -9` at most the lines since the last flush and one torn line are lost.
Rule 2: everything is told once in a session; what grows (totals, hosts) is told as its value so far, the last counts.
Rule 3: what a generation was used for is the union over its sessions; totals and hosts add up.
Rule 4: telling is cheap and never blocks (the request path does it); `flush` and `close` write.
Rule 5: what every start needs of all sessions, the architectures in use, stands in a file of its own: reading hundreds
of records would cost more than the rest of a start.

Lines of `records/GENERATION/SESSION.jsonl`: `{"session": {...}}` first, then `{"package": {...}}`, `{"index": {...}}`,
`{"host": ..., "requests": n}`, `{"totals": {...}}`, and `{"end": ..., "state": ...}` of a session that ended in order.
Lines of `records/architectures.jsonl`: `{"architecture": "amd64"}`.
"""

import os
from collections import Counter, deque
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from sys import intern
from typing import Any, Self

from aptfreeze.deb.paths import index_architecture
from aptfreeze.environment import files
from aptfreeze.environment.process import Process
from aptfreeze.errors import UsageError
from aptfreeze.freeze.digest import Digest
from aptfreeze.values import immutable

_ARCHITECTURES = "architectures.jsonl"
_INDEX_LINE = b'{"index":'


class Kind(StrEnum):
    BINARY = "binary"
    SOURCE = "source"


@dataclass(frozen=True, slots=True, order=True)
class ServedPackage:
    """One package file that a client got in full, as its index describes it."""

    name: str
    version: str
    architecture: str
    """`source` for a file of a source package."""
    repository: str
    suite: str
    path: str
    """Below the repository, as the index names it."""
    sha256: Digest
    size: int
    kind: Kind = Kind.BINARY

    def to_record(self) -> dict[str, Any]:
        return asdict(self) | {"sha256": str(self.sha256)}

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> Self:
        same = {name: intern(record[name]) for name in ("architecture", "repository", "suite")}  # a third of it
        return cls(**record | same | {"sha256": Digest.parse(record["sha256"]), "kind": Kind(record["kind"])})


@dataclass(frozen=True, slots=True, order=True)
class AskedIndex:
    """One Packages index that a client asked for, in whatever compression, by path or by-hash."""

    repository: str
    suite: str
    path: str
    """As the Release lists it, without the suffix of a compression: `main/binary-amd64/Packages`."""


@immutable
class Totals:
    """What a session moved so far; sizes in bytes of bodies."""

    requests: int = 0
    from_archive: int = 0
    """Bytes that were in the archive before they were asked for."""
    from_mirrors: int = 0
    mirror_requests: int = 0

    def __add__(self, other: "Totals") -> "Totals":
        return Totals(
            self.requests + other.requests,
            self.from_archive + other.from_archive,
            self.from_mirrors + other.from_mirrors,
            self.mirror_requests + other.mirror_requests,
        )


@immutable
class Session:
    """One life of `run` or `serve`, within one generation."""

    id: str
    started: datetime
    by: Process
    ended: datetime | None = None
    """None: it still runs (`by.liveness()`), or it was killed."""
    state: Digest | None = None
    """The state digest of its generation when it ended."""
    totals: Totals = field(default_factory=Totals)


@immutable
class Usage:
    """What sessions together were served; in the order in which it was first asked for."""

    sessions: tuple[Session, ...] = ()
    packages: tuple[ServedPackage, ...] = ()
    indexes: tuple[AskedIndex, ...] = ()
    not_frozen: Mapping[str, int] = field(default_factory=dict)
    """Host to number of requests that passed through."""
    totals: Totals = field(default_factory=Totals)


class Record:
    """The record that one session writes; with `folder` None it is kept for this process only."""

    def __init__(self, folder: Path | None, generation_id: str, process: Process, started: datetime) -> None:
        self.session_id = f"{started:%Y%m%dT%H%M%SZ}-{os.urandom(4).hex()}"
        """Sorts by time."""
        self._folder = folder
        self._path = None if folder is None else folder / generation_id / f"{self.session_id}.jsonl"
        self._told: dict[ServedPackage | AskedIndex, None] = {}
        self._hosts: Counter[str] = Counter()
        self._totals = Totals()
        self._session = Session(self.session_id, started, process)
        self._unwritten: deque[Mapping[str, Any]] = deque()
        self._unwritten.append({"session": {"started": started.isoformat(), "by": process.to_record()}})
        self._written_hosts: dict[str, int] = {}
        self._written_totals = Totals()
        self._architectures: set[str] = set()
        self._written_architectures: set[str] = set()

    def __repr__(self) -> str:
        return f"<Record {self.session_id} {len(self._told)} items, {len(self._unwritten)} unwritten>"

    def served(self, package: ServedPackage) -> None:
        """A client got this file in full."""
        if package not in self._told:
            self._told[package] = None
            self._unwritten.append({"package": package.to_record()})

    def asked(self, index: AskedIndex) -> None:
        """A client asked for this file of a suite."""
        if index not in self._told:
            self._told[index] = None
            self._unwritten.append({"index": asdict(index)})
            if architecture := index_architecture(index.path):
                self._architectures.add(architecture)

    def passed(self, host: str) -> None:
        """A request passed through to a host that is not frozen."""
        self._hosts[host] += 1

    def count(self, totals: Totals) -> None:
        """The session's totals so far."""
        self._totals = totals

    def usage(self) -> Usage:
        """This session so far."""
        return Usage(
            sessions=(replace(self._session, totals=self._totals),),
            packages=tuple(item for item in self._told if isinstance(item, ServedPackage)),
            indexes=tuple(item for item in self._told if isinstance(item, AskedIndex)),
            not_frozen=dict(self._hosts),
            totals=self._totals,
        )

    def flush(self) -> None:
        """Write what was told since the last flush; may run in another thread than the telling, but not twice at once.

        UsageError if it cannot be written; the next flush tries again.
        """
        if self._path is None or self._folder is None:
            return
        hosts, totals = dict(self._hosts), self._totals
        told: list[Mapping[str, Any]] = []
        while self._unwritten:  # one by one: the request path may append meanwhile
            told.append(self._unwritten.popleft())
        grown = [{"host": host, "requests": n} for host, n in hosts.items() if self._written_hosts.get(host) != n]
        if totals != self._written_totals:
            grown.append({"totals": asdict(totals)})
        try:
            files.make_folder(self._path.parent)
            self._flush_architectures(self._folder)
            files.append(self._path, [*told, *grown])
        except UsageError:
            self._unwritten.extendleft(reversed(told))
            raise
        self._written_hosts, self._written_totals = hosts, totals

    def _flush_architectures(self, folder: Path) -> None:
        if self._architectures != self._written_architectures:
            asked = set(self._architectures)
            remember_architectures(folder, asked)
            self._written_architectures = asked

    def close(self, ended: datetime, state: Digest) -> None:
        """The session ended in order, in a generation with this state digest."""
        self._unwritten.append({"end": ended.isoformat(), "state": str(state)})
        self.flush()


def load(folder: Path, generation_id: str) -> Usage:
    """All that the sessions of one generation were served; an empty usage if there was none."""
    within = folder / generation_id
    return together(read_session(path) for path in sorted(within.glob("*.jsonl")))


def load_indexes(folder: Path) -> Usage:
    """The indexes, and nothing else, that sessions of an environment asked for, in whatever generation.

    Lines of other things are not parsed: 0.02 s for 200 sessions that were served 300 package files each.
    """
    indexes: dict[AskedIndex, None] = {}
    for path in sorted(folder.glob("*/*.jsonl"), key=lambda path: path.stem):
        for record in files.read_records(path, beginning=_INDEX_LINE):
            with suppress(KeyError, TypeError):  # torn and mended, or of a later version
                indexes[AskedIndex(**record["index"])] = None
    return Usage(indexes=tuple(indexes))


def architectures(folder: Path) -> frozenset[str]:
    """Of all package indexes that clients of this environment ever asked for, in any generation."""
    return frozenset(str(record.get("architecture")) for record in files.read_records(folder / _ARCHITECTURES))


def remember_architectures(folder: Path, asked: Collection[str]) -> None:
    """That package indexes of these were asked for in this environment."""
    new = sorted(set(asked) - architectures(folder))
    files.append(folder / _ARCHITECTURES, [{"architecture": each} for each in new])


def together(usages: Iterable[Usage]) -> Usage:
    """What several sessions were served."""
    sessions, hosts, totals = list[Session](), Counter[str](), Totals()
    packages: dict[ServedPackage, None] = {}
    indexes: dict[AskedIndex, None] = {}
    for usage in usages:
        sessions += usage.sessions
        packages |= dict.fromkeys(usage.packages)
        indexes |= dict.fromkeys(usage.indexes)
        hosts.update(usage.not_frozen)
        totals += usage.totals
    return Usage(tuple(sessions), tuple(packages), tuple(indexes), dict(hosts), totals)


def read_session(path: Path) -> Usage:
    """What one session was served; UsageError if its record cannot be read."""
    return parse_session(path.stem, files.lines(path))


def parse_session(session_id: str, lines: Iterable[bytes]) -> Usage:
    """What one session was served, from the lines of its record."""
    reading = _Reading(session_id)
    for record in files.parse_records(lines):
        with suppress(KeyError, TypeError, ValueError):  # torn and mended, or of a later version
            reading.take(record)
    return reading.usage()


class _Reading:
    """The lines of one session's file, put together."""

    def __init__(self, session_id: str) -> None:
        self._id = session_id
        self._session: Session | None = None
        self._packages: dict[ServedPackage, None] = {}
        self._indexes: dict[AskedIndex, None] = {}
        self._hosts: dict[str, int] = {}
        self._totals = Totals()

    def take(self, record: dict[str, Any]) -> None:
        if "package" in record:
            self._packages[ServedPackage.from_record(record["package"])] = None
        elif "index" in record:
            self._indexes[AskedIndex(**record["index"])] = None
        elif "host" in record:
            self._hosts[str(record["host"])] = int(record["requests"])
        elif "totals" in record:
            self._totals = Totals(**record["totals"])
        elif "session" in record:
            started = datetime.fromisoformat(record["session"]["started"])
            self._session = Session(self._id, started, Process.from_record(record["session"]["by"]))
        elif "end" in record and self._session is not None:
            ended, state = datetime.fromisoformat(record["end"]), Digest.parse(record["state"])
            self._session = replace(self._session, ended=ended, state=state)

    def usage(self) -> Usage:
        sessions = () if self._session is None else (replace(self._session, totals=self._totals),)
        return Usage(sessions, tuple(self._packages), tuple(self._indexes), self._hosts, self._totals)
