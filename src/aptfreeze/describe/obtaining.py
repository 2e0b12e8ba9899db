# SPDX-License-Identifier: MIT
"""Have the pieces of a generation in the archive, several at once, with progress.

Rule: what cannot be had is told in the end and hinders nothing else; only an archive that cannot be written is an error
at once.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial

from aptfreeze.archive.growth import Growth
from aptfreeze.describe import closure
from aptfreeze.describe.amounts import counted, size_text
from aptfreeze.describe.closure import Part, Piece
from aptfreeze.describe.fetched import Lacking
from aptfreeze.describe.progress import FilesProgress, Line
from aptfreeze.describe.watching import Show, watched
from aptfreeze.environment.absent import Absences
from aptfreeze.environment.opened import Opened
from aptfreeze.errors import AptfreezeError, IntegrityError, MissingUpstreamError, OfflineError, StorageError
from aptfreeze.fetch.gather import gather
from aptfreeze.fetch.opened import OpenArchive
from aptfreeze.freeze.digest import Digest

_LARGE = 4 << 20
"""Bytes; such files are begun first: the last one of them would be waited for alone."""


class Obtaining:
    """Mutable state: what was to be had so far, what came of it, and what is missing."""

    def __init__(
        self,
        opened: Opened,
        archive: OpenArchive,
        tell: Callable[[str], None],
        show: Show | None,
        *,
        forbidden_by: str | None = None,
    ) -> None:
        """`tell` tells a line for good; without `show` there is no line of progress.

        `forbidden_by`: the flag that forbids to fetch anything; None: `--offline` decides.
        """
        self.opened = opened
        self.archive = archive
        self.forbidden_by = forbidden_by or ("--offline" if opened.settings.offline.value else None)
        self.lookup = archive.lookup(offline=self.forbidden_by is not None)
        self.archived = archive.lookup(offline=True)
        """What pins lead to, as far as the archive tells it."""
        self.files = self.size = self.fetched = self.missing = 0
        self.lacking: list[Lacking] = []
        self._lack_of: dict[Digest, Lacking] = {}
        self.tell = tell
        self.show = show
        self._absences = Absences(None if opened.store.is_read_only else opened.environment.absent)

    def __repr__(self) -> str:
        return f"<Obtaining {self.fetched} of {self.files} files fetched, {len(self.lacking)} missing>"

    def have(self, pieces: Sequence[Piece], *, is_announced: bool = False) -> None:
        """Have these in the archive, as far as possible."""
        pieces = [piece for piece in pieces if not self._is_known_absent(piece)]
        missing = [piece for piece in pieces if closure.held_form(self.archive.objects, piece) is None]
        self.files += len(pieces)
        self.size += sum(piece.size or 0 for piece in pieces)
        if self.forbidden_by is not None:
            unasked = OfflineError(f"it is not in the archive, and {self.forbidden_by} forbids to fetch it")
            self._end((piece, unasked) for piece in missing)
            return
        if missing and is_announced:
            size = sum(piece.size or 0 for piece in missing)
            self.tell(f"fetching {len(missing)} of {counted(len(pieces), 'file')}: {size_text(size)}")
        done: list[int] = []
        progress = FilesProgress(len(missing), sum(piece.size or 0 for piece in missing))
        with watched(partial(self._look, progress, done), self.show):
            for piece, error in self._fetched(sorted(missing, key=_large_first)):
                done.append(piece.size or 0)
                self._end([(piece, error)])

    def verify(self, pieces: Sequence[Piece]) -> None:
        """Read every byte of what is held of these; what is damaged goes to quarantine, and is missing then."""
        objects = self.archive.objects
        held = [form for piece in pieces if (form := closure.held_form(objects, piece)) is not None]
        done: list[int] = []
        progress = FilesProgress(len(held), sum(form.wanted.size or 0 for form in held))
        with watched(lambda now: progress.line(len(done), sum(done), (), now), self.show):
            for form in held:
                with suppress(IntegrityError):
                    growth = objects.growth(form.wanted.digest)
                    if growth is not None:
                        growth.wait()
                done.append(form.wanted.size or 0)

    def lack_of(self, piece: Piece) -> Lacking | None:
        """Why a piece that was to be had is not in the archive; None: it came, or was there."""
        return self._lack_of.get(piece.forms[0].wanted.digest)

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
        self._lack_of[piece.forms[0].wanted.digest] = self.lacking[-1]

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
