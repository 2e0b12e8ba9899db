# SPDX-License-Identifier: MIT
"""Some files out of a .deb, by deb(5): an ar archive of debian-binary, control.tar and data.tar.

Rule 1: the file is read once and from its start to the end of data.tar; only what is wanted of it is kept (see `tar`).
Rule 2: bounded: the number of ar members, and the bytes of data.tar when it is decompressed.
Rule 3: what is no .deb, or a damaged one, is a ParseError that says what is wrong with it.
"""

from collections.abc import Callable, Iterator
from typing import BinaryIO

from aptfreeze.deb.compression import decompress
from aptfreeze.deb.deb822 import ParseError
from aptfreeze.deb.tar import File, Link, files

MOST_MEMBERS = 32
"""Of the ar archive; deb(5) wants three and allows a few more."""
LARGEST_DATA = 16 << 30
"""Bytes of a data.tar; the largest packages of Debian (symbols for debuggers) have 6 GB."""

_MAGIC = b"!<arch>\n"
_HEADER = 60
_PIECE = 256 << 10
_SUFFIXES = ("", ".gz", ".xz", ".zst", ".bz2")


def read(deb: BinaryIO, wanted: Callable[[str], bool], *, limit: int = LARGEST_DATA) -> Iterator[File | Link]:
    """The files and links of the package whose path (`usr/share/doc/x`, without `./`) is wanted.

    `deb` can seek and stands at its start. Raises ParseError, also if data.tar is larger than `limit`.
    """
    if deb.read(len(_MAGIC)) != _MAGIC:
        raise ParseError("it is no ar archive")
    _check_version(deb)
    for _ in range(MOST_MEMBERS):
        name, size = _header(deb)
        if name.startswith("data.tar"):
            suffix = name.removeprefix("data.tar")
            if suffix not in _SUFFIXES:
                raise ParseError(f"its {name!r} has a compression that cannot be read")
            return files(decompress(_pieces(deb, size), suffix, limit), wanted)
        deb.seek(size + size % 2, 1)
    raise ParseError(f"it has more than {MOST_MEMBERS} members and no data.tar among them")


def _check_version(deb: BinaryIO) -> None:
    name, size = _header(deb)
    if name != "debian-binary" or size > _HEADER:
        raise ParseError(f"it begins with {name!r}, not with debian-binary")
    version = deb.read(size + size % 2)
    if not version.startswith(b"2."):
        raise ParseError(f"it has format {version[:10]!r}, not 2.0")


def _header(deb: BinaryIO) -> tuple[str, int]:
    """Name and size of the next member; its content is next to be read."""
    header = deb.read(_HEADER)
    if len(header) < _HEADER:
        raise ParseError("it ends before its data.tar")
    digits = header[48:58].rstrip(b" ")
    if header[58:] != b"`\n" or not digits.isdigit():
        raise ParseError(f"it has a damaged ar header: {header!r}")
    return header[:16].rstrip(b" ").removesuffix(b"/").decode("ascii", "replace"), int(digits)


def _pieces(deb: BinaryIO, size: int) -> Iterator[bytes]:
    while size:
        piece = deb.read(min(size, _PIECE))
        if not piece:
            raise ParseError(f"it is cut off: {size} bytes of its data.tar are missing")
        size -= len(piece)
        yield piece
