# SPDX-License-Identifier: MIT
"""Where the source packages are that binaries demand: in the pinned suites, else at a snapshot service.

Rule 1: name and version decide; the suite of the binary comes first, then the others of its repository, then all.
Rule 2: the Sources of the components that the binaries are in are fetched, and what is at hand is read; Sources of all
pinned suites are fetched only while something is not found, and a snapshot service is asked only then.
Rule 3: for what may be missing (`[[exception]]`) nobody is asked.
"""

from collections.abc import Iterable, Iterator

from aptfreeze.deb.paths import pool_component
from aptfreeze.deb.release import IndexName
from aptfreeze.describe import closure
from aptfreeze.describe.closure import Chosen, Part, Piece
from aptfreeze.describe.correspondence import Source, SourceLists
from aptfreeze.describe.fetched import Lacking
from aptfreeze.describe.obtaining import Obtaining
from aptfreeze.describe.outside import OutsideSearch
from aptfreeze.describe.sourcepackage import Chain, SourcePackage, Unfound
from aptfreeze.errors import AptfreezeError
from aptfreeze.fetch.states import Archive
from aptfreeze.freeze.generation import BarePackages, Generation, Pin, SuiteKey
from aptfreeze.values import immutable


@immutable
class Demand:
    """A source package, and from where it is looked for."""

    suite: SuiteKey | None
    """Of the binary; None: it is in no pinned one."""
    source: Source
    may_lack: bool = False


@immutable
class _Index:
    """A Sources index of a pinned suite."""

    key: SuiteKey
    pin: Pin
    name: IndexName

    def pieces(self, obtaining: Obtaining) -> Iterator[Piece]:
        chosen = Chosen(self.key, self.pin, ())
        return closure.index_piece(obtaining.archived, chosen, Part.SOURCE_INDEX, self.name.path)


class SourceSearch:
    """Mutable: what was found, what could not be looked into, and what a snapshot service said."""

    def __init__(self, obtaining: Obtaining, generation: Generation, demands: Iterable[Demand]) -> None:
        self._obtaining = obtaining
        self._generation = generation
        self._demands = list(dict.fromkeys(demands))
        self._lists = SourceLists(obtaining.archived, {each.source[0] for each in self._demands})
        self._unread: list[tuple[str, bool | None]] = []
        self._outside: dict[Source, SourcePackage | Unfound] = {}

    def run(self, binaries: Iterable[Piece]) -> None:
        """Look for them all. Blocks, and fetches what it needs; IntegrityError for an index that cannot be read.

        `binaries` are the package files whose components come first.
        """
        indexes = list(self._pinned_indexes())
        left = self._read(indexes, _near(indexes, binaries))
        if self._missing():
            left = self._read(left, [index for index in left if not self._lacks(index)])
            self._tell_unread(left)
        if missing := self._missing():
            self._outside = OutsideSearch(self._obtaining, list(self._archives())).find(missing)

    def answer(self, demand: Demand) -> SourcePackage | Unfound:
        """What was found of one of the demands."""
        pieces = self._lists.find(demand.suite, demand.source)
        if pieces:
            pin = pieces[0].pin
            chain = Chain.SIGNED if pin and pin.signers else Chain.UNSIGNED
            return SourcePackage(*demand.source, chain, pieces)
        found = self._outside.get(demand.source)
        if isinstance(found, SourcePackage):
            return found
        return self._unfound(found or Unfound((), True))

    def found(self) -> Iterator[SourcePackage]:
        """All that were found, also those that may lack."""
        answers = (self.answer(demand) for demand in self._demands)
        return (each for each in answers if isinstance(each, SourcePackage))

    def _unfound(self, outside: Unfound) -> Unfound:
        """With what is wrong with the pinned suites' own lists."""
        verdicts = [*(is_gone for _, is_gone in self._unread), outside.is_gone]
        is_gone = None if None in verdicts else all(verdicts)
        unread = (f"{name} could not be looked into" for name, _ in self._unread)
        return Unfound(("no Sources index of a pinned suite lists it", *unread, *outside.tried), is_gone)

    def _missing(self) -> list[Source]:
        return [
            each.source for each in self._demands if not each.may_lack and not self._lists.find(each.suite, each.source)
        ]

    def _pinned_indexes(self) -> Iterator[_Index]:
        for key, pin in sorted(self._generation.pins.items()):
            if isinstance(pin.root, BarePackages):
                continue
            try:
                release = self._obtaining.archived.release(key, pin)
            except AptfreezeError as error:
                self._unread.append((f"the Release of {key}", self._is_gone(key, error)))
                continue
            yield from (_Index(key, pin, name) for name in release.source_indexes())

    def _is_gone(self, key: SuiteKey, error: AptfreezeError) -> bool | None:
        """What came of the attempt to have the pinned file of a suite."""
        lacks = (each.is_gone for each in self._obtaining.lacking if (each.part, each.suite) == (Part.ROOT, key))
        return next(lacks, False)

    def _read(self, indexes: Iterable[_Index], wanted: Iterable[_Index]) -> list[_Index]:
        """Have those that are wanted, and read all that are at hand; which are not, comes back."""
        self._obtaining.have([piece for index in wanted for piece in index.pieces(self._obtaining)])
        return [index for index in indexes if not self._lists.read(index.key, index.pin, index.name.path)]

    def _tell_unread(self, left: Iterable[_Index]) -> None:
        for index in left:
            for lacking in self._lacks(index):
                self._unread.append((f"{lacking.name} of {index.key}", lacking.is_gone))

    def _lacks(self, index: _Index) -> list[Lacking]:
        """Why it could not be had, if that was tried."""
        lacks = (self._obtaining.lack_of(piece) for piece in index.pieces(self._obtaining))
        return [each for each in lacks if each is not None]

    def _archives(self) -> Iterator[Archive]:
        """One for each snapshot service that keeps a pinned repository."""
        known: set[str] = set()
        for key, pin in sorted(self._generation.pins.items()):
            url = self._obtaining.archive.snapshots.archive_url(key.repository, self._origin(key, pin))
            if url is not None and Archive(url).service and Archive(url).service not in known:
                known.add(Archive(url).service)
                yield Archive(url)

    def _origin(self, key: SuiteKey, pin: Pin) -> str | None:
        if isinstance(pin.root, BarePackages):
            return None
        try:
            return self._obtaining.archived.release(key, pin).origin
        except AptfreezeError:
            return None


def _near(indexes: Iterable[_Index], binaries: Iterable[Piece]) -> list[_Index]:
    """Those of the components that binaries are in, by their paths; where these tell none, all of their suite."""
    components: dict[SuiteKey, set[str]] = {}
    for piece in binaries:
        if piece.suite is not None:
            components.setdefault(piece.suite, set()).add(pool_component(f"/{piece.forms[0].relative}"))
    found = []
    for key, named in components.items():
        of_suite = [index for index in indexes if index.key == key]
        found += [each for each in of_suite if each.name.component.rpartition("/")[2] in named] or of_suite
    return found
