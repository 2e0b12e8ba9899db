# SPDX-License-Identifier: MIT
"""Bytes that come from elsewhere than a server, as objects.

Rule 1: a file becomes an object when every hash that is known of it matched. What is not as it should be is an
IntegrityError, and leaves no trace.
Rule 2: an object that is held already is read first. If it is damaged, it is replaced.
Rule 3: a file of this machine gets a further name in the archive where the file system can, instead of a copy: if it is
ours, so that nobody else can write to it.
"""

import os
from collections.abc import Iterable
from pathlib import Path

from aptfreeze.archive.checks import pieces
from aptfreeze.archive.hashing import Fingerprint
from aptfreeze.archive.layout import storage_error
from aptfreeze.archive.objects import Objects
from aptfreeze.archive.partial import Partial
from aptfreeze.archive.placing import How, clone, link, open_new
from aptfreeze.errors import IntegrityError, StorageError
from aptfreeze.freeze.digest import Wanted


def take(objects: Objects, wanted: Wanted, content: Iterable[bytes], name: str) -> How | None:
    """Have these bytes as an object; None if it was held. `name` is what messages call it.

    IntegrityError if they are not what is wanted, StorageError if they cannot be stored.
    """
    if is_sound(objects, wanted):
        fingerprint = Fingerprint(wanted.algorithms)
        for piece in content:
            fingerprint.update(piece)
        _refuse(fingerprint.objection(wanted), name)
        return None
    objects.require_writable()
    try:
        with Partial(objects, wanted) as partial:
            if partial.is_mine:
                return _filled(partial, content, name)
        with Partial(objects, wanted, is_shared=False) as partial:  # a download is under way, and may never end
            return _filled(partial, content, name)
    except OSError as error:
        raise storage_error(objects.layout.root, error) from error


def _filled(partial: Partial, content: Iterable[bytes], name: str) -> How:
    partial.discard()  # what a killed process left there comes again
    try:
        partial.require_room()
        for piece in content:
            partial.append(piece)
        _refuse(partial.objection(), name)
        partial.install(partial.wanted.also)
    except BaseException:
        partial.discard()
        raise
    return How.COPIED


def take_file(objects: Objects, wanted: Wanted, file: int, content: Iterable[bytes], name: str) -> How | None:
    """The same with `file`, an open file of this machine whose content it is."""
    if is_sound(objects, wanted):
        path = objects.path(wanted.digest)
        if path is not None and os.path.samestat(path.stat(), os.fstat(file)):
            return None
        return take(objects, wanted, content, name)
    if not _is_ours(file):
        return take(objects, wanted, content, name)
    objects.require_writable()
    temporary = objects.layout.temporary()
    try:
        how = _joined(file, temporary)
        if how is None:
            return take(objects, wanted, content, name)
        fingerprint = _fingerprint(temporary, wanted)
        _refuse(fingerprint.objection(wanted), name)
        objects.adopt(temporary, fingerprint.sha256, wanted.also)
        return how
    except OSError as error:
        raise storage_error(objects.layout.root, error) from error
    finally:
        temporary.unlink(missing_ok=True)


def _is_ours(file: int) -> bool:
    status = os.fstat(file)
    return status.st_uid == os.geteuid() and not status.st_mode & 0o022


def _joined(file: int, target: Path) -> How | None:
    """The same file, or a clone of it, at `target`; None if the file system can do neither."""
    if link(file, target):
        return How.LINKED
    with open_new(target, 0o600) as new:
        return How.CLONED if clone(file, new.fileno()) else None


def _fingerprint(path: Path, wanted: Wanted) -> Fingerprint:
    fingerprint = Fingerprint(wanted.algorithms)
    with path.open("rb") as file:
        for piece in pieces(file.fileno()):
            fingerprint.update(piece)
    return fingerprint


def is_sound(objects: Objects, wanted: Wanted) -> bool:
    """Whether the object is held, and is what it should be; one that is not goes to quarantine. Blocks.

    StorageError if it cannot be read.
    """
    path = objects.path(wanted.digest)
    if path is None or any(not objects.has(name) for name in wanted.also):
        return False
    try:
        if wanted.size not in (None, path.stat().st_size):
            return False
        growth = objects.growth(wanted.digest)
        if growth is not None:
            growth.wait()
    except IntegrityError:
        return False
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror}") from error
    return growth is not None


def _refuse(objection: str | None, name: str) -> None:
    if objection is not None:
        raise IntegrityError(
            f"{name} is damaged: {objection}", hint="have it copied, or made, again; what was good is in the archive"
        )
