# SPDX-License-Identifier: MIT
"""Objects that nobody needed: out of the way first, deleted later, and found again as long as they are there.

    condemned/<time>/<hex>                    since then, in seconds since 1970
    condemned/<time>-<random>.leaving/<hex>   being deleted: nobody finds it there any more

Rule 1: an object comes here, and back, by one rename: whoever looks for it finds it, or gets it from a mirror.
Rule 2: what somebody looks for is needed, so it goes back to its place.
Rule 3: one process at a time condemns and deletes; any number may look.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from aptfreeze.archive.layout import Layout, storage_error
from aptfreeze.freeze.digest import Algorithm, Digest

_LEAVING = ".leaving"


class Condemned:
    """Those of one archive."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout

    def __repr__(self) -> str:
        return f"<Condemned of {self._layout.root}>"

    def restored(self, sha256: Digest) -> Path | None:
        """Where an object is that was not in its place a moment ago: there again, else here; None if it is not held."""
        place = self._layout.object(sha256)
        for folder in self._folders():
            path = folder / sha256.hex
            if path.exists():
                try:
                    self._layout.rename(path, place)
                except FileNotFoundError:
                    continue  # another one was faster
                except OSError:  # an archive that can only be read, a full disk
                    return path
        return place if place.exists() else None

    # --- for the one who condemns ---

    def condemn(self, sha256: bytes, since: int) -> None:
        """Put an object out of the way; nothing happens if it is not in its place. StorageError."""
        name = sha256.hex()
        place = self._layout.object(Digest(Algorithm.SHA256, name))
        if not place.exists():
            return
        try:
            self._layout.rename(place, self._layout.condemned / str(since) / name)
        except FileNotFoundError:
            return  # it was put into quarantine just now
        except OSError as error:
            raise storage_error(self._layout.root, error) from error

    def names(self) -> Iterator[tuple[bytes, os.DirEntry[str]]]:
        """The sha256 of each, also of those that a killed process was deleting."""
        for folder in [*self._folders(), *self._leaving()]:
            yield from named_files(folder)

    def take_back(self, sha256: bytes) -> None:
        """Have an object in its place again, wherever it is here. StorageError."""
        name = sha256.hex()
        place = self._layout.object(Digest(Algorithm.SHA256, name))
        for folder in [*self._folders(), *self._leaving()]:
            if not place.exists() and (folder / name).exists():
                try:
                    self._layout.rename(folder / name, place)
                except FileNotFoundError:
                    continue
                except OSError as error:
                    raise storage_error(self._layout.root, error) from error

    def let_go(self, before: float) -> None:
        """From now on nobody finds what was condemned before that time. StorageError."""
        for folder in self._folders():
            if int(folder.name) < before:
                try:
                    folder.rename(f"{folder}-{os.urandom(4).hex()}{_LEAVING}")
                except OSError as error:
                    raise storage_error(self._layout.root, error) from error

    def delete(self) -> Iterator[tuple[bytes, int]]:
        """Delete what nobody finds any more: the sha256 and size of each. StorageError."""
        try:
            for folder in self._leaving():
                for sha256, entry in named_files(folder):
                    size = entry.stat().st_size
                    Path(entry.path).unlink()
                    yield sha256, size
                folder.rmdir()
        except OSError as error:
            raise storage_error(self._layout.root, error) from error

    def _folders(self) -> list[Path]:
        """Those that count, the latest first."""
        names = [name for name in _listed(self._layout.condemned) if name.isdecimal()]
        return [self._layout.condemned / name for name in sorted(names, key=int, reverse=True)]

    def _leaving(self) -> list[Path]:
        names = [name for name in _listed(self._layout.condemned) if name.endswith(_LEAVING)]
        return [self._layout.condemned / name for name in sorted(names)]


def named_files(folder: Path) -> Iterator[tuple[bytes, os.DirEntry[str]]]:
    """The files of a folder that are named by a sha256, with that."""
    with os.scandir(folder) as entries:
        for entry in entries:
            try:
                yield bytes.fromhex(entry.name), entry
            except ValueError:
                continue


def _listed(folder: Path) -> list[str]:
    try:
        return [path.name for path in folder.iterdir()]
    except FileNotFoundError:
        return []
