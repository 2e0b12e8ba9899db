# SPDX-License-Identifier: MIT
"""Who keeps the earlier states of a repository, and which of their files may stand for one that no mirror has.

Rule 1: a snapshot service is a last resort: what is asked of it, and when, says `fetch.turns`; how, `snapshot_files`.
Rule 2: it is told no more than the path of a file, and the name, version and kind of a package.
"""

from functools import cached_property
from typing import TYPE_CHECKING

from aptfreeze.errors import RefusedError
from aptfreeze.fetch.chain import Supplier
from aptfreeze.fetch.url import Endpoint
from aptfreeze.freeze.generation import SuiteKey
from aptfreeze.freeze.outcome import PinnedPackage, SuiteFile
from aptfreeze.settings import SnapshotSettings

if TYPE_CHECKING:  # start-up time: a build whose files are all to be had needs nothing of it
    from aptfreeze.fetch.snapshot_files import Memory
    from aptfreeze.fetch.source_copies import Shell
    from aptfreeze.fetch.states import Archive, Copy
    from aptfreeze.freeze.catalog import IndexEntry


class Snapshots:
    """The `[snapshot]` of one environment. Mutable state: the memory of what was asked, made when it is needed."""

    def __init__(self, settings: SnapshotSettings) -> None:
        self._settings = settings

    def archive_url(self, repository: str, origin: str | None) -> str | None:
        """Below which URL the states of a repository lie; None if nobody is known who keeps them.

        `origin` is what its Release says; None: unknown, then its name alone tells whether it is one of Debian's.
        """
        from aptfreeze.fetch.states import archive_name

        own = self._settings.archives.get(repository)
        if own is not None:
            return own or None
        name = archive_name(repository)
        is_debian = origin is None or origin == "Debian" or origin.startswith("Debian ")  # "Debian Backports"
        return f"{self._settings.service}/archive/{name}" if self._settings.service and name and is_debian else None

    def archive(self, key: SuiteKey, origin: str | None) -> "Archive":
        """The same for who cannot do without: RefusedError that names suite and setting."""
        from aptfreeze.fetch.states import Archive

        url = self.archive_url(key.repository, origin)
        if url is None:
            raise RefusedError(
                f"{key} has no dated states: no snapshot service is known for {key.repository}",
                hint=f'name one in aptfreeze.toml ([snapshot] archives = {{ "{key.repository}" = "http://..." }}), or '
                "name only suites that have one",
            )
        return Archive(url)

    @property
    def gentle(self) -> dict[str, int]:
        """How many connections each of the services' hosts (`snapshot.example.org:8080`) is asked over at most."""
        urls = filter(None, (self._settings.service, *self._settings.archives.values()))
        return {Endpoint.parse(url).server: self._settings.connections for url in urls}

    def suite_file(self, repository: str, file: SuiteFile) -> list[Supplier]:
        """Where an index, or the signed file itself, may be had from besides the mirrors."""
        url = self.archive_url(repository, file.origin)
        if url is None or file.date is None:
            return []
        from aptfreeze.fetch.snapshot_files import dated_files

        return dated_files(self._memory, url, file.date, file.relative)

    def package(self, found: PinnedPackage, origin: str | None) -> list[Supplier]:
        """The same for a file of a package; `origin` as for `archive_url`."""
        url = self.archive_url(found.repository, origin)
        if url is None or found.pin.date is None:
            return []
        from aptfreeze.fetch.snapshot_files import dated_files, package_copies

        return [
            *dated_files(self._memory, url, found.pin.date, found.relative),
            *package_copies(self._memory, url, found.entry, found.relative),
        ]

    def source_copies(self, shell: "Shell", archive: "Archive", name: str, version: str) -> "tuple[Copy, ...]":
        """See `source_copies`: what the service of an archive has of a source package that no pinned suite lists."""
        from aptfreeze.fetch.source_copies import source_copies

        return source_copies(shell, self._memory, archive, name, version)

    def source_suppliers(self, archive: "Archive", entry: "IndexEntry", name: str) -> list[Supplier]:
        """Where a file of such a source package comes from, by its name."""
        from aptfreeze.fetch.snapshot_files import package_copies

        return package_copies(self._memory, archive.url, entry, name)

    @cached_property
    def _memory(self) -> "Memory":
        from aptfreeze.fetch.snapshot_files import Memory

        return Memory()
