# SPDX-License-Identifier: MIT
"""Files whose digest is not known before they are fetched: InRelease, Release.gpg, key files."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

from aptfreeze.archive.hashing import Fingerprint
from aptfreeze.archive.layout import storage_error
from aptfreeze.archive.objects import Objects
from aptfreeze.errors import UpstreamError
from aptfreeze.fetch.chain import LARGEST_UNKNOWN, accept
from aptfreeze.fetch.failures import PassingError
from aptfreeze.fetch.hosts import Hosts
from aptfreeze.fetch.priority import Priority
from aptfreeze.fetch.turns import in_turn
from aptfreeze.freeze.digest import Digest
from aptfreeze.settings import FetchSettings
from aptfreeze.values import immutable

# A cache on the way must not answer with an old state: what is fetched here decides what "now" is.
_FIELDS = {"Cache-Control": "max-age=0"}


@immutable
class Fetched:
    """A whole file, unverified."""

    data: bytes
    url: str
    """The one of the given URLs that had it."""
    headers: tuple[tuple[str, str], ...]


@immutable
class _Asker:
    priority: Priority


class Shell(Protocol):
    """What this needs of `Downloads`."""

    @property
    def hosts(self) -> Hosts: ...
    @property
    def settings(self) -> FetchSettings: ...
    def pause(self, seconds: float, /) -> None: ...


def fetch_bytes(
    shell: Shell, urls: Sequence[str], limit: int, priority: Priority, *, is_patient: bool = True
) -> Fetched:
    """See `Downloads.fetch_bytes`."""

    def attempt(url: str) -> Fetched:
        with shell.hosts.get(url, _Asker(priority), fields=_FIELDS) as response:
            accept(response)
            data = bytearray()
            for piece in response.body():
                data += piece
                if len(data) > limit:
                    raise UpstreamError(f"more than {limit} bytes")
            if response.status != 200:
                raise PassingError("sent a part that nobody asked for")
            return Fetched(bytes(data), url, response.head.headers)

    settings = shell.settings if is_patient else replace(shell.settings, retries=0)
    what = urls[0].rpartition("/")[2] if urls else "the file"
    return in_turn(what, urls, attempt, name=str, settings=settings, pause=shell.pause, standing=shell.hosts.standing)


Arrived = Callable[[int, int | None], None]
"""Is told how many bytes of a file have come, and of how many, if that is known."""


def fetch_object(shell: Shell, objects: Objects, url: str, arrived: Arrived | None = None) -> tuple[Digest, int]:
    """A file of any size, straight into the archive: its name there, and how many bytes it has. Blocks.

    MissingUpstreamError, UpstreamError, StorageError; nothing is left in the archive then.
    """

    def attempt(url: str) -> tuple[Digest, int]:
        temporary, fingerprint = objects.layout.temporary(), Fingerprint(())
        try:
            with (
                shell.hosts.get(url, _Asker(Priority.DEMANDED), fields=_FIELDS) as response,
                temporary.open("xb") as file,
            ):
                accept(response)
                for piece in response.body():
                    file.write(piece)
                    fingerprint.update(piece)
                    if arrived is not None:
                        arrived(fingerprint.size, response.head.content_length)
                    if fingerprint.size > LARGEST_UNKNOWN:
                        raise UpstreamError(f"more than {LARGEST_UNKNOWN} bytes")
                if response.status != 200:
                    raise PassingError("sent a part that nobody asked for")
            objects.adopt(temporary, fingerprint.sha256)
        except OSError as error:
            raise storage_error(objects.layout.root, error) from error
        finally:
            temporary.unlink(missing_ok=True)
        return fingerprint.sha256, fingerprint.size

    objects.require_writable()
    what = url.rpartition("/")[2]
    return in_turn(
        what, [url], attempt, name=str, settings=shell.settings, pause=shell.pause, standing=shell.hosts.standing
    )
