# SPDX-License-Identifier: MIT
"""`aptfreeze stats`: what an archive consists of, who needs how much of it, and what runs of this environment fetched.

Rule: an object counts as what the indexes at hand say of it; a tenant needs what its pins lead to, served or not.
"""

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial

from aptfreeze.archive import survey
from aptfreeze.archive.condemned import Condemned
from aptfreeze.archive.holdings import Holdings, look
from aptfreeze.archive.layout import Layout, prepare
from aptfreeze.archive.survey import Amount
from aptfreeze.describe import closure, naming
from aptfreeze.describe.marking import Marking
from aptfreeze.describe.stats import Share, Stats
from aptfreeze.environment.opened import Opened
from aptfreeze.environment.sessions import summaries
from aptfreeze.environment.tenants import Tenant, tenants
from aptfreeze.errors import AptfreezeError
from aptfreeze.fetch.opened import OpenArchive, open_archive
from aptfreeze.freeze.digest import Digest

_DAYS = {"day": 1, "week": 7, "month": 30}
_ASIDE = {"partial": "partial", "quarantine": "quarantine", "index": "tables", "tmp": "temporary"}
_DAY_S = 24 * 3600
_SEVERAL = -1
_PINNED = "pinned"


def stats(opened: Opened, now: float) -> Stats:
    """Look at all of it; blocks: 200 000 objects take some seconds. UsageError if there is no archive.

    `now` is in seconds since 1970.
    """
    layout = prepare(opened.settings.archive.path, read_only=True)
    known = tenants(layout, opened.environment)
    with open_archive(opened.settings) as archive:
        holdings = look(layout)
        shares = tuple(_shares(archive, holdings, known))
        kinds = _kinds(archive, holdings, known)
    disk = os.statvfs(layout.root)
    return Stats(
        layout.root,
        kinds,
        _condemned(layout),
        {name: survey.amount(layout.root, folder) for folder, name in _ASIDE.items()},
        _growth(layout, now),
        disk.f_bavail * disk.f_frsize,
        shares,
        str(opened.environment.root),
        tuple(summaries(opened.environment.records)),
    )


def _shares(archive: OpenArchive, holdings: Holdings, known: Iterable[Tenant]) -> Iterator[Share]:
    """One tenant after the other, since what each needs may be all there is."""
    owners: dict[bytes, int] = {}
    shares = []
    for number, tenant in enumerate(known):
        marking, problem = Marking(partial(archive.lookup, offline=True), holdings), ""
        try:
            for generation in tenant.generations:
                marking.mark(generation)
        except AptfreezeError as error:
            problem = error.message
        for name in marking.needed:
            owners[name] = _SEVERAL if name in owners else number
        shares.append(Share(tenant.name, Amount(len(marking.needed), marking.size), Amount(), problem))
    files, size = Counter[int](), Counter[int]()
    for name, number in owners.items():
        files[number] += 1
        size[number] += holdings.sizes[name]
    for number, share in enumerate(shares):
        yield replace(share, alone=Amount(files[number], size[number]))


def _kinds(archive: OpenArchive, holdings: Holdings, known: Iterable[Tenant]) -> dict[str, Amount]:
    pinned = {bytes.fromhex(each.hex) for tenant in known for each in _pinned(tenant)}
    files, size = Counter[str](), Counter[str]()
    for item in naming.items(holdings.sizes, holdings, archive.indexes, archive.objects.layout, ()):
        kind = _PINNED if item.sha256 in pinned else str(item.kind)
        files[kind] += 1
        size[kind] += holdings.sizes[item.sha256]
    return {kind: Amount(files[kind], size[kind]) for kind in (_PINNED, *map(str, naming.Kind))}


def _pinned(tenant: Tenant) -> Iterator[Digest]:
    for generation in tenant.generations:
        for piece in closure.roots(generation):
            yield piece.forms[0].wanted.digest


def _condemned(layout: Layout) -> Amount:
    found = Amount()
    for _, entry in Condemned(layout).names():
        with suppress(FileNotFoundError):  # it was taken back
            found += Amount(1, entry.stat().st_size)
    return found


def _growth(layout: Layout, now: float) -> dict[str, Amount]:
    """By when the objects came: they are never written to again."""
    files, size = Counter[str](), Counter[str]()
    for file in survey.files(layout.root, ("objects",)):
        with suppress(OSError):
            status = (layout.root / file).stat()
            for name, days in _DAYS.items():
                if now - status.st_mtime <= days * _DAY_S:
                    files[name] += 1
                    size[name] += status.st_size
    return {name: Amount(files[name], size[name]) for name in _DAYS}
