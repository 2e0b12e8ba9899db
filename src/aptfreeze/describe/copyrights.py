# SPDX-License-Identifier: MIT
"""The copyright file of each binary package that is shipped, out of its .deb in the archive.

Policy 12.5: usr/share/doc/PACKAGE/copyright; that folder may be a link to that of another package of the same source.

Rule 1: nothing of a .deb is run or unpacked onto the disk.
Rule 2: whatever the file is, there is an answer: its content, or the reason why there is none.
"""

import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence

from aptfreeze.archive.objects import Objects
from aptfreeze.deb.archive import read
from aptfreeze.deb.deb822 import ParseError
from aptfreeze.deb.tar import File, Link
from aptfreeze.describe.closure import Piece
from aptfreeze.describe.obtaining import Obtaining
from aptfreeze.describe.shipment import CopyrightFile
from aptfreeze.describe.shipped import Shipped
from aptfreeze.values import immutable

_DOCS = "usr/share/doc"
_LONGEST_CHAIN = 5


@immutable
class _Found:
    content: bytes | None = None
    beside: str = ""
    """The package that has it, if this one has only a link to it."""
    reason: str = ""


def copyrights(obtaining: Obtaining, packages: Sequence[Shipped]) -> Iterator[CopyrightFile]:
    """Of each package. Blocks: every .deb is read, once or, where others lead to it, more than once."""
    named = {(each.package, each.architecture): each for each in packages}
    for package in packages:
        yield _copyright(obtaining, package, named)


def pieces(packages: Iterable[Shipped]) -> list[Piece]:
    """The .debs that are read."""
    return [each.piece for each in packages if each.piece is not None]


def _copyright(obtaining: Obtaining, package: Shipped, named: Mapping[tuple[str, str], Shipped]) -> CopyrightFile:
    if package.piece is None:
        return CopyrightFile(package, None, "it is in no pinned suite, so there is no .deb of it")
    lacking = obtaining.lack_of(package.piece)
    if lacking is not None:
        return CopyrightFile(package, None, lacking.reason, lacking.is_gone, is_lacking=True)
    name, found = package, _read(obtaining.archive.objects, package)
    for _ in range(_LONGEST_CHAIN):
        if not found.beside:
            break
        beside = named.get((found.beside, name.architecture)) or named.get((found.beside, "all"))
        if beside is None:
            return CopyrightFile(package, None, f"it is in {found.beside}, which is not among these packages")
        name, found = beside, _read(obtaining.archive.objects, beside)
    endless = f"its documents are a link to those of {found.beside}, and so on" if found.beside else ""
    return CopyrightFile(package, found.content, found.reason or endless)


def _read(objects: Objects, package: Shipped) -> _Found:
    path = objects.path(package.piece.forms[0].wanted.digest) if package.piece else None
    if path is None:
        return _Found(reason=f"the .deb of {package} is not in the archive")
    folder = f"{_DOCS}/{package.package}"
    found: dict[str, File | Link] = {}
    try:
        with path.open("rb") as file:
            for each in read(file, {folder, f"{folder}/copyright"}.__contains__):
                found[each.path] = each
                if isinstance(each, File):
                    break  # what comes behind it is of no interest
    except (OSError, ParseError) as error:
        return _Found(reason=f"the .deb of {package} cannot be read: {error}")
    return _followed(found, package.package)


def _followed(found: Mapping[str, File | Link], package: str) -> _Found:
    folder = f"{_DOCS}/{package}"
    match found.get(f"{folder}/copyright") or found.get(folder):
        case File(content=content):
            return _Found(content)
        case Link() as link:
            start = "" if link.is_hard or link.target.startswith("/") else posixpath.dirname(link.path)
            target = posixpath.normpath(posixpath.join(start, link.target.lstrip("/")))
            match target.split("/"):
                case ["usr", "share", "doc", other, *_] if other != package:
                    return _Found(beside=other)
            return _Found(reason=f"{link.path} in it is a link to {target}")
    return _Found(reason=f"it has no {folder}/copyright")
