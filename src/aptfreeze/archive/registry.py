# SPDX-License-Identifier: MIT
"""Which environments use an archive, and what they pin: so that nothing is removed that one of them needs.

    environments/<key>/about.json      which environment it is; its mtime is when it was seen last
    environments/<key>/<sha256>.lock   a lock file of it, byte for byte; a process that works with it holds its flock

Rule 1: nothing in it is a truth. It stands for the environment's folder while that cannot be read: a container's, or
that of another machine with the same archive.
Rule 2: a lock file's copy is written once, by one rename. So a process's flock on it says that it is still needed,
however long ago another one became current.
Rule 3: what is known already costs no writing: `about.json` is written anew once a day.
"""

import contextlib
import hashlib
import json
import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aptfreeze.archive.checks import pieces
from aptfreeze.archive.flock import is_named, open_to_lock, try_lock
from aptfreeze.archive.growth import Descriptor
from aptfreeze.archive.layout import Layout, storage_error
from aptfreeze.errors import IntegrityError
from aptfreeze.values import immutable

_FRESH_S = 24 * 3600.0
_PAUSE_S = 0.001
_ALL = 0o666  # the folder says who may
_ABOUT = "about.json"


@immutable
class Place:
    """Where an environment is."""

    host: str
    path: str
    """Absolute."""
    folder: tuple[int, int]
    """Device and inode: another machine, or a container, has another folder at the same path."""

    @property
    def key(self) -> str:
        return hashlib.sha256(f"{self.host}\0{self.path}".encode(errors="surrogateescape")).hexdigest()[:32]

    def __str__(self) -> str:
        return f"{self.host}:{self.path}"


@immutable
class Noted:
    """A lock file's copy."""

    name: str
    """The sha256 of its bytes, in hex."""
    data: bytes
    since: float
    """When it was noted, as seconds since 1970."""
    is_held: bool
    """Whether a process works with it."""


@immutable
class Entry:
    """One environment that the archive knows."""

    key: str
    place: Place | None
    """None: nobody can tell any more."""
    current: str
    """The name of the lock file's copy that was current when it was seen last; empty if that cannot be told."""
    seen: datetime

    def __str__(self) -> str:
        return str(self.place or self.key)


class Registry:
    """The environments that one archive knows. All calls block; OSError becomes a StorageError."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout

    def __repr__(self) -> str:
        return f"<Registry of {self._layout.root}>"

    def note(self, place: Place, lock: bytes) -> Descriptor:
        """Know the environment, and its lock file as it is now; what is needed by it stays until the file is closed."""
        name = hashlib.sha256(lock).hexdigest()
        folder = self._layout.environments / place.key
        held = self._held(folder / f"{name}.lock", lock)
        if not _is_fresh(folder / _ABOUT, _about(place, name)):
            self._layout.write(folder / _ABOUT, _about(place, name), _ALL)
        return held

    def entries(self) -> list[Entry]:
        """All that are known, sorted by their place."""
        folders = [each for each in self._layout.environments.iterdir() if each.is_dir()]
        return sorted(map(_entry, folders), key=lambda each: (str(each), each.key))

    def copies(self, entry: Entry) -> list[Noted]:
        """The copies of its lock file, the one that was noted last first; IntegrityError for one that is damaged."""
        found = [_noted(path) for path in self._folder(entry).glob("*.lock")]
        return sorted(found, key=lambda each: (each.since, each.name), reverse=True)

    def see(self, entry: Entry) -> None:
        """The environment's folder was seen just now."""
        with contextlib.suppress(OSError):  # nobody's to write, a full disk: the next one who sees it tells it
            os.utime(self._folder(entry) / _ABOUT)

    def forget(self, entry: Entry, names: frozenset[str] | None = None) -> None:
        """These copies, None: the environment as a whole. What a process works with stays, and all of an environment
        that was used since the entry was read."""
        folder = self._folder(entry)
        if _entry(folder) != entry:
            return
        try:
            for path in folder.glob("*.lock"):
                if names is None or path.stem in names:
                    _remove(path)
            if names is None and not any(folder.glob("*.lock")):
                (folder / _ABOUT).unlink(missing_ok=True)
                folder.rmdir()
        except OSError as error:
            raise storage_error(self._layout.root, error) from error

    def _folder(self, entry: Entry) -> Path:
        return self._layout.environments / entry.key

    def _held(self, path: Path, lock: bytes) -> Descriptor:
        while True:
            try:
                file = Descriptor.open(path)
            except FileNotFoundError:
                self._layout.write(path, lock, _ALL)
                continue
            except OSError as error:
                raise storage_error(self._layout.root, error) from error
            if not try_lock(file.fd, shared=True):
                time.sleep(_PAUSE_S)  # somebody looks whether it is held
            elif not is_named(file.fd, path):
                continue
            elif os.fstat(file.fd).st_size != len(lock):  # torn by a power cut
                self._layout.write(path, lock, _ALL)
            else:
                return file


def _about(place: Place, current: str) -> bytes:
    about = {"host": place.host, "path": place.path, "folder": place.folder, "lock": current}
    return json.dumps(about, indent=1).encode() + b"\n"


def _is_fresh(path: Path, about: bytes) -> bool:
    try:
        return path.read_bytes() == about and abs(time.time() - path.stat().st_mtime) < _FRESH_S
    except OSError:
        return False


def _entry(folder: Path) -> Entry:
    """What is torn, or was killed before it was written, is as good as not there; the copies still count."""
    about: dict[str, Any] = {}
    with contextlib.suppress(OSError, ValueError):
        about = json.loads((folder / _ABOUT).read_bytes())
    with contextlib.suppress(KeyError, TypeError, ValueError):
        device, inode = about["folder"]
        place = Place(str(about["host"]), str(about["path"]), (int(device), int(inode)))
        return Entry(folder.name, place, str(about["lock"]), _changed(folder / _ABOUT))
    latest = max([_changed(folder), *map(_changed, folder.glob("*.lock"))])
    return Entry(folder.name, None, "", latest)


def _changed(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)


def _noted(path: Path) -> Noted:
    file = open_to_lock(path)
    data, since = b"".join(pieces(file.fd)), os.fstat(file.fd).st_mtime
    if hashlib.sha256(data).hexdigest() != path.stem:
        raise IntegrityError(
            f"{path} is damaged: what an environment needs cannot be told",
            hint="run any aptfreeze command in that environment, which writes it anew, or delete it if the environment "
            "is gone",
        )
    return Noted(path.stem, data, since, is_held=not try_lock(file.fd))


def _remove(path: Path) -> None:
    """Unless somebody holds it; who opens it at this moment sees that its name is gone."""
    file = open_to_lock(path)
    if try_lock(file.fd):
        path.unlink(missing_ok=True)
