# SPDX-License-Identifier: MIT
"""`aptfreeze fetch`: make the archive complete for the current generation.

Pinned files come first, then the indexes that they list, then the package files that those list: each stage tells what
the next one is. What cannot be had is told in the end and hinders nothing else.
"""

from collections.abc import Callable, Iterator
from functools import partial

from aptfreeze.describe import closure
from aptfreeze.describe.amounts import counted
from aptfreeze.describe.closure import Chosen, Piece
from aptfreeze.describe.correspondence import correspondence
from aptfreeze.describe.fetched import Fetched, Lacking
from aptfreeze.describe.obtaining import Obtaining
from aptfreeze.describe.watching import Show
from aptfreeze.environment import records
from aptfreeze.environment.known import open_archive_for
from aptfreeze.environment.machine import architecture
from aptfreeze.environment.opened import Opened
from aptfreeze.environment.records import Usage
from aptfreeze.errors import IntegrityError
from aptfreeze.freeze.generation import Generation
from aptfreeze.freeze.lockfile import state_digest
from aptfreeze.settings import Sources
from aptfreeze.values import immutable


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
        fetching = Obtaining(opened, archive, tell, show)
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


def _run(fetching: Obtaining, generation: Generation, usage: Usage, wish: Wish) -> None:
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


def _indexes(fetching: Obtaining, suite: Chosen, wish: Wish, with_sources: bool) -> Iterator[Piece]:
    yield from closure.index_pieces(fetching.archived, suite)
    if with_sources:
        yield from closure.source_index_pieces(fetching.archived, suite)
    if wish.is_all:
        yield from closure.translation_pieces(fetching.archived, suite)
