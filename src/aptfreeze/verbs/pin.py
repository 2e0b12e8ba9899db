# SPDX-License-Identifier: MIT
"""`aptfreeze pin URL`: freeze a single file, so that every client gets these bytes from now on."""

from collections.abc import Iterator
from typing import Any

from aptfreeze.deb import paths
from aptfreeze.deb.paths import Location, PathError
from aptfreeze.describe.amounts import size_text
from aptfreeze.describe.progress import FetchingProgress, Line
from aptfreeze.describe.watching import Show, watched
from aptfreeze.environment.known import open_archive_for
from aptfreeze.environment.opened import Opened
from aptfreeze.errors import OfflineError, UsageError
from aptfreeze.fetch.download import Download
from aptfreeze.fetch.opened import OpenArchive
from aptfreeze.fetch.priority import Priority
from aptfreeze.freeze.digest import Digest
from aptfreeze.freeze.generation import Generation
from aptfreeze.values import immutable


@immutable
class Pinned:
    """What the lock file says of a file now."""

    url: str
    """As the lock file has it: without scheme."""
    digest: Digest
    size: int | None
    """In bytes; None if it was pinned before and the archive lacks it."""
    is_new: bool
    generation: Generation

    def lines(self) -> Iterator[str]:
        size = "not in the archive" if self.size is None else size_text(self.size)
        yield f"{self.url}: pinned {'now' if self.is_new else 'before'}, {self.digest}, {size}"

    def data(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "generation": self.generation.id,
            "url": self.url,
            "digest": str(self.digest),
            "size": self.size,
            "pinned": "now" if self.is_new else "before",
        }


def pin(opened: Opened, url: str, show: Show | None = None) -> Pinned:
    """Pin the file at `url` (http or https) by its present bytes; one that is pinned stays as it is.

    Without `show` there is no line of progress.

    UsageError for what is no such URL, RefusedError if the lock file must not be written, OfflineError, UpstreamError,
    StorageError.
    """
    location = _location(url)
    store = opened.store
    generation = store.init()
    with open_archive_for(opened.store, opened.settings) as archive:
        name = archive.mirrors.identify(location.text) + location.query
        held = generation.extra.get(name)
        if held is not None:
            file = archive.objects.path(held)
            return Pinned(name, held, None if file is None else file.stat().st_size, False, generation)
        store.refuse_if_locked(f"{name} is not pinned")
        digest, size = _fetched(opened, archive, location, show)
    placed = store.add_extra(generation.id, name, digest)
    is_ours = placed == digest  # else another process was faster, and what it got counts
    return Pinned(name, placed, size if is_ours else None, is_ours, store.load())


def _location(url: str) -> Location:
    try:
        location = Location.parse(url.encode())
        if any(character.isspace() for character in location.path):
            raise PathError("the lock file cannot name a path with blanks")
    except PathError as error:
        raise UsageError(
            f"{url!r} cannot be pinned: {error}", hint="aptfreeze pin http://www.example.org/files/tool.tar.gz"
        ) from error
    if paths.dists_splits(location.text):
        raise UsageError(
            f"{url!r} is a file of a suite, which is pinned as a whole by its InRelease",
            hint="let a build ask for the suite: aptfreeze run -- apt-get update",
        )
    return location


def _fetched(opened: Opened, archive: OpenArchive, location: Location, show: Show | None) -> tuple[Digest, int]:
    if opened.settings.offline.value:
        raise OfflineError(
            f"{location.text} is not pinned, and --offline forbids to fetch it", hint="run it once without --offline"
        )
    if location.scheme == "https":
        archive.mirrors.schemes.asked_by_https(location.host)
    arriving = _Arriving(location.path.rpartition("/")[2])
    with watched(arriving.look, show):
        found = archive.downloads.fetch_object(archive.mirrors.single_url(location.raw_text), arriving)
    archive.objects.sync()
    return found


class _Arriving:
    """The file on its way. Mutable state: how much of it has come, as a value that another thread may look at."""

    def __init__(self, name: str) -> None:
        self._progress = FetchingProgress()
        self._seen = Download(name, 0, None, Priority.DEMANDED)

    def __repr__(self) -> str:
        return f"<_Arriving {self._seen}>"

    def __call__(self, received: int, size: int | None) -> None:
        self._seen = Download(self._seen.name, received, size, Priority.DEMANDED)

    def look(self, now: float) -> Line | None:
        """In the thread that shows it."""
        return self._progress.line([self._seen], self._seen.received, now)
