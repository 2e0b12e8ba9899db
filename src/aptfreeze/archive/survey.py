# SPDX-License-Identifier: MIT
"""The files of an archive, one after the other, without holding all of them in memory.

Rule 1: the order is that of the names, folder by folder, so that who was interrupted can go on behind any file.
Rule 2: files come and go meanwhile; whoever looks at one has to expect that it is gone.
Rule 3: a symbolic link is a file here, whatever it leads to: nothing outside of the archive is walked through.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from aptfreeze.freeze.digest import Algorithm, Digest
from aptfreeze.values import immutable

CHECKED = ("aliases", "index", "objects", "quarantine")
"""The folders whose files have a name that says what they are. Sorted."""


def files(root: Path, folders: tuple[str, ...] = CHECKED, after: str = "") -> Iterator[str]:
    """The files below these (sorted) folders by their path below `root`, sorted by name; those behind `after` only."""
    behind = tuple(after.split("/")) if after else ()
    for folder in folders:
        if (folder,) >= behind[:1]:
            yield from _below(root, (folder,), behind)


def _below(root: Path, folder: tuple[str, ...], behind: tuple[str, ...]) -> Iterator[str]:
    """A folder that cannot be read is a file of that name: looking at it tells why."""
    try:
        with os.scandir(root.joinpath(*folder)) as listing:
            entries = sorted((entry.name, entry.is_dir(follow_symlinks=False)) for entry in listing)
    except FileNotFoundError:
        return
    except OSError:
        yield "/".join(folder)
        return
    for name, is_folder in entries:
        path = (*folder, name)
        if is_folder and path >= behind[: len(path)]:
            yield from _below(root, path, behind)
        elif not is_folder and path > behind:
            yield "/".join(path)


def digest_of(name: str, algorithm: str = Algorithm.SHA256) -> Digest | None:
    """What a file of this name is the file of; None if it is no digest."""
    try:
        return Digest(Algorithm(algorithm), name)
    except ValueError:
        return None


@immutable
class Amount:
    """Some files."""

    files: int = 0
    size: int = 0
    """In bytes."""

    def __add__(self, other: "Amount") -> "Amount":
        return Amount(self.files + other.files, self.size + other.size)


def amount(root: Path, folder: str) -> Amount:
    """What lies in one of the archive's folders."""
    count = size = 0
    for file in files(root, (folder,)):
        try:
            size += os.lstat(root / file).st_size
        except OSError:  # it has become an object, say
            continue
        count += 1
    return Amount(count, size)
