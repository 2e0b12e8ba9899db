# SPDX-License-Identifier: MIT
"""What Release and Sources share: lists of files, one `hash size name` a line, one list per hash algorithm.

Rule 1: hashes go by hashlib's names (`md5`, `sha1`, `sha256`, `sha512`), in lower-case hex.
Rule 2: a path has one spelling: no `./`, no `//`, no slash in front. One with `..` leads out and is no path.
Rule 3: the first entry of a name counts, the strongest list first, as in apt; it tells the size too.
"""

import re
from collections.abc import Iterable, Iterator, Mapping

from aptfreeze.deb.deb822 import ParseError
from aptfreeze.values import immutable

HEX_LENGTHS: Mapping[str, int] = {"sha512": 128, "sha256": 64, "sha1": 40, "md5": 32}
"""Digits of each known hash, strongest first: the order in which lists are merged."""

_HEX = {name: re.compile(rf"[0-9a-fA-F]{{{length}}}", re.ASCII) for name, length in HEX_LENGTHS.items()}
_SIZE = re.compile(r"[0-9]{1,15}")


@immutable
class ListedFile:
    """One file of a list, with every hash that the lists have of it."""

    path: str
    size: int
    """In bytes."""
    hashes: Mapping[str, str]


def listed_path(path: str) -> str | None:
    """The one spelling of a relative path (`./a//b` is `a/b`); None if it is empty or has a `..` in it.

    >>> listed_path("./main//binary-amd64/Packages")
    'main/binary-amd64/Packages'
    """
    # Nearly every path is normal already; ".." and "./" are rare enough to look closer.
    if path and "//" not in path and "./" not in path and ".." not in path and path[0] != "/" and path[-1] not in "/.":
        return path
    segments = [segment for segment in path.split("/") if segment not in ("", ".")]
    return None if ".." in segments or not segments else "/".join(segments)


def normal_hex(algorithm: str, text: str) -> str | None:
    """The hash in lower case; None if it has not the digits of its algorithm."""
    return text.lower() if _HEX[algorithm].fullmatch(text) else None


def parse_size(text: str) -> int | None:
    """A size in bytes; None if it is no plain decimal number below 10^15."""
    return int(text) if _SIZE.fullmatch(text) else None


def file_lines(value: str, algorithm: str) -> Iterator[tuple[str, int, str]]:
    """Path, size and hash of each line of a list; lines whose path leads out are left out. Raises ParseError."""
    for line in value.split("\n"):
        words = line.split(None, 2)
        if not words:
            continue
        digest, size = normal_hex(algorithm, words[0]), parse_size(words[1]) if len(words) == 3 else None
        if digest is None or size is None:
            raise ParseError(f'not "{algorithm} size name": {line.strip()[:200]!r}')
        path = listed_path(words[2].rstrip(" \t"))
        if path is not None:
            yield path, size, digest


def merge(lists: Iterable[tuple[str, str]]) -> dict[str, ListedFile]:
    """Files by path from lists of (hash algorithm, field value), strongest algorithm first. Raises ParseError.

    A weaker list that tells another size than a stronger one speaks of other bytes: its hash is left out.
    """
    sizes: dict[str, int] = {}
    hashes: dict[str, dict[str, str]] = {}
    for algorithm, value in lists:
        for path, size, digest in file_lines(value, algorithm):
            if sizes.setdefault(path, size) == size:
                hashes.setdefault(path, {}).setdefault(algorithm, digest)
    return {path: ListedFile(path, sizes[path], hashes[path]) for path in sizes}
