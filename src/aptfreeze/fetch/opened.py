# SPDX-License-Identifier: MIT
"""An archive with everything that reads from it and fills it."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, partial
from typing import TYPE_CHECKING

from aptfreeze.archive.index import Indexes
from aptfreeze.archive.objects import Objects
from aptfreeze.fetch.download import Downloads
from aptfreeze.fetch.lookup import Lookup
from aptfreeze.fetch.mirrors import Mirrors
from aptfreeze.fetch.redirects import Redirects
from aptfreeze.fetch.routes import Routes
from aptfreeze.fetch.schemes import Schemes
from aptfreeze.fetch.snapshots import Snapshots
from aptfreeze.fetch.wires import Wires
from aptfreeze.settings import Settings
from aptfreeze.values import immutable

if TYPE_CHECKING:
    from aptfreeze.fetch.places import Named


@immutable
class OpenArchive:
    """The parts, each knowing the ones above it."""

    objects: Objects
    indexes: Indexes
    downloads: Downloads
    mirrors: Mirrors
    snapshots: Snapshots
    routes: Routes

    def lookup(self, *, offline: bool) -> Lookup:
        """What pins lead to; offline: as far as the archive alone tells it."""
        return Lookup(self.objects, self.indexes, self.downloads, self.mirrors, self.snapshots, offline=offline)


@contextmanager
def open_archive(settings: Settings, schemes: Schemes | None = None) -> Iterator[OpenArchive]:
    """The archive of these settings, made if need be; its downloads end with the context.

    `schemes`: what is known of hosts; without it, nothing is.
    """
    objects = Objects(settings.archive.path)
    indexes = Indexes(objects)
    snapshots = Snapshots(settings.snapshot)
    routes = Routes(settings.proxy)
    wires = Wires(settings.fetch, settings.tls, routes)
    redirects = Redirects(routes, cache(partial(_named, settings)))
    downloads = Downloads(objects, settings.fetch, snapshots.gentle, wires, redirects)
    mirrors = Mirrors(settings.mirrors, schemes)
    downloads.hosts.heed(mirrors.schemes)
    try:
        yield OpenArchive(objects, indexes, downloads, mirrors, snapshots, routes)
    finally:
        downloads.close()
        objects.close()
        indexes.close()


def _named(settings: Settings) -> "Named":
    from aptfreeze.fetch.places import Named  # start-up time: hardly any mirror redirects

    return Named.by(settings)
