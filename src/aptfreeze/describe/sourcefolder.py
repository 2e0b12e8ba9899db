# SPDX-License-Identifier: MIT
"""A folder with the sources of what is shipped: `NAME_VERSION/` each, the table, and the copyright files.

Rule 1: it is made under another name beside its place and renamed as a whole: nobody sees half of it. A folder of ours
that was there before is replaced; another one that is not empty is refused.
Rule 2: the files are those of the archive under a further name where the file system can do that, else copies.
Rule 3: what is placed was verified in this process.
"""

import errno
import fcntl
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from aptfreeze.archive.objects import Objects
from aptfreeze.archive.placing import place
from aptfreeze.describe import shipmenttext
from aptfreeze.describe.shipment import KeptFile, Shipment
from aptfreeze.errors import IntegrityError, UsageError

_DATA = "sources.json"
_TABLE = "sources.tsv"
_MODE = 0o444


def refuse(out: Path) -> None:
    """UsageError if the folder cannot be written, or holds something that is not ours."""
    if not out.name:
        raise UsageError(f"{out} cannot be replaced by another folder", hint="name one below it: --out DIR/sources")
    try:
        entries = {path.name for path in out.iterdir()}
    except FileNotFoundError:
        _refuse_place(out)
        return
    except OSError as error:
        raise UsageError(f"cannot use {out}: {error.strerror}", hint="name a folder: --out DIR") from error
    if entries and not _is_ours(out):
        raise UsageError(
            f"{out} is not empty, and no folder that aptfreeze sources has made: it holds {min(entries)!r}",
            hint="name another one with --out, or empty it",
        )
    _refuse_place(out)


def _refuse_place(out: Path) -> None:
    if not os.access(out.parent, os.W_OK | os.X_OK):
        raise UsageError(f"cannot write to {out.parent}", hint="name a folder in a place that exists, with --out")


def _is_ours(out: Path) -> bool:
    try:
        found = json.loads((out / _DATA).read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(found, dict) and found.get("format") == shipmenttext.FORMAT


def write(out: Path, objects: Objects, found: Shipment) -> None:
    """Make the folder. Blocks; IntegrityError if an object is gone or damaged meanwhile, UsageError for the disk."""
    try:
        with _replacing(out) as folder:
            _write(folder, objects, found)
    except OSError as error:
        hints = {errno.ENOSPC: "make room", errno.EBUSY: "name a folder that is no mount point, with --out"}
        raise UsageError(f"cannot write {out}: {error.strerror or error}", hint=hints.get(error.errno or 0)) from error


def _write(folder: Path, objects: Objects, found: Shipment) -> None:
    kept = found.kept
    names = shipmenttext.folder_names(kept)
    for each in {shipmenttext.contents(one): one for one in kept}.values():
        below = folder / names[shipmenttext.contents(each)]
        below.mkdir()
        for file in each.files:
            _place(objects, file, below / shipmenttext.file_name(file.name))
    if any(each.content is not None for each in found.copyrights):
        (folder / "copyright").mkdir()
    for copyright_file in found.copyrights:
        if copyright_file.content is not None:
            name = shipmenttext.copyright_name(copyright_file.shipped)
            (folder / "copyright" / name).write_bytes(copyright_file.content)
    _write_lines(folder / _TABLE, shipmenttext.table(found))
    with (folder / _DATA).open("w", encoding="utf-8") as target:
        json.dump(shipmenttext.data(found), target, indent=1)
        target.write("\n")


def _write_lines(path: Path, lines: Iterable[str]) -> None:
    with path.open("w", encoding="utf-8") as target:
        target.writelines(f"{line}\n" for line in lines)


def _place(objects: Objects, file: KeptFile, target: Path) -> None:
    growth = objects.growth(file.digest)
    if growth is None:
        raise IntegrityError(f"{file.name} is gone from the archive meanwhile", hint="run the same command again")
    growth.wait()
    place(growth.descriptor(), target, _MODE)


@contextmanager
def _replacing(out: Path) -> Iterator[Path]:
    """A new, empty folder that takes the place of `out` at the end, and is removed if there is no end."""
    new = out.with_name(f".{out.name}.new")
    new.mkdir(exist_ok=True)
    descriptor = os.open(new, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        _lock(descriptor, new)
        _empty(new)  # a killed one left it
        try:
            yield new
            _swap(new, out)
        except BaseException:
            shutil.rmtree(new, ignore_errors=True)
            raise
    finally:
        os.close(descriptor)


def _lock(descriptor: int, new: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise UsageError(
            f"another aptfreeze is writing {new}", hint="wait for it, or name another folder with --out"
        ) from error


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def _swap(new: Path, out: Path) -> None:
    old = out.with_name(f".{out.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    with suppress(FileNotFoundError):
        out.rename(old)
    new.rename(out)
    shutil.rmtree(old, ignore_errors=True)
