# SPDX-License-Identifier: MIT
"""The description of a source package, `.dsc` (dsc(5)): which files it consists of, beside itself.

Rule 1: only files with a strong hash (Checksums-Sha256) count: a `.dsc` that has none for one of its files is refused.
Rule 2: a name is a name, never a path.
Rule 3: the signature around the text is the caller's affair.
"""

from collections.abc import Mapping

from aptfreeze.deb.deb822 import ParseError, paragraphs
from aptfreeze.deb.filelist import ListedFile, merge
from aptfreeze.values import immutable

_LISTS = {"sha512": "Checksums-Sha512", "sha256": "Checksums-Sha256", "sha1": "Checksums-Sha1", "md5": "Files"}


@immutable
class SourceDescription:
    name: str
    version: str
    """With epoch."""
    files: Mapping[str, ListedFile]
    """By name."""


def parse(text: bytes) -> SourceDescription:
    """Read a `.dsc` without the signature around it. Raises ParseError."""
    fields = next(paragraphs(text.split(b"\n")), None)
    if fields is None:
        raise ParseError("an empty .dsc")
    name, version = fields.get("Source"), fields.get("Version")
    if not name or not version:
        raise ParseError("a .dsc without Source or Version", fields.line)
    files = merge((algorithm, fields.get(field)) for algorithm, field in _LISTS.items())
    for each in files.values():
        if "/" in each.path:
            raise ParseError(f"{each.path!r:.80} is no name of a file", fields.line)
        if "sha256" not in each.hashes:
            raise ParseError(f"{each.path!r:.80} has no SHA-256", fields.line)
    if not files:
        raise ParseError("a .dsc that lists no files", fields.line)
    return SourceDescription(name, version, files)
