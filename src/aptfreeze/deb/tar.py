# SPDX-License-Identifier: MIT
"""Some files out of a tar archive, in the forms that dpkg reads: ustar and GNU (dpkg-deb writes the latter).

Rule 1: bounded: contents are kept only if they are wanted and at most `LARGEST_FILE`, names are at most `LONGEST_NAME`;
how much is read in all, whoever gives the pieces decides.
Rule 2: a path is relative and normal (`usr/bin/x` for `./usr/bin/x`); it is a name here, nothing is ever written there.
Rule 3: damage is a ParseError, also what dpkg would not unpack: pax headers, a header with a wrong checksum. Only
regular files have content, whatever size a header names (as for dpkg).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import count

from aptfreeze.deb import tarhead
from aptfreeze.deb.deb822 import ParseError
from aptfreeze.deb.tarhead import BLOCK, LONG_NAME
from aptfreeze.values import immutable

LARGEST_FILE = 16 << 20
"""Bytes of a wanted file; the largest changelog of Debian has 2 MB, compressed."""
LONGEST_NAME = 4096
"""Bytes; the kernel takes no longer path."""
MOST_MEMBERS = 1_000_000

_END = bytes(BLOCK)
_REGULAR, _HARD, _SYMBOLIC, _OTHERS = tarhead.REGULAR + b"7", b"1", b"2", b"3456"
_LONG_TARGET = b"K"


@immutable
class File:
    """A regular file with its content."""

    path: str
    content: bytes


@immutable
class Link:
    """A symbolic or hard link."""

    path: str
    target: str
    """As it stands there; that of a hard link is a path of the same archive."""
    is_hard: bool


class _Input:
    """The pieces as one string of bytes that is read once. Mutable: the piece at hand and how far it was read."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._piece = b""
        self._at = 0

    def _spans(self, size: int) -> Iterator[tuple[int, int]]:
        """Borders, in the piece at hand, of what makes up the next `size` bytes."""
        while size:
            if self._at == len(self._piece):
                self._piece, self._at = next(self._pieces, b""), 0
                if not self._piece:
                    raise ParseError(f"data.tar is cut off: {size} bytes are missing")
            start, end = self._at, min(len(self._piece), self._at + size)
            self._at = end
            size -= end - start
            yield start, end

    def take(self, size: int) -> bytes:
        return b"".join(self._piece[start:end] for start, end in self._spans(size))

    def skip(self, size: int) -> None:
        for _ in self._spans(size):
            pass


def files(pieces: Iterable[bytes], wanted: Callable[[str], bool], *, most: int = MOST_MEMBERS) -> Iterator[File | Link]:
    """The wanted files and links in the archive's order; folders and devices are passed over. Raises ParseError."""
    source = _Input(piece for piece in pieces if piece)
    long_names: dict[bytes, str] = {}
    for number in count():
        header = source.take(BLOCK)
        if header == _END:
            return
        if number == most:
            raise ParseError(f"data.tar has more than {most} members")
        tarhead.check(header)
        kind = tarhead.kind(header)
        if kind in (LONG_NAME, _LONG_TARGET):
            long_names[kind] = _long_name(source, tarhead.size(header))
            continue
        found = _member(source, header, long_names, wanted)
        if found is not None:
            yield found
        long_names = {}


def _member(
    source: _Input, header: bytes, long_names: Mapping[bytes, str], wanted: Callable[[str], bool]
) -> File | Link | None:
    """What is wanted of the member, whose content is read or passed over."""
    path = _normal(long_names.get(LONG_NAME) or tarhead.name(header))
    kind = tarhead.kind(header)
    if kind in _REGULAR:
        size = tarhead.size(header)
        if wanted(path):
            return File(path, _content(source, path, size))
        source.skip(size + -size % BLOCK)
        return None
    if kind not in _HARD + _SYMBOLIC + _OTHERS:
        raise ParseError(f"data.tar has a member of kind {kind!r}, which dpkg does not read")
    if kind in _OTHERS or not wanted(path):
        return None
    target = long_names.get(_LONG_TARGET) or tarhead.text(header[157:257])
    return Link(path, _normal(target) if kind == _HARD else target, is_hard=kind == _HARD)


def _content(source: _Input, path: str, size: int, largest: int = LARGEST_FILE) -> bytes:
    if size > largest:
        raise ParseError(f"{path} in data.tar has {size} bytes, more than {largest}")
    content = source.take(size)
    source.skip(-size % BLOCK)
    return content


def _long_name(source: _Input, size: int) -> str:
    """GNU: a name that does not fit into its header stands in a member before it."""
    return tarhead.text(_content(source, "a name", size, LONGEST_NAME))


def _normal(path: str) -> str:
    return "/".join(part for part in path.split("/") if part not in ("", "."))
