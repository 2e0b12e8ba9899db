# SPDX-License-Identifier: MIT
"""`aptfreeze sources`: every source package that belongs to what is shipped, complete, or the list of what is missing.

Binaries tell which source packages they were built from and which they hold parts of; Sources indexes, or a snapshot
service, tell their files; these are fetched as far as the archive lacks them.
"""

import os
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path

from aptfreeze.describe import closure, copyrights, rootfs, shipped, sourcefolder
from aptfreeze.describe.amounts import counted
from aptfreeze.describe.closure import Part
from aptfreeze.describe.deployed import deployment
from aptfreeze.describe.obtaining import Obtaining
from aptfreeze.describe.rootfs import Rootfs
from aptfreeze.describe.shipment import Accounting, Shipment, demands, unused
from aptfreeze.describe.shipped import Shipped
from aptfreeze.describe.sourcepackage import SourcePackage
from aptfreeze.describe.sourcesearch import SourceSearch
from aptfreeze.describe.watching import Show, fetching_of, watched
from aptfreeze.environment import records
from aptfreeze.environment.known import open_archive_for
from aptfreeze.environment.machine import architecture
from aptfreeze.environment.opened import Opened
from aptfreeze.environment.records import Usage
from aptfreeze.errors import IntegrityError
from aptfreeze.freeze.generation import Generation
from aptfreeze.freeze.lockfile import state_digest
from aptfreeze.values import immutable


@immutable
class Wish:
    """What of, and what with it."""

    image: Path | None = None
    """As `rootfs.read` takes it; None: of what runs of the generation were served."""
    out: Path | None = None
    """The folder that they go into."""
    is_check: bool = False
    """Only whether the archive holds them."""
    with_copyright: bool = False
    """The copyright files of the binaries, too."""


def sources(opened: Opened, wish: Wish, *, tell: Callable[[str], None], show: Show | None = None) -> Shipment:
    """Have the sources in the archive, and in a folder if one is named. Blocks.

    IntegrityError if nothing is pinned, or nothing tells what is shipped. `tell` tells a line for good; without `show`
    there is no line of progress.
    """
    generation = opened.store.load()
    usage = records.load(opened.environment.records, generation.id)
    _check(opened, generation, usage, wish)
    out = Path(os.path.realpath(wish.out)) if wish.out else None
    if out is not None:
        sourcefolder.refuse(out)
    with open_archive_for(opened.store, opened.settings) as archive:
        obtaining = Obtaining(opened, archive, tell, show, forbidden_by="--check" if wish.is_check else None)
        try:
            found = _found(obtaining, generation, usage, wish)
            if out is not None:
                sourcefolder.write(out, archive.objects, found)
        except KeyboardInterrupt:
            tell(f"interrupted; {counted(obtaining.fetched, 'file')} came, and the next time goes on from there")
            raise
    for notice in found.notices:
        tell(notice)
    return found


def _check(opened: Opened, generation: Generation, usage: Usage, wish: Wish) -> None:
    if not generation.pins:
        raise IntegrityError(
            f"nothing is pinned in generation {generation.id}, so no suite can tell the sources",
            hint="the first build pins what it asks for: aptfreeze run -- COMMAND",
        )
    if not usage.sessions and wish.image is None:
        raise IntegrityError(
            f"no run of generation {generation.id} is recorded in {opened.environment.records}, "
            "so what it used is not known",
            hint="run the build once (aptfreeze run -- COMMAND), or name the image: --rootfs DIR",
        )


def _found(obtaining: Obtaining, generation: Generation, usage: Usage, wish: Wish) -> Shipment:
    packages = _packages(obtaining, generation, usage, wish)
    exemptions = obtaining.opened.settings.exemptions
    search = SourceSearch(obtaining, generation, demands(packages, exemptions))
    search.run([each.piece for each in packages if each.piece is not None])
    _have(obtaining, search.found(), packages, wish)
    accounting = Accounting(obtaining, search, exemptions)
    return Shipment(
        generation,
        state_digest(generation),
        wish.image,
        tuple(packages),
        tuple(accounting.sourced(packages)),
        obtaining.files - obtaining.fetched - obtaining.missing,
        obtaining.fetched,
        {host: each.received for host, each in obtaining.archive.downloads.traffic().items() if each.received},
        tuple(unused(packages, exemptions)),
        tuple(copyrights.copyrights(obtaining, packages)) if wish.with_copyright else (),
    )


def _packages(obtaining: Obtaining, generation: Generation, usage: Usage, wish: Wish) -> list[Shipped]:
    """What is shipped. An image, of which much more is read, is gone from memory when this returns."""
    image = rootfs.read(wish.image) if wish.image else None
    obtaining.have([piece for piece in closure.roots(generation) if piece.part is Part.ROOT])
    return _served(obtaining, generation, usage) if image is None else _deployed(obtaining, generation, usage, image)


def _served(obtaining: Obtaining, generation: Generation, usage: Usage) -> list[Shipped]:
    """The binary packages that runs were served."""
    lookup = obtaining.archived
    suites = closure.readable(generation, partial(closure.used_indexes, lookup, usage=usage))
    obtaining.have([piece for suite in suites for piece in closure.index_pieces(lookup, suite)])
    pieces = closure.by_digest(closure.used_packages(lookup, generation, usage, _in_use(obtaining)))
    return shipped.served(lookup, suites, [piece for piece in pieces if piece.part is Part.PACKAGE])


def _deployed(obtaining: Obtaining, generation: Generation, usage: Usage, image: Rootfs) -> list[Shipped]:
    """The packages of an image. IntegrityError if it has none."""
    if not image.packages:
        raise IntegrityError(
            f"{image.path} lists no installed package at all",
            hint="name the root file system of an image, or its var/lib/dpkg/status",
        )
    with watched(fetching_of(obtaining.archive.downloads), obtaining.show):
        found = deployment(obtaining.lookup, generation, usage, image.packages, _in_use(obtaining))
    return shipped.deployed(found.packages)


def _in_use(obtaining: Obtaining) -> frozenset[str]:
    return records.architectures(obtaining.opened.environment.records) | {architecture()}


def _have(obtaining: Obtaining, found: Iterable[SourcePackage], packages: Sequence[Shipped], wish: Wish) -> None:
    pieces = [piece for each in found for piece in each.pieces]
    if wish.with_copyright:
        pieces += copyrights.pieces(packages)
    pieces = closure.by_digest(pieces)
    if wish.out is not None:
        obtaining.verify(pieces)
    obtaining.have(pieces, is_announced=True)
    if obtaining.fetched:
        obtaining.archive.objects.sync()
