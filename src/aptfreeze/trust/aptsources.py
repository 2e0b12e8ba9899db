# SPDX-License-Identifier: MIT
"""Which keys this machine's own apt sources name for which repository: sources.list(5), both formats. Pure.

Only `Signed-By` is of interest, and only for http and https repositories. Rule: apt's configuration is not ours to
judge, so what cannot be read is left out, and apt itself will say what is wrong with it.
"""

import re
from collections.abc import Iterable, Iterator

from aptfreeze.deb.deb822 import Paragraph, ParseError, paragraphs
from aptfreeze.deb.paths import Location, PathError
from aptfreeze.values import immutable

_ONE_LINE = re.compile(r"deb(?:-src)?\s+\[(?P<options>[^\]]*)\]\s*(?P<uri>\S+)\s+(?P<suite>\S+)")
_SIGNED_BY = re.compile(r"\bsigned-by=(\S+)", re.I)
_INLINE = "-----BEGIN PGP PUBLIC KEY BLOCK-----"


@immutable
class SignedBy:
    """What one entry's Signed-By says."""

    repositories: frozenset[str]
    """`host/path`, as in the lock file."""
    files: tuple[str, ...] = ()
    """Absolute paths of keyrings."""
    inline: bytes = b""
    """A key that stands in the entry itself, in ASCII armour."""


def one_line_entries(data: bytes) -> Iterator[SignedBy]:
    """Of a sources.list: `deb [signed-by=/path,/path] uri suite components`."""
    for line in data.decode("utf-8", "replace").split("\n"):
        match = _ONE_LINE.match(line.strip())
        option = match and _SIGNED_BY.search(match["options"])
        if match and option:
            yield SignedBy(_repositories([match["uri"]], [match["suite"]]), _files(option[1]))


def deb822_entries(data: bytes) -> Iterator[SignedBy]:
    """Of a .sources file; ends early where the file is broken."""
    try:
        for paragraph in paragraphs(data.split(b"\n")):
            if "Signed-By" in paragraph:
                yield _deb822_entry(paragraph)
    except ParseError:
        return


def _deb822_entry(paragraph: Paragraph) -> SignedBy:
    repositories = _repositories(paragraph.get("URIs").split(), paragraph.get("Suites").split())
    value = paragraph.get("Signed-By")
    if _INLINE not in value:
        return SignedBy(repositories, _files(value))
    lines = (line.strip() for line in value.split("\n"))
    # deb822(5): "." stands for an empty line
    return SignedBy(repositories, inline=b"".join(b"\n" if line == "." else line.encode() + b"\n" for line in lines))


def _files(value: str) -> tuple[str, ...]:
    """The paths in a Signed-By; the rest are fingerprints, which choose among keyrings that are looked at anyway."""
    return tuple(name for name in re.split(r"[\s,]+", value) if name.startswith("/"))


def _repositories(uris: Iterable[str], suites: Iterable[str]) -> frozenset[str]:
    # A suite that ends in a slash is a folder: the repository is flat and is that folder.
    folders = {suite if suite.endswith("/") else "" for suite in suites}
    names = (_repository(f"{uri}/{folder}") for uri in uris for folder in folders)
    return frozenset(name for name in names if name)


def _repository(uri: str) -> str | None:
    try:
        return Location.parse(uri.encode()).text.rstrip("/")
    except PathError:
        return None  # file:, cdrom:, mirror+file: and the like
