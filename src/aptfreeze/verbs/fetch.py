# SPDX-License-Identifier: MIT
"""`aptfreeze fetch`: make the archive complete for the current generation.

Pinned files come first, then the indexes that they list, then the package files that those list: each stage tells what
the next one is. What cannot be had is told in the end and hinders nothing else.
"""

from collections.abc import Callable, Iterator

from aptfreeze.describe import closure
from aptfreeze.describe.amounts import counted
from aptfreeze.describe.closure import Chosen, Piece
from aptfreeze.describe.extent import Extent, Wish, refuse_unknown
from aptfreeze.describe.fetched import Fetched, Lacking
from aptfreeze.describe.obtaining import Obtaining
from aptfreeze.describe.watching import Show
from aptfreeze.environment import records
from aptfreeze.environment.known import open_archive_for
from aptfreeze.environment.machine import architecture
from aptfreeze.environment.opened import Opened
from aptfreeze.environment.records import Usage
from aptfreeze.freeze.generation import Generation
from aptfreeze.freeze.lockfile import state_digest
from aptfreeze.settings import Sources


def fetch(opened: Opened, wish: Wish, *, tell: Callable[[str], None], show: Show | None = None) -> Fetched:
    """Fetch what is missing; offline, only say what is. IntegrityError where no record tells what was used.

    `tell` tells a line for good; without `show` there is no line of progress.
    """
    generation = opened.store.load()
    usage = records.load(opened.environment.records, generation.id)
    refuse_unknown(generation, usage, wish, opened.environment.records, "fetch")
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
            wish.scope,
            wish.with_sources,
            fetching.files,
            fetching.size,
            fetching.files - fetching.fetched - fetching.missing,
            fetching.fetched,
            {host: traffic.received for host, traffic in archive.downloads.traffic().items() if traffic.received},
            tuple(fetching.lacking),
        )


def _run(fetching: Obtaining, generation: Generation, usage: Usage, wish: Wish) -> None:
    in_use = records.architectures(fetching.opened.environment.records) | {architecture()}
    extent = Extent(fetching.archived, generation, usage, in_use, wish)
    fetching.have(list(closure.roots(generation)))
    suites = extent.suites()
    with_indexes = wish.with_sources or fetching.opened.settings.policy.sources is not Sources.OFF
    fetching.have([piece for suite in suites for piece in _indexes(fetching, suite, wish, with_indexes)])
    packages, unlisted = extent.packages(suites)
    fetching.lacking += map(Lacking.unlisted, unlisted)
    fetching.have(closure.by_digest(packages), is_announced=True)
    if fetching.fetched:
        fetching.archive.objects.sync()


def _indexes(fetching: Obtaining, suite: Chosen, wish: Wish, with_sources: bool) -> Iterator[Piece]:
    yield from closure.index_pieces(fetching.archived, suite)
    if with_sources:
        yield from closure.source_index_pieces(fetching.archived, suite)
    if wish.is_all:
        yield from closure.translation_pieces(fetching.archived, suite)
