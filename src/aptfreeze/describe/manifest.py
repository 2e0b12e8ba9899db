# SPDX-License-Identifier: MIT
"""`export.json`: what an export is of, and every file in it with its size and hash. Text only.

Rule 1: it comes first in an export, so that each further file is checked as it comes.
Rule 2: it is not trusted. A path that leads out of the export, or that no file system could have, is a UsageError; what
the files are worth, pins and hashes tell.
Rule 3: it follows from the state alone: two exports of one state have the same.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import field
from typing import Any, Self

from aptfreeze.errors import UsageError
from aptfreeze.freeze.digest import Algorithm, Digest
from aptfreeze.values import immutable

NAME = "export.json"
SUMS = "SHA256SUMS"
"""The same for `sha256sum -c`; what is in there is in the manifest, and export.json itself."""
LARGEST = 256 << 20
"""Bytes; a file takes about 300."""
_FORMAT = "aptfreeze export"
_VERSION = 1
_LONGEST_NAME = 255
_LONGEST_PATH = 4000


@immutable
class Listed:
    """One file of an export."""

    path: str
    size: int
    """In bytes."""
    sha256: Digest
    also: tuple[Digest, ...] = ()
    """Other hashes that its index names it by, where that has no sha256."""

    @property
    def is_object(self) -> bool:
        """Whether it belongs into an archive; else it is a document of the export."""
        return self.path.startswith(("repositories/", "extra/"))


@immutable
class Manifest:
    generation: str
    """The id."""
    state: Digest
    scope: str
    """`used` or `all`."""
    with_sources: bool
    architectures: tuple[str, ...]
    """Those in use where it was made."""
    left_out: tuple[str, ...] = ()
    """Settings of aptfreeze.toml that name a machine's own files, or may hold a password."""
    files: Mapping[str, Listed] = field(default_factory=dict)
    """By path, in the order in which they come; without export.json and SHA256SUMS."""

    @property
    def size(self) -> int:
        """Of all files, in bytes."""
        return sum(each.size for each in self.files.values())

    def dump(self) -> bytes:
        head = {
            "format": _FORMAT,
            "version": _VERSION,
            "generation": self.generation,
            "state": str(self.state),
            "scope": self.scope,
            "with_sources": self.with_sources,
            "architectures": list(self.architectures),
            "left_out": list(self.left_out),
        }
        lines = ",\n".join(json.dumps(_row(each)) for each in self.files.values())
        return f'{json.dumps(head, indent=1)[:-2]},\n "files": [\n{lines}\n]}}\n'.encode()

    def sums(self) -> bytes:
        """The text of SHA256SUMS."""
        listed = [*self.files.values(), Listed(NAME, 0, Digest.of(self.dump()))]
        return "".join(f"{each.sha256.hex}  {each.path}\n" for each in sorted(listed, key=_path)).encode()

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """UsageError for what `dump` does not write."""
        try:
            document = json.loads(data)
            _check_version(document)
            return cls(
                generation=str(document["generation"]),
                state=Digest.parse(document["state"]),
                scope=str(document["scope"]),
                with_sources=document["with_sources"] is True,
                architectures=tuple(map(str, document["architectures"])),
                left_out=tuple(map(str, document["left_out"])),
                files=_by_path(_listed(row) for row in document["files"]),
            )
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise UsageError(f"{NAME} is none that aptfreeze export writes: {error!r:.300}", hint=_HINT) from error


_HINT = "name what aptfreeze export made, or have it made again"


def is_safe(path: str) -> bool:
    """Whether a relative path stays below the folder that it is relative to, and any file system can have it."""
    segments = path.split("/")
    return (
        path.isprintable()
        and "\\" not in path
        and len(path.encode("utf-8", "replace")) <= _LONGEST_PATH
        and all(part not in ("", ".", "..") and len(part.encode()) <= _LONGEST_NAME for part in segments)
    )


def _path(listed: Listed) -> str:
    return listed.path


def _row(listed: Listed) -> dict[str, Any]:
    row: dict[str, Any] = {"path": listed.path, "size": listed.size, "sha256": listed.sha256.hex}
    return {**row, "also": [str(each) for each in listed.also]} if listed.also else row


def _check_version(document: dict[str, Any]) -> None:
    if document["format"] != _FORMAT:
        raise ValueError(f"the format is {document['format']!r}")
    if document["version"] != _VERSION:
        raise UsageError(
            f"the export has format version {document['version']!r:.20}, and this aptfreeze knows {_VERSION}",
            hint="upgrade aptfreeze on this machine; apt can use the export all the same, see its README",
        )


def _listed(row: dict[str, Any]) -> Listed:
    path, size = row["path"], row["size"]
    if not isinstance(path, str) or not is_safe(path):
        raise UsageError(f"{NAME} lists a path that no export has: {path!r:.200}", hint=_HINT)
    if not isinstance(size, int) or size < 0:
        raise ValueError(f"no size: {size!r}")
    also = tuple(Digest.parse(each) for each in row.get("also", ()))
    return Listed(path, size, Digest(Algorithm.SHA256, row["sha256"]), also)


def _by_path(files: Iterable[Listed]) -> dict[str, Listed]:
    found: dict[str, Listed] = {}
    for each in files:
        if each.path in found or each.path in (NAME, SUMS):
            raise ValueError(f"{each.path!r} is listed twice")
        found[each.path] = each
    return found
