# SPDX-License-Identifier: MIT
"""`aptfreeze import`: bring an export's environment and archive back, here or at another site.

Rule 1: nothing of it is believed: each file is checked against export.json as it comes, each object against its hash,
the state digest against the lock file, and in the end whether all that the pins lead to is there.
Rule 2: no name in it becomes the name of a file: objects are named by their hashes, the documents of an environment
by us.
Rule 3: objects first, then records and configuration, then the lock file. An import that ended early leaves good
objects and no environment.
"""

import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from aptfreeze.archive import intake
from aptfreeze.archive.incoming import Arrival, Incoming, IncomingFolder, IncomingTar
from aptfreeze.archive.objects import Objects
from aptfreeze.archive.placing import How
from aptfreeze.describe import closure, manifest
from aptfreeze.describe.amounts import counted, size_text
from aptfreeze.describe.extent import Extent, Wish
from aptfreeze.describe.manifest import Listed, Manifest
from aptfreeze.describe.progress import FilesProgress
from aptfreeze.describe.sourcelist import keyring_name
from aptfreeze.describe.watching import Show, watched
from aptfreeze.environment import bringing, files, generations, records
from aptfreeze.environment.bringing import Brought, Outcome, Outcomes
from aptfreeze.environment.known import open_archive_for
from aptfreeze.environment.opened import Opened
from aptfreeze.environment.pinner import make_judges
from aptfreeze.environment.records import Usage
from aptfreeze.environment.vouching import Vouched, vouched
from aptfreeze.errors import IntegrityError, UsageError
from aptfreeze.fetch.opened import OpenArchive
from aptfreeze.freeze.digest import Digest, Wanted
from aptfreeze.freeze.generation import Generation, SuiteKey
from aptfreeze.freeze.lockfile import state_digest
from aptfreeze.values import immutable

_LOCK, _CONFIG, _ABSENT = "aptfreeze.lock", "aptfreeze.toml", "absent.jsonl"
_LARGEST_DOCUMENT = 64 << 20
"""Bytes."""
_RECORD = re.compile(r"records/([0-9a-f]{32})/([0-9TZ]+-[0-9a-f]+)\.jsonl")
_NAMED = 20


@immutable
class Imported:
    manifest: Manifest
    generation: Generation
    new: int
    """Objects that the archive did not have."""
    new_size: int
    """In bytes."""
    linked: int
    """Of the new ones, those that share their bytes with the folder they came from."""
    outcomes: Outcomes
    environment: Path
    signatures: tuple[Vouched, ...]
    """Of each pin."""

    def lines(self) -> Iterator[str]:
        objects = len({each.sha256 for each in self.manifest.files.values() if each.is_object})
        yield f"{counted(objects, 'file')} for the archive: {self.new} were new, {size_text(self.new_size)}"
        where = {Outcome.NEW: "is now", Outcome.SAME: "was already"}[self.outcomes.generation]
        yield f"generation {self.generation.id} {where} that of {self.environment}"
        yield f"state {self.manifest.state}"
        for each in self.signatures:
            yield each.text
        if self.outcomes.config is Outcome.KEPT:
            yield "aptfreeze.toml here is another one than that of the export, and was left as it is"
        if self.manifest.left_out:
            yield f"of aptfreeze.toml, these stayed at the other machine: {', '.join(self.manifest.left_out)}"

    def data(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "generation": self.generation.id,
            "state": str(self.manifest.state),
            "scope": self.manifest.scope,
            "with_sources": self.manifest.with_sources,
            "environment": str(self.environment),
            "files": len(self.manifest.files),
            "bytes": self.manifest.size,
            "new": self.new,
            "new_bytes": self.new_size,
            "linked": self.linked,
            "lock": self.outcomes.generation,
            "config": self.outcomes.config,
            "records": self.outcomes.records,
            "left_out": list(self.manifest.left_out),
            "signatures": [
                {
                    "repository": each.key.repository,
                    "suite": each.key.suite,
                    "signature": each.check.verdict,
                    "signature_text": each.check.text,
                    "by_own_keyrings": each.is_by_own,
                }
                for each in self.signatures
            ],
        }


def import_(opened: Opened, source: str | IO[bytes], *, show: Show | None = None) -> Imported:
    """Bring the export at `source`, a folder, a tar archive or an open stream of one.

    UsageError for what is none, IntegrityError for one that is damaged or incomplete, RefusedError if this environment
    has another generation, StorageError if the archive cannot be written.
    """
    with _incoming(source) as (incoming, name), open_archive_for(opened.store, opened.settings) as archive:
        listed = Manifest.parse(incoming.first(manifest.NAME, manifest.LARGEST))
        receiving = _Receiving(opened, archive.objects, listed, name)
        _receive(receiving, incoming, show)
        generation = receiving.complete()
        _refuse_gaps(archive, generation, receiving)
        judges = make_judges(opened.settings, lambda: datetime.now(UTC))
        signatures = tuple(vouched(archive.objects, judges, generation, receiving.keyrings(generation)))
        archive.objects.sync()
        documents = receiving.documents
        brought = Brought(generation, documents.get(_CONFIG), receiving.sessions, documents.get(_ABSENT, b""))
        outcomes = bringing.bring(opened.store, brought)
        return Imported(
            listed,
            generation,
            receiving.new,
            receiving.new_size,
            receiving.linked,
            outcomes,
            opened.environment.root,
            signatures,
        )


@contextmanager
def _incoming(source: str | IO[bytes]) -> Iterator[tuple[Incoming, str]]:
    """With what messages call it."""
    if not isinstance(source, str):
        yield IncomingTar(source, "stdin"), "stdin"
        return
    path = Path(source)
    with files.told_as_usage("read", path):
        is_folder = stat.S_ISDIR(path.stat().st_mode)
        stream = None if is_folder else path.open("rb")
    if stream is None:
        yield IncomingFolder(path), source
        return
    with stream:
        yield IncomingTar(stream, source), source


