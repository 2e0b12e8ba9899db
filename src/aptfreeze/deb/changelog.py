# SPDX-License-Identifier: MIT
"""The entries of a debian/changelog, by deb-changelog(5).

Rule 1: an entry begins with its heading, `package (version) distributions; key=value`, and ends before the next line
that is not indented. What is neither (editors' variables, "Older entries have been removed") belongs to no entry.
Rule 2: any bytes are read: text that is no UTF-8 and control characters, which a terminal would obey, become U+FFFD.
"""

import re
from collections.abc import Iterator
from itertools import takewhile

from aptfreeze.deb.version import sort_key
from aptfreeze.values import immutable


@immutable
class Entry:
    """What one version of a source package has changed."""

    source: str
    version: str
    text: str
    """From the heading to the line that says who and when, as it was written."""


# As dpkg-parsechangelog has it. The line feed in front: for a literal first character the engine uses memchr.
_HEADING = re.compile(rb"\n([a-z0-9][-+.a-z0-9]*+) \(([^() \t\n]+)\)(?:[ \t]++[-+.a-z0-9]++)++[ \t]*;", re.IGNORECASE)
_OUTSIDE = re.compile(rb"\n[^ \t\n]")
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def entries(data: bytes) -> Iterator[Entry]:
    """All entries in the file's order, which is newest first. Never raises: what is no changelog has none."""
    data = b"\n" + data.replace(b"\r\n", b"\n")
    for heading in _HEADING.finditer(data):
        end = _OUTSIDE.search(data, heading.end())
        text = data[heading.start() + 1 : end.start() if end else len(data)]
        yield Entry(_text(heading[1]), _text(heading[2]), _text(text).rstrip())


def entries_after(data: bytes, version: str) -> tuple[Entry, ...]:
    """The entries in front of the first one that is not newer than `version`; newest first."""
    key = sort_key(version)
    return tuple(takewhile(lambda entry: sort_key(entry.version) > key, entries(data)))


def _text(data: bytes) -> str:
    return _CONTROL.sub("\ufffd", data.decode("utf-8", "replace"))
