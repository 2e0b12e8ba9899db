# SPDX-License-Identifier: MIT
"""The sources of what is shipped: for each binary package each source package that it demands, and what came of it.

Rule 1: a source package counts when the archive holds all of its files.
Rule 2: what is missing is told with all that was tried; only an exception that somebody made for it lets it pass.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from aptfreeze.describe import closure
from aptfreeze.describe.closure import Part, Piece
from aptfreeze.describe.correspondence import Source
from aptfreeze.describe.obtaining import Obtaining
from aptfreeze.describe.shipped import How, Shipped
from aptfreeze.describe.sourcepackage import Chain, SourcePackage, Unfound
from aptfreeze.describe.sourcesearch import Demand, SourceSearch
from aptfreeze.errors import IntegrityError, UpstreamError
from aptfreeze.freeze.digest import Digest
from aptfreeze.freeze.generation import Generation, SuiteKey
from aptfreeze.settings import Exemption, Lack
from aptfreeze.values import immutable


@immutable
class KeptFile:
    """One file of a source package that the archive holds."""

    name: str
    """Without folders, as the index has it; it came from the network."""
    digest: Digest
    """Its sha256."""
    size: int


@immutable
class Kept:
    """A source package that the archive holds whole."""

    name: str
    version: str
    suite: SuiteKey | None
    """None: it is in no pinned one."""
    chain: Chain
    files: tuple[KeptFile, ...]
    """Sorted by name."""


@immutable
class MissingFile:
    """One file that is listed and could not be had."""

    name: str
    digest: Digest
    size: int | None
    reason: str


@immutable
class Missing:
    """A source package that could not be had."""

    name: str
    """Empty: of which source the package is, is not known."""
    version: str
    tried: tuple[str, ...]
    """Where a source package that nobody lists was looked for, and what came of it."""
    files: tuple[MissingFile, ...]
    """What is missing of one that is listed."""
    is_gone: bool | None
    """Whether it is not to be had anywhere; else it may be another time. None: not all were asked that may be asked."""


@immutable
class Sourced:
    """One source package that a binary package demands, and what came of it."""

    shipped: Shipped
    how: How
    source: Source
    answer: Kept | Missing
    exemption: Exemption | None = None
    """Why it may be missing, if it is."""


@immutable
class CopyrightFile:
    """Of one binary package."""

    shipped: Shipped
    content: bytes | None
    reason: str = ""
    """Why there is none."""
    is_gone: bool | None = True
    """Of a .deb that could not be had: as of a piece that is lacking."""
    is_lacking: bool = False
    """Whether the .deb could not be had."""


@immutable
class Shipment:
    """All of it, for one generation and maybe one image."""

    generation: Generation
    state: Digest
    image: Path | None
    """None: what runs of the generation were served."""
    packages: tuple[Shipped, ...]
    sourced: tuple[Sourced, ...]
    """In the order of the packages."""
    held: int
    """So many files were in the archive before."""
    fetched: int
    received: Mapping[str, int]
    """Bytes by host."""
    notices: tuple[str, ...] = ()
    copyrights: tuple[CopyrightFile, ...] = ()

    @property
    def kept(self) -> list[Kept]:
        """Every source package that is there, once, sorted."""
        found = {id(each.answer): each.answer for each in self.sourced if isinstance(each.answer, Kept)}
        return sorted(found.values(), key=lambda each: (each.name, each.version, str(each.suite)))

    @property
    def missing(self) -> list[tuple[Missing, list[Sourced]]]:
        """What is missing and may not be, with who demands it; sorted."""
        found: dict[Missing, list[Sourced]] = {}
        for each in self.sourced:
            if isinstance(each.answer, Missing) and each.exemption is None:
                found.setdefault(each.answer, []).append(each)
        return sorted(found.items(), key=lambda item: (item[0].name, item[0].version, str(item[1][0].shipped)))

    @property
    def excepted(self) -> list[Sourced]:
        """What is missing and may be."""
        return [each for each in self.sourced if isinstance(each.answer, Missing) and each.exemption is not None]

    @property
    def exit_status(self) -> int:
        """3 if something cannot be had anywhere, or nobody was asked; 4 if it may be had another time."""
        verdicts = [missing.is_gone for missing, _ in self.missing]
        verdicts += [each.is_gone for each in self.copyrights if each.is_lacking]
        if any(each is not False for each in verdicts):
            return IntegrityError.exit_code
        return UpstreamError.exit_code if verdicts else 0


def demands(shipped: Iterable[Shipped], exemptions: Collection[Exemption]) -> Iterator[Demand]:
    """What has to be looked for."""
    for package in shipped:
        for how, source in package.demands() if package.is_described else ():
            yield Demand(package.suite, source, package.exemption(exemptions, how, source) is not None)


def unused(shipped: Iterable[Shipped], exemptions: Collection[Exemption]) -> Iterator[str]:
    """A notice for each exception that fits nothing that is shipped."""
    left = dict.fromkeys(each for each in exemptions if Lack.SOURCE in each.lacks)
    for package in shipped if left else ():
        for how, source in package.demands():
            for each in [each for each in left if package.exemption((each,), how, source)]:
                del left[each]
    for each in left:
        version = f" {each.version}" if each.version else ""
        yield f"the exception for {each.package}{version} fits nothing that is shipped: {each.reason}"


class Accounting:
    """What came of each demand, once all was to be had. Mutable: source packages that were looked at already."""

    def __init__(self, obtaining: Obtaining, search: SourceSearch, exemptions: Sequence[Exemption]) -> None:
        self._obtaining = obtaining
        self._search = search
        self._exemptions = exemptions
        self._by_demand: dict[Demand, Kept | Missing] = {}
        self._by_home: dict[tuple[Source, SuiteKey | None], Kept | Missing] = {}

    def sourced(self, packages: Iterable[Shipped]) -> Iterator[Sourced]:
        for package in packages:
            for how, source in package.demands():
                answer = self._answer(package, source)
                may_lack = isinstance(answer, Missing)
                exemption = package.exemption(self._exemptions, how, source) if may_lack else None
                yield Sourced(package, how, source, answer, exemption)

    def _answer(self, package: Shipped, source: Source) -> Kept | Missing:
        if not package.is_described:
            return self._undescribed(package)
        demand = Demand(package.suite, source)
        if demand not in self._by_demand:
            self._by_demand[demand] = self._looked_at(demand)
        return self._by_demand[demand]

    def _looked_at(self, demand: Demand) -> Kept | Missing:
        found = self._search.answer(demand)
        if isinstance(found, Unfound):
            return Missing(*demand.source, found.tried, (), found.is_gone)
        home = (demand.source, found.suite)
        if home not in self._by_home:
            self._by_home[home] = self._kept(found)
        return self._by_home[home]

    def _undescribed(self, package: Shipped) -> Missing:
        parts = (Part.ROOT, Part.INDEX)
        lacking = [each for each in self._obtaining.lacking if each.part in parts and each.suite == package.suite]
        told = (f"no index at hand lists {package}, so that its source is not known",)
        unread = (f"{each.name} of {each.suite}: {each.reason}" for each in lacking)
        return Missing("", "", (*told, *unread), (), next((each.is_gone for each in lacking), True))

    def _kept(self, found: SourcePackage) -> Kept | Missing:
        objects = self._obtaining.archive.objects
        files, missing, verdicts = [], [], []
        for piece in sorted(found.pieces, key=_file_name):
            wanted = piece.forms[0].wanted
            digest = objects.resolve(wanted.digest)
            if closure.held_form(objects, piece) is None or digest is None:
                lacking = self._obtaining.lack_of(piece)
                reason = lacking.reason if lacking else "it was damaged in the archive"
                verdicts.append(lacking.is_gone if lacking else False)
                missing.append(MissingFile(_file_name(piece), wanted.digest, wanted.size, reason))
            else:
                files.append(KeptFile(_file_name(piece), digest, wanted.size or 0))
        if missing:
            is_gone = None if None in verdicts else all(verdicts)
            return Missing(found.name, found.version, (), tuple(missing), is_gone)
        return Kept(found.name, found.version, found.suite, found.chain, tuple(files))


def _file_name(piece: Piece) -> str:
    return piece.forms[0].relative.rpartition("/")[2]