def _receive(receiving: "_Receiving", incoming: Incoming, show: Show | None) -> None:
    listed = receiving.manifest
    done: list[int] = []
    progress = FilesProgress(len(listed.files), listed.size)
    with watched(lambda now: progress.line(len(done), sum(done), (), now), show):
        for arrival in incoming.files(listed.files):
            receiving.take(arrival)
            done.append(arrival.size)


class _Receiving:
    """Mutable state: what is still to come, the documents, and how many objects were new."""

    def __init__(self, opened: Opened, objects: Objects, listed: Manifest, name: str) -> None:
        self.manifest = listed
        self.documents: dict[str, bytes] = {}
        self.new = self.new_size = self.linked = 0
        self._opened = opened
        self._objects = objects
        self._name = name
        self._missing = dict(listed.files)
        self._generation: Generation | None = None

    def __repr__(self) -> str:
        return f"<_Receiving {len(self._missing)} of {len(self.manifest.files)} files to come>"

    def take(self, arrival: Arrival) -> None:
        if arrival.path == manifest.SUMS:
            return  # export.json says the same
        listed = self._missing.pop(arrival.path, None)
        if listed is None:
            twice = arrival.path in self.manifest.files
            why = "has twice" if twice else f"has, and {manifest.NAME} does not list"
            raise UsageError(f"{self._name} {why}: {arrival.path!r:.200}", hint="have the export made again")
        if arrival.size != listed.size:
            raise IntegrityError(f"{self._name}: {listed.path} has {arrival.size} bytes instead of {listed.size}")
        if listed.is_object:
            self._take_object(arrival, listed)
        else:
            self._take_document(arrival, listed)

    def _take_object(self, arrival: Arrival, listed: Listed) -> None:
        wanted = Wanted(listed.sha256, listed.size, listed.also)
        name = f"{listed.path} in {self._name}"
        if arrival.file is None:
            how = intake.take(self._objects, wanted, arrival.pieces, name)
        else:
            how = intake.take_file(self._objects, wanted, arrival.file, arrival.pieces, name)
        if how is not None:
            self.new += 1
            self.new_size += listed.size
            self.linked += how is not How.COPIED

    def _take_document(self, arrival: Arrival, listed: Listed) -> None:
        data = arrival.read(_LARGEST_DOCUMENT)
        if Digest.of(data) != listed.sha256:
            raise IntegrityError(
                f"{listed.path} in {self._name} is damaged: {Digest.of(data)} instead of {listed.sha256}"
            )
        self.documents[listed.path] = data
        if listed.path == _LOCK:
            self._generation = self._checked(generations.decoded(data, f"{_LOCK} in {self._name}"))

    def _checked(self, generation: Generation) -> Generation:
        """As early as it can be told: the rest may be large."""
        if (generation.id, state_digest(generation)) != (self.manifest.generation, self.manifest.state):
            raise IntegrityError(
                f"{_LOCK} in {self._name} is generation {generation.id}, {state_digest(generation)}, and "
                f"{manifest.NAME} says {self.manifest.generation}, {self.manifest.state}",
                hint="have the export made again",
            )
        bringing.refuse_another(self._opened.store, generation)
        return generation

    def complete(self) -> Generation:
        """The generation; IntegrityError if something did not come."""
        if self._missing:
            names = ", ".join([*self._missing][:3])
            raise IntegrityError(
                f"{self._name} lacks {counted(len(self._missing), 'file')} that {manifest.NAME} lists: {names}",
                hint="copy it again; the import can simply be repeated",
            )
        if self._generation is None:
            raise UsageError(f"{self._name} has no {_LOCK}", hint="name what aptfreeze export made")
        return self._generation

    @property
    def sessions(self) -> dict[str, bytes]:
        """The records of the generation, by session id."""
        found = {path: _RECORD.fullmatch(path) for path in self.documents}
        return {
            match[2]: self.documents[path]
            for path, match in found.items()
            if match and match[1] == self.manifest.generation
        }

    def keyrings(self, generation: Generation) -> dict[SuiteKey, bytes]:
        """Those that came along, by suite."""
        places = {key: f"keyrings/{keyring_name(key)}" for key in generation.pins}
        return {key: self.documents[path] for key, path in places.items() if path in self.documents}

    @property
    def usage(self) -> Usage:
        return records.together(records.parse_session(name, data.split(b"\n")) for name, data in self.sessions.items())


def _refuse_gaps(archive: OpenArchive, generation: Generation, receiving: _Receiving) -> None:
    """IntegrityError unless all that the pins lead to, as far as it was chosen, is in the archive."""
    listed = receiving.manifest
    lookup = archive.lookup(offline=True)
    wish = Wish(listed.scope == "all", listed.with_sources)
    extent = Extent(lookup, generation, receiving.usage, frozenset(listed.architectures), wish)
    suites = extent.suites()
    indexes = [piece for suite in suites for piece in closure.index_pieces(lookup, suite)]
    packages, _ = extent.packages(suites)
    pieces = (*closure.roots(generation), *indexes, *packages)
    gaps = [each for each in pieces if closure.held_form(archive.objects, each) is None]
    if gaps:
        named = "".join(f"\n{piece.part} {piece.name} ({piece.path})" for piece in gaps[:_NAMED])
        raise IntegrityError(
            f"the export is not complete: its pins lead to {counted(len(gaps), 'file')} that it lacks{named}",
            hint="have it made again; nothing but objects was stored",
        )
