# SPDX-License-Identifier: MIT
"""Which packages a root file system has, by dpkg's own list: var/lib/dpkg/status, or a file each in status.d.

Rule 1: a package counts when files of it are there: also a half-installed one, not one of which only the configuration
files are left (dpkg(1), "package states").
Rule 2: a paragraph that counts and lacks its name, version or architecture is a ParseError: a list with a hole in it is
worse than none.
"""

import io
import re
import sys
from collections.abc import Iterator

from aptfreeze.deb.deb822 import Limits, Paragraph, ParseError, paragraphs
from aptfreeze.deb.incorporated import Incorporated, incorporated
from aptfreeze.values import immutable

LIMITS = Limits(line=4 << 20, paragraph=32 << 20)
"""Conffiles and descriptions are long; one line of a Depends can be."""

_STATES = frozenset(
    {"installed", "half-installed", "unpacked", "half-configured", "triggers-awaited", "triggers-pending"}
)
_NOT_THERE = frozenset({"not-installed", "config-files"})
_SOURCE = re.compile(r"([^\s(),]+)(?:\s*\(([^\s()]+)\))?")


@immutable
class Installed:
    """One package of a root file system, as dpkg knows it."""

    name: str
    version: str
    """With epoch."""
    architecture: str
    """Its own: `all` for one that fits every architecture."""
    source: str
    """Name of the source package."""
    source_version: str
    state: str = "installed"
    """dpkg's third word: `installed`, or what an interrupted dpkg left, as `unpacked`."""
    incorporated: tuple[Incorporated, ...] = ()
    depends: str = ""
    """Pre-Depends and Depends together, as they are written; empty: none."""
    provides: str = ""
    maintainer: str = ""
    homepage: str = ""
    section: str = ""
    summary: str = ""
    """First line of the description."""

    def __str__(self) -> str:
        return f"{self.name} {self.version} {self.architecture}"


def installed(data: bytes) -> Iterator[Installed]:
    """The packages that a status file tells of, in its order. Raises ParseError with the line."""
    for paragraph in paragraphs(io.BytesIO(data), LIMITS):  # by line: a list of all lines is as large again
        state = _state(paragraph)
        if state not in _NOT_THERE:
            yield _package(paragraph, state)


def _state(paragraph: Paragraph) -> str:
    """A file in status.d has no Status: what has such a file is there."""
    if "Status" not in paragraph:
        return "installed"
    words = paragraph.get("Status").split()
    if len(words) != 3 or words[2] not in _STATES | _NOT_THERE:
        raise ParseError(f"Status is no state of dpkg: {paragraph.get('Status')!r:.80}", paragraph.line)
    return words[2]


def _package(paragraph: Paragraph, state: str) -> Installed:
    name, version, architecture = (_word(paragraph, field) for field in ("Package", "Version", "Architecture"))
    source, source_version = _source(paragraph, name, version)
    return Installed(
        name,
        version,
        architecture,
        source,
        source_version,
        state,
        incorporated(paragraph.get),
        ", ".join(_one_line(paragraph.get(field)) for field in ("Pre-Depends", "Depends") if paragraph.get(field)),
        _one_line(paragraph.get("Provides")),
        sys.intern(_one_line(paragraph.get("Maintainer"))),  # hundreds of packages have the same
        _one_line(paragraph.get("Homepage")),
        sys.intern(_one_line(paragraph.get("Section"))),
        paragraph.get("Description").partition("\n")[0],
    )


def _word(paragraph: Paragraph, field: str) -> str:
    value = paragraph.get(field)
    if not value or len(value.split()) != 1:
        about = paragraph.get("Package") or "a package"
        raise ParseError(f"{about!r:.80} has {field} {value!r:.80}, which is none", paragraph.line)
    return value


def _source(paragraph: Paragraph, name: str, version: str) -> tuple[str, str]:
    """deb-control(5): `Source: name (version)`, each only where it differs."""
    field = paragraph.get("Source")
    if not field:
        return name, version
    match = _SOURCE.fullmatch(field)
    if match is None:
        raise ParseError(f"{name!r} has Source {field!r:.80}, which is none", paragraph.line)
    return match[1], match[2] or version


def _one_line(value: str) -> str:
    return " ".join(value.split())
