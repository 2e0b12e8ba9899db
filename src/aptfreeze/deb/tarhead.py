# SPDX-License-Identifier: MIT
"""The head of a member in a tar archive, read and written: ustar and GNU.

Norms: POSIX.1 (pax, "ustar Interchange Format"); GNU tar's manual, "Basic Tar Format".
Rule 1: what cannot be read is a ParseError.
Rule 2: what is written follows from the arguments alone, so that the same files make the same archive everywhere: it
belongs to root, without names of users and groups.
"""

import re

from aptfreeze.deb.deb822 import ParseError

BLOCK = 512
END = bytes(2 * BLOCK)
"""What ends an archive; a reader may stop at its first half."""
REGULAR = b"\x000"
"""Both kinds that are a regular file."""
LONG_NAME = b"L"
"""GNU: a name that does not fit into its head stands in a member before it."""

_RECORD = 20 * BLOCK
_LONGEST_NAME = 100
_LARGEST_OCTAL = 8**11 - 1
_GNU = b"ustar  \0"
_OCTAL = re.compile(rb" *([0-7]*)[ \0]*")


# --- reading ---


def check(head: bytes) -> None:
    """POSIX ustar: the sum of the head's bytes, its own field taken as blanks."""
    if _sum(head) != number(head[148:156]):
        raise ParseError("the tar archive has a header with a wrong checksum")


def kind(head: bytes) -> bytes:
    return head[156:157]


def size(head: bytes) -> int:
    """In bytes, of the content."""
    return number(head[124:136])


def name(head: bytes) -> str:
    """As it stands there, if no member before it told a longer one."""
    short = text(head[:100])
    prefix = text(head[345:500]) if head[257:263] == b"ustar\0" else ""  # GNU's magic is "ustar  "
    return f"{prefix}/{short}" if prefix else short


def number(field: bytes) -> int:
    """Octal digits, or for large sizes GNU's base 256."""
    if field[0] == 0x80:
        return int.from_bytes(field[1:], "big")
    match = _OCTAL.fullmatch(field)
    if match is None:
        raise ParseError(f"the tar archive has a header with the number {field!r}")
    return int(match[1] or b"0", 8)


def text(field: bytes) -> str:
    """Up to the zero that ends it."""
    return field.partition(b"\0")[0].decode("utf-8", "replace")


# --- writing ---


def regular_file(path: str, size: int, *, mode: int, mtime: int) -> bytes:
    """What comes before the content of a regular file; `mtime` in seconds since 1970."""
    encoded = path.encode()
    before = b""
    if len(encoded) > _LONGEST_NAME:
        long = encoded + b"\0"
        before = _head(b"././@LongLink", LONG_NAME, len(long), mode=0, mtime=0) + long + padding(len(long))
    return before + _head(encoded[:_LONGEST_NAME], b"0", size, mode=mode, mtime=mtime)


def padding(size: int) -> bytes:
    """What comes behind a content of that size."""
    return bytes(-size % BLOCK)


def end(size: int) -> bytes:
    """What ends an archive of which so many bytes are written, in whole records as GNU tar writes them."""
    return END + bytes(-(size + len(END)) % _RECORD)


def _head(name: bytes, kind: bytes, size: int, *, mode: int, mtime: int) -> bytes:
    numbers = b"%07o\0%07o\0%07o\0%b%011o\0" % (mode, 0, 0, _size(size), mtime)
    head = name.ljust(100, b"\0") + numbers + b" " * 8 + kind + bytes(100) + _GNU
    head = head.ljust(BLOCK, b"\0")
    return head[:148] + b"%06o\0 " % _sum(head) + head[156:]


def _size(size: int) -> bytes:
    return b"%011o\0" % size if size <= _LARGEST_OCTAL else b"\x80" + size.to_bytes(11, "big")


def _sum(head: bytes) -> int:
    return sum(head) - sum(head[148:156]) + 8 * ord(" ")
