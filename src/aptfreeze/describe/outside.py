# SPDX-License-Identifier: MIT
"""Source packages that no pinned suite lists, from a snapshot service: outside the signed chain.

Rule 1: the service names the `.dsc` by its sha1; what that is, its own text says, and it lists the other files by their
sha256. A `.dsc` of another name or version is none.
Rule 2: what was found once is known by its sha256 from then on, and nobody is asked again.
"""

from collections.abc import Iterable, Sequence

from aptfreeze.deb.deb822 import ParseError
from aptfreeze.deb.dsc import SourceDescription
from aptfreeze.describe.amounts import counted
from aptfreeze.describe.closure import Part, Piece
from aptfreeze.describe.correspondence import Source
from aptfreeze.describe.obtaining import Obtaining
from aptfreeze.describe.progress import Line
from aptfreeze.describe.sourcedescription import LARGEST_DSC, described
from aptfreeze.describe.sourcepackage import Chain, SourcePackage, Unfound
from aptfreeze.describe.watching import watched
from aptfreeze.environment.outside import OutsideSource, OutsideSources
from aptfreeze.errors import MissingUpstreamError, UpstreamError
from aptfreeze.fetch.source_copies import description_of, usual_name
from aptfreeze.fetch.states import Archive
from aptfreeze.freeze.catalog import IndexEntry
from aptfreeze.freeze.digest import Algorithm, Digest, Wanted
from aptfreeze.freeze.outcome import SuiteFile
from aptfreeze.values import immutable

_Found = SourcePackage | Unfound


@immutable
class _Clue:
    """Where the `.dsc` of a source package is."""

    archive: Archive
    name: str
    wanted: Wanted


class OutsideSearch:
    """Mutable: what was remembered of earlier searches."""

    def __init__(self, obtaining: Obtaining, archives: Sequence[Archive]) -> None:
        """`archives` are those of the pinned repositories, one for each service."""
        self._obtaining = obtaining
        self._archives = archives
        self._remembered = OutsideSources(obtaining.opened.environment.outside)

    def __repr__(self) -> str:
        return f"<OutsideSearch at {counted(len(self._archives), 'service')}>"

    def find(self, sources: Iterable[Source]) -> dict[Source, _Found]:
        """Each of these, as far as a service has it. Blocks; StorageError if the archive cannot be written."""
        found: dict[Source, _Clue | Unfound] = {}
        wanted = list(dict.fromkeys(sources))
        with watched(lambda now: _line(len(found), len(wanted)), self._obtaining.show):
            for source in wanted:
                found[source] = self._clue(source)
        descriptions = {source: self._piece(source, clue) for source, clue in found.items() if isinstance(clue, _Clue)}
        self._obtaining.have(list(descriptions.values()))
        return {
            source: clue if isinstance(clue, Unfound) else self._package(source, clue, descriptions[source])
            for source, clue in found.items()
        }

    def _clue(self, source: Source) -> _Clue | Unfound:
        known = self._remembered.get(*source)
        if known is not None:
            return _Clue(Archive(known.archive), usual_name(*source), Wanted(known.dsc))
        if self._obtaining.forbidden_by is not None:
            return Unfound((f"{self._obtaining.forbidden_by} forbids to ask a snapshot service",), None)
        if not self._archives:
            return Unfound(("no snapshot service is known for the pinned suites",), True)
        return self._asked(source)

    def _asked(self, source: Source) -> _Clue | Unfound:
        """The services, one after the other."""
        tried, is_gone = [], True
        means = self._obtaining.archive
        for archive in self._archives:
            try:
                copies = means.snapshots.source_copies(means.downloads, archive, *source)
            except UpstreamError as error:
                tried.append(error.message)
                is_gone = is_gone and isinstance(error, MissingUpstreamError)
                continue
            copy = description_of(copies, *source)
            if copy is not None:
                return _Clue(archive, copy.name, Wanted(Digest(Algorithm.SHA1, copy.sha1), copy.size))
            tried.append(f"{archive.service} has no .dsc of it")
        return Unfound(tuple(tried), is_gone)

    def _piece(self, source: Source, clue: _Clue) -> Piece:
        entry = IndexEntry(clue.wanted, *source, "source")
        suppliers = self._obtaining.archive.snapshots.source_suppliers(clue.archive, entry, clue.name)
        name = f"{entry.package} {entry.version} {clue.name}"
        return Piece(Part.SOURCE, name, (SuiteFile(clue.wanted, clue.name),), entry=entry, elsewhere=tuple(suppliers))

    def _package(self, source: Source, clue: _Clue, description: Piece) -> _Found:
        """What a `.dsc` describes that the archive has by now."""
        objects = self._obtaining.archive.objects
        sha256 = objects.resolve(clue.wanted.digest)
        data = None if sha256 is None else objects.read(sha256, LARGEST_DSC)
        if sha256 is None or data is None:
            lacking = self._obtaining.lack_of(description)
            if lacking is None:
                return Unfound((f"its {clue.name} was damaged in the archive, and is fetched anew next time",), False)
            return Unfound((lacking.reason,), lacking.is_gone)
        try:
            listed = _of_source(data, source)
        except ParseError as error:
            return Unfound((f"what {clue.archive.service} has as {clue.name} is not its .dsc: {error}",), True)
        self._remember(source, clue, sha256)
        named = {clue.name: Wanted(sha256, len(data))}
        named |= {file.path: Wanted.from_hashes(file.hashes, file.size) for file in listed.files.values()}
        clues = (_Clue(clue.archive, name, wanted) for name, wanted in named.items())
        return SourcePackage(*source, Chain.SNAPSHOT, tuple(self._piece(source, each) for each in clues))

    def _remember(self, source: Source, clue: _Clue, dsc: Digest) -> None:
        if not self._obtaining.opened.store.is_read_only:
            self._remembered.remember(OutsideSource(*source, dsc, clue.archive.url))


def _line(asked: int, all_of_them: int) -> Line:
    return Line(f"asking snapshot services for {asked} of {counted(all_of_them, 'source package')}")


def _of_source(data: bytes, source: Source) -> SourceDescription:
    """ParseError if it describes another source package, or is no `.dsc`."""
    found = described(data)
    if (found.name, found.version) != source:
        raise ParseError(f"it describes {found.name} {found.version}")
    return found
