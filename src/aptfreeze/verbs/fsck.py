# SPDX-License-Identifier: MIT
"""`aptfreeze fsck`: is every file of the archive what its name says, who needs what is not, and, with --repair, right
bytes in its place.

Rule 1: a damaged object stays where it is until right bytes take its place by one rename: whoever serves it meanwhile
finds the damage himself. So a repair that is killed leaves nothing undone that the next one would not find.
Rule 2: only what nobody has goes to quarantine. While it is needed and missing, the next check tells it again.
Rule 3: pinned files come first, then indexes, then what they list.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial

from aptfreeze.archive import checkpoint, survey
from aptfreeze.archive.examine import Finding, Kind, Reading, examine
from aptfreeze.archive.growth import Growth
from aptfreeze.archive.inspection import Inspection
from aptfreeze.archive.layout import Layout, prepare
from aptfreeze.describe.amounts import age_text
from aptfreeze.describe.closure import Part
from aptfreeze.describe.fsck import Checked, Damage, Outcome
from aptfreeze.describe.needs import Need, names, needs
from aptfreeze.describe.progress import ArchiveProgress, FilesProgress, Line
from aptfreeze.describe.tablecheck import false_tables
from aptfreeze.describe.watching import Show, watched
from aptfreeze.environment import config
from aptfreeze.environment.config import Surroundings
from aptfreeze.environment.folder import Environment
from aptfreeze.environment.opened import Opened
from aptfreeze.environment.secure import schemes
from aptfreeze.environment.tenants import tenants
from aptfreeze.errors import AptfreezeError, IntegrityError, StorageError, UsageError
from aptfreeze.fetch.chain import Supplier
from aptfreeze.fetch.gather import gather
from aptfreeze.fetch.lookup import Lookup
from aptfreeze.fetch.mirrors import Mirrors
from aptfreeze.fetch.opened import OpenArchive, open_archive
from aptfreeze.freeze.digest import Digest
from aptfreeze.values import immutable

_ORDER = (Part.ROOT, Part.SINGLE, Part.INDEX, Part.SOURCE_INDEX)
"""What others hide behind, first."""
_OBJECTS = (Kind.OBJECT, Kind.QUARANTINED)


@immutable
class Wish:
    is_repair: bool = False
    is_restart: bool = False
    """An interrupted check is not gone on with."""


def fsck(
    opened: Opened, wish: Wish, now: datetime, *, tell: Callable[[str], None], show: Show | None = None
) -> Checked:
    """Check the whole archive; blocks. UsageError if there is none, StorageError if a repair cannot be written."""
    layout = prepare(opened.settings.archive.path, read_only=True)
    inspection = _inspected(layout, wish, now, tell, show)
    with open_archive(opened.settings, schemes(opened.store)) as archive:
        if wish.is_repair:
            archive.objects.require_writable()
        mending = _Mending(opened, archive, show)
        faults = [*inspection.faults, *mending.false_tables(inspection.faults)]
        damages = mending.repaired(faults) if wish.is_repair else mending.told(faults)
    if wish.is_repair or not damages:
        checkpoint.remove(layout)
    return Checked(
        layout.root,
        inspection.reached.began,
        inspection.reached.began != now,
        inspection.reached.counts,
        survey.amount(layout.root, "partial"),
        tuple(damages),
        wish.is_repair,
    )


def _inspected(layout: Layout, wish: Wish, now: datetime, tell: Callable[[str], None], show: Show | None) -> Inspection:
    begun = None if wish.is_restart else checkpoint.load(layout, now)
    if begun is not None and begun.is_finished and not wish.is_repair:
        begun = None  # it was told already
    if begun is not None:
        what = "repairing what was found by" if begun.is_finished else "going on with"
        tell(f"{what} the check that began {age_text(now - begun.began)} ago; --restart begins anew")
    inspection = Inspection(layout, begun, now, is_saved=os.access(layout.root, os.W_OK))
    try:
        with watched(partial(_look, inspection, ArchiveProgress()), show):
            inspection.run()
    except KeyboardInterrupt:
        tell(f"interrupted after {inspection.reached.counts.objects} objects; the next fsck goes on from there")
        raise
    return inspection


def _look(inspection: Inspection, progress: ArchiveProgress, now: float) -> Line:
    """In the thread that shows it."""
    reached = inspection.reached
    return progress.line(reached.counts.objects, inspection.reading.size, reached.position, now)


class _Mending:
    """Mutable state: who needs what is bad, as far as it is known by now."""

    def __init__(self, opened: Opened, archive: OpenArchive, show: Show | None) -> None:
        self._archive = archive
        self._layout = archive.objects.layout
        self._tenants = tenants(self._layout, opened.environment)
        self._show = show
        self._lookup = archive.lookup(offline=opened.settings.offline.value)
        self._lookups = {each.name: self._lookup_of(each.environment) for each in self._tenants[1:]}
        self._archived = archive.lookup(offline=True)
        self._needs: dict[Digest, tuple[Need, ...]] = {}

    def __repr__(self) -> str:
        return f"<_Mending {self._layout.root}, needs of {len(self._needs)} objects are known>"

    def told(self, faults: Sequence[Finding]) -> list[Damage]:
        """Who needs what; nothing is changed."""
        self._learn(faults)
        return [Damage(each, self._needs_of(each)) for each in self._counting(faults)]

    def repaired(self, faults: Sequence[Finding]) -> list[Damage]:
        """What became of each."""
        damages = [self._set_aside(each) for each in faults if each.kind not in _OBJECTS]
        self._learn(faults)
        objects = [each for each in self._counting(faults) if each.kind in _OBJECTS]
        for each in objects:
            if each.kind is Kind.QUARANTINED:
                self._restore(each)
        missing = {each.digest for each in objects if each.digest and not self._archive.objects.has(each.digest)}
        failures = self._fetched(missing)
        damages += [self._settled(each, failures) for each in objects]
        if any(each.outcome is Outcome.REPAIRED for each in damages):
            self._archive.objects.sync()
        return damages

    def false_tables(self, faults: Iterable[Finding]) -> list[Finding]:
        """Look-up tables that are sound, and do not say what their index says."""
        self._reject(faults)
        told = {each.digest for each in faults if each.kind is Kind.TABLE}
        found = []
        for name in false_tables(self._archived, self._tenants):
            path = self._layout.index(name)
            if name not in told and path.exists():
                file = str(path.relative_to(self._layout.root))
                found.append(
                    Finding(Kind.TABLE, file, path.stat().st_size, "it does not say what its index says", name)
                )
        return found

    # --- who needs what ---

    def _learn(self, faults: Iterable[Finding]) -> None:
        self._reject(faults)
        self._look_up(each.digest for each in faults if each.digest and each.kind is not Kind.ALIAS)

    def _reject(self, faults: Iterable[Finding]) -> None:
        """Damaged objects must not be read here: they would be taken away."""
        for each in faults:
            if each.kind is Kind.OBJECT and each.digest:
                self._archive.objects.reject(each.digest)

    def _look_up(self, digests: Iterable[Digest]) -> None:
        sought = names(self._layout, set(digests))
        found: dict[Digest, dict[tuple[object, ...], Need]] = {}
        for tenant in self._tenants if sought else ():
            for need in needs(self._archived, tenant, sought):
                place = (need.environment, need.found.piece.part, need.found.piece.path)
                found.setdefault(need.found.sha256, {}).setdefault(place, need)
        self._needs |= {sha256: tuple(each.values()) for sha256, each in found.items()}

    def _needs_of(self, finding: Finding) -> tuple[Need, ...]:
        return self._needs.get(finding.digest, ()) if finding.digest else ()

    def _counting(self, faults: Iterable[Finding]) -> Iterator[Finding]:
        """What lies in quarantine is a loss only for who needs it, and once, however often it was put there."""
        lost = set()
        for each in faults:
            if each.kind is not Kind.QUARANTINED:
                yield each
            elif self._needs_of(each) and each.digest not in lost:
                lost.add(each.digest)
                yield each

    # --- what is not fetched ---

    def _set_aside(self, finding: Finding) -> Damage:
        path = self._layout.root / finding.file
        try:
            if finding.kind in (Kind.ALIAS, Kind.TABLE):
                path.unlink(missing_ok=True)
                return Damage(finding, self._needs_of(finding), Outcome.DELETED)
            if path.is_file() and not path.is_symlink():
                with path.open("rb") as opened:
                    sha256 = Reading().fingerprint(opened.fileno()).sha256
                path.rename(self._layout.quarantined(sha256))
                return Damage(finding, (), Outcome.PUT_AWAY)
        except OSError as error:
            return Damage(finding, (), Outcome.BAD, f"it is left where it is: {error.strerror or error}")
        return Damage(finding, (), Outcome.BAD, "it is left where it is: aptfreeze did not make it")

    def _restore(self, finding: Finding) -> None:
        """Back from quarantine, if its bytes are right: what was wrong was something else."""
        path = self._layout.root / finding.file
        with suppress(OSError), path.open("rb") as opened:
            sha256 = Reading().fingerprint(opened.fileno()).sha256
            if sha256 == finding.digest:
                self._archive.objects.adopt(path, sha256)

    # --- what is fetched ---

    def _fetched(self, wanted: set[Digest]) -> dict[Digest, AptfreezeError]:
        """Have right bytes of these, as far as possible; why the others could not be had."""
        failures: dict[Digest, AptfreezeError] = {}
        while todo := self._next(wanted - failures.keys()):
            progress, done = FilesProgress(len(todo), None), list[Digest]()
            with watched(partial(self._look, progress, done), self._show):
                for sha256, error in gather(todo, self._begin, self._archive.downloads.at_once):
                    done.append(sha256)
                    if isinstance(error, StorageError):
                        raise error
                    if error is not None or not self._archive.objects.has(sha256):
                        failures[sha256] = error or IntegrityError("it came, and is gone again")
            wanted = {each for each in wanted if not self._archive.objects.has(each)}
            self._look_up(wanted)
        return failures

    def _next(self, wanted: set[Digest]) -> list[Digest]:
        """What of these can be fetched now, as far as it is of one stage."""
        stages = {sha256: min(map(_stage, self._needs[sha256])) for sha256 in wanted if self._needs.get(sha256)}
        first = min(stages.values(), default=0)
        return sorted(sha256 for sha256, stage in stages.items() if stage == first)

    def _begin(self, sha256: Digest) -> Growth:
        suppliers: dict[Supplier, None] = {}
        for need in self._needs[sha256]:
            if need.found.data is not None:
                self._archive.objects.put(need.found.data)
            lookup = self._lookups.get(need.environment, self._lookup)
            suppliers |= dict.fromkeys(need.found.suppliers(lookup))
        wanted = self._needs[sha256][0].found.piece.forms[0].wanted
        return self._archive.downloads.join(wanted, tuple(suppliers))

    def _lookup_of(self, environment: Environment | None) -> Lookup:
        """Files of another environment come from the mirrors that its own settings name, if these can be read."""
        lookup, mirrors = self._lookup, self._lookup.mirrors
        if environment is not None:
            with suppress(UsageError):
                mirrors = Mirrors(
                    config.load(environment, Surroundings({}, environment.root), {}).mirrors, mirrors.schemes
                )
        return Lookup(
            lookup.objects, lookup.indexes, lookup.downloads, mirrors, lookup.snapshots, offline=lookup.offline
        )

    def _look(self, progress: FilesProgress, done: Sequence[Digest], now: float) -> Line:
        """In the thread that shows it."""
        return progress.line(len(done), 0, self._archive.downloads.running(), now)

    def _settled(self, finding: Finding, failures: dict[Digest, AptfreezeError]) -> Damage:
        assert finding.digest is not None
        known = self._needs_of(finding)
        if self._archive.objects.has(finding.digest) or self._is_right_again(finding):
            return Damage(finding, known, Outcome.REPAIRED)
        if finding.kind is Kind.OBJECT:
            self._archive.objects.quarantine(finding.digest, finding.fault)
        failure = failures.get(finding.digest)
        reason = failure.message if failure else "nobody knows where it came from"
        return Damage(finding, known, Outcome.MISSING, reason)

    def _is_right_again(self, finding: Finding) -> bool:
        """Whether another process was faster."""
        assert finding.digest is not None
        file = str(self._layout.object(finding.digest).relative_to(self._layout.root))
        found = examine(self._layout, file, Reading())
        return found is not None and not found.fault


def _stage(need: Need) -> int:
    part = need.found.piece.part
    return _ORDER.index(part) if part in _ORDER else len(_ORDER)
