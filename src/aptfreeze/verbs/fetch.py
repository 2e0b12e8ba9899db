# SPDX-License-Identifier: MIT
"""`aptfreeze fetch`: make the archive complete for the current generation.

Pinned files come first, then the indexes that they list, then the package files that those list: each stage tells what
the next one is. What cannot be had is told in the end and hinders nothing else.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

from aptfreeze.archive.growth import Growth
from aptfreeze.describe import closure
from aptfreeze.describe.amounts import counted, size_text
from aptfreeze.describe.closure import Chosen, Part, Piece
from aptfreeze.describe.correspondence import correspondence
from aptfreeze.describe.fetched import Fetched, Lacking
from aptfreeze.describe.progress import FilesProgress, Line
from aptfreeze.describe.watching import Show, watched
from aptfreeze.environment import records
from aptfreeze.environment.absent import Absences
from aptfreeze.environment.known import open_archive_for
from aptfreeze.environment.machine import architecture
from aptfreeze.environment.opened import Opened
from aptfreeze.environment.records import Usage
from aptfreeze.errors import AptfreezeError, IntegrityError, MissingUpstreamError, OfflineError, StorageError
from aptfreeze.fetch.gather import gather
from aptfreeze.fetch.opened import OpenArchive
from aptfreeze.freeze.generation import Generation
from aptfreeze.freeze.lockfile import state_digest
from aptfreeze.settings import Sources
from aptfreeze.values import immutable

_LARGE = 4 << 20
"""Bytes; such files are begun first: the last one of them would be waited for alone."""


@immutable
class Wish:
    """How much is to be had."""

    is_all: bool = False
    """Everything that the indexes in use list, not only what sessions were served."""
    with_sources: bool = False
    """The source packages, too."""


def fetch(opened: Opened, wish: Wish, *, tell: Callable[[str], None], show: Show | None = None) -> Fetched:
    """Fetch what is missing; offline, only say what is. IntegrityError where no record tells what was used.

    `tell` tells a line for good; without `show` there is no line of progress.
    """
    generation = opened.store.load()
    usage = records.load(opened.environment.records, generation.id)
    _check(opened, generation, usage, wish)
    with open_archive_for(opened.store, opened.settings) as archive:
        fetching = _Fetching(opened, archive, tell, show)
        try:
            _run(fetching, generation, usage, wish)
        except KeyboardInterrupt:
            tell(f"interrupted; {counted(fetching.fetched, 'file')} came, and the next fetch goes on from there")
            raise
        return Fetched(
            generation,
            state_digest(generation),
            "all" if wish.is_all else "used",
            wish.with_sources,
            fetching.files,
            fetching.size,
            fetching.files - fetching.fetched - fetching.missing,
            fetching.fetched,
            {host: traffic.received for host, traffic in archive.downloads.traffic().items() if traffic.received},
            tuple(fetching.lacking),
        )


def _check(opened: Opened, generation: Generation, usage: Usage, wish: Wish) -> None:
    if not generation.pins and not generation.extra:
        raise IntegrityError(
            f"nothing is pinned in generation {generation.id}, so there is nothing to fetch",
            hint="the first build pins what it asks for: aptfreeze run -- COMMAND",
        )
    if not usage.sessions and not wish.is_all:
        raise IntegrityError(
            f"no run of generation {generation.id} is recorded in {opened.environment.records}, "
            "so what it used is not known",
            hint="run the build once (aptfreeze run -- COMMAND), or fetch all that the indexes list with --all",
        )


def _run(fetching: "_Fetching", generation: Generation, usage: Usage, wish: Wish) -> None:
    lookup = fetching.archived
    in_use = records.architectures(fetching.opened.environment.records) | {architecture()}
    fetching.have(list(closure.roots(generation)))
    if wish.is_all:
        choose = partial(closure.all_indexes, lookup, usage=usage, architectures=in_use)
    else:
        choose = partial(closure.used_indexes, lookup, usage=usage)
    suites = closure.readable(generation, choose)
    with_indexes = wish.with_sources or fetching.opened.settings.policy.sources is not Sources.OFF
    fetching.have([piece for suite in suites for piece in _indexes(fetching, suite, wish, with_indexes)])
    if wish.is_all:
        packages = closure.by_digest(piece for suite in suites for piece in closure.all_packages(lookup, suite))
    else:
        packages = closure.by_digest(closure.used_packages(lookup, generation, usage, in_use))
    if wish.with_sources:
        found = correspondence(lookup, suites, packages)
        packages = closure.by_digest([*packages, *found.pieces])
        fetching.lacking += map(Lacking.unlisted, found.unlisted)
    fetching.have(packages, is_announced=True)
    if fetching.fetched:
        fetching.archive.objects.sync()


def _indexes(fetching: "_Fetching", suite: Chosen, wish: Wish, with_sources: bool) -> Iterator[Piece]:
    yield from closure.index_pieces(fetching.archived, suite)
    if with_sources:
        yield from closure.source_index_pieces(fetching.archived, suite)
    if wish.is_all:
        yield from closure.translation_pieces(fetching.archived, suite)


class _Fetching:
    """Mutable state: what was to be had so far, what came of it, and what is missing."""

    def __init__(self, opened: Opened, archive: OpenArchive, tell: Callable[[str], None], show: Show | None) -> None:
        self.opened = opened
        self.archive = archive
        self.lookup = archive.lookup(offline=opened.settings.offline.value)
        self.archived = archive.lookup(offline=True)
        """What pins lead to, as far as the archive tells it."""
        self.files = self.size = self.fetched = self.missing = 0
        self.lacking: list[Lacking] = []
        self._tell = tell
        self._show = show
        self._absences = Absences(None if opened.store.is_read_only else opened.environment.absent)

    def __repr__(self) -> str:
        return f"<_Fetching {self.fetched} of {self.files} files fetched, {len(self.lacking)} missing>"

    def have(self, pieces: Sequence[Piece], *, is_announced: bool = False) -> None:
        """Have these in the archive, as far as possible."""
        pieces = [piece for piece in pieces if not self._is_known_absent(piece)]
        missing = [piece for piece in pieces if closure.held_form(self.archive.objects, piece) is None]
        self.files += len(pieces)
        self.size += sum(piece.size or 0 for piece in pieces)
        if self.lookup.offline:
            unasked = OfflineError("it is not in the archive, and --offline forbids to fetch it")
            self._end((piece, unasked) for piece in missing)
            return
        if missing and is_announced:
            size = sum(piece.size or 0 for piece in missing)
            self._tell(f"fetching {len(missing)} of {counted(len(pieces), 'file')}: {size_text(size)}")
        done: list[int] = []
        progress = FilesProgress(len(missing), sum(piece.size or 0 for piece in missing))
        with watched(partial(self._look, progress, done), self._show):
            for piece, error in self._fetched(sorted(missing, key=_large_first)):
                done.append(piece.size or 0)
                self._end([(piece, error)])

    def _fetched(self, missing: Sequence[Piece]) -> Iterator[tuple[Piece, AptfreezeError | None]]:
        """Each piece with what it failed with; another form is tried where no mirror has the first one."""
        number = 0
        todo = list(missing)
        while todo:
            others: list[Piece] = []
            for piece, error in gather(todo, partial(self._begin, number), self.archive.downloads.at_once):
                if isinstance(error, MissingUpstreamError) and number + 1 < len(piece.forms):
                    others.append(piece)
                else:
                    yield piece, error
            todo, number = others, number + 1

    def _begin(self, number: int, piece: Piece) -> Growth:
        form = piece.forms[number]
        return self.archive.downloads.join(form.wanted, piece.suppliers(self.lookup, form))

    def _look(self, progress: FilesProgress, done: Sequence[int], now: float) -> Line:
        """In the thread that shows it."""
        return progress.line(len(done), sum(done), self.archive.downloads.running(), now)

    def _end(self, ended: Iterable[tuple[Piece, AptfreezeError | None]]) -> None:
        for piece, error in ended:
            if error is None:
                self.fetched += 1
            elif isinstance(error, StorageError):
                raise error
            else:
                self._lack(piece, error)

    def _lack(self, piece: Piece, error: AptfreezeError) -> None:
        if piece.part is Part.TRANSLATION and isinstance(error, MissingUpstreamError | OfflineError):
            self.files -= 1  # no client insists on it
            if isinstance(error, MissingUpstreamError):
                self._remember_absent(piece)
            return
        self.missing += 1
        self.lacking.append(Lacking.of(piece, error))

    def _remember_absent(self, piece: Piece) -> None:
        assert piece.suite is not None
        for form in piece.forms:
            self._absences.remember(piece.suite.repository, form.relative, form.wanted.digest)

    def _is_known_absent(self, piece: Piece) -> bool:
        """Whether it is a translation that no mirror had: clients are told so, also offline."""
        if piece.part is not Part.TRANSLATION or piece.suite is None:
            return False
        return all((piece.suite.repository, form.wanted.digest) in self._absences for form in piece.forms)


def _large_first(piece: Piece) -> int:
    size = piece.size or 0
    return -size if size >= _LARGE else 0
