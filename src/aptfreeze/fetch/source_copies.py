# SPDX-License-Identifier: MIT
"""The files of a source package that no pinned suite lists, as a snapshot service tells them.

Nothing signed leads there: the service names files by their sha1. It is asked as gently as ever, and no answer of it is
asked for twice in a process.
"""

from collections.abc import Sequence
from typing import Protocol

from aptfreeze.fetch.chain import Means
from aptfreeze.fetch.priority import Priority
from aptfreeze.fetch.snapshot_files import Memory, within_reach
from aptfreeze.fetch.states import Archive, Copy, copies_url
from aptfreeze.fetch.turns import in_turn
from aptfreeze.settings import FetchSettings
from aptfreeze.values import immutable


class Shell(Means, Protocol):
    """What this needs of `Downloads`."""

    @property
    def settings(self) -> FetchSettings: ...
    def pause(self, seconds: float, /) -> None: ...


@immutable
class _Asker:
    priority: Priority


def source_copies(shell: Shell, memory: Memory, archive: Archive, name: str, version: str) -> tuple[Copy, ...]:
    """All files of a source package that the service keeps, those of this archive first. Blocks.

    MissingUpstreamError if it has no such package, has no API, or cannot be reached from here; else UpstreamError.
    """
    question = copies_url(archive.service, name, version, is_source=True)

    def attempt(url: str) -> tuple[Copy, ...]:
        with within_reach(shell, archive.url):
            return memory.files(shell, url, _Asker(Priority.DEMANDED))

    found = in_turn(
        f"{name} {version}",
        [question],
        attempt,
        name=str,
        settings=shell.settings,
        pause=shell.pause,
        standing=shell.hosts.standing,
    )
    return tuple(sorted(found, key=lambda copy: copy.archive != archive.name))


def description_of(copies: Sequence[Copy], name: str, version: str) -> Copy | None:
    """The `.dsc` among the files of a source package: the first one with its usual name, else the first one."""
    found = [copy for copy in copies if copy.name.endswith(".dsc") and "/" not in copy.name]
    return next((copy for copy in found if copy.name == usual_name(name, version)), found[0] if found else None)


def usual_name(name: str, version: str) -> str:
    """That of a `.dsc` in Debian's pool: without the epoch."""
    return f"{name}_{version.partition(':')[2] or version}.dsc"
