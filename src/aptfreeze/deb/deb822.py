# SPDX-License-Identifier: MIT
"""Paragraphs of fields, the syntax of Release files and of .dsc (deb822(5)); `index` has a faster scan of its own.

Rule 1: bounded in every direction: length of a line, size of a paragraph, number of its fields.
Rule 2: field names are case-insensitive; if a field occurs twice, the last one counts.
Rule 3: what is no deb822 (a login page, say) is a ParseError that names the line; nothing is skipped in silence.
Rule 4: only a line feed ends a line: a carriage return is data.
"""

import re
from collections.abc import Iterable, Iterator, Mapping

from aptfreeze.values import immutable


class ParseError(ValueError):
    """Input that has not the form its norm demands, or is larger than we accept."""

    def __init__(self, reason: str, line: int | None = None) -> None:
        super().__init__(reason if line is None else f"line {line}: {reason}")
        self.reason = reason
        self.line = line
        """Counted from 1; None if it is not about one line."""


@immutable
class Limits:
    """What a reader accepts before it gives up; the default fits the largest Release files ten times over."""

    line: int = 256 << 10
    """Bytes of one line."""
    paragraph: int = 32 << 20
    """Bytes of one paragraph: a Release of 2026 has 0.2 MB, nearly all of it in two or three fields."""
    fields: int = 1000
    """Fields of one paragraph."""


LIMITS = Limits()

# deb822(5): a field name is printable ASCII without the colon and starts with neither "#" nor "-".
_FIELD = re.compile(rb"(?![#-])([!-9;-~]+):[ \t]*(.*)", re.DOTALL)


class Paragraph:
    """The fields of one paragraph, by name in any case; a value keeps its line feeds, without the outer blanks."""

    __slots__ = ("_fields", "line")

    def __init__(self, fields: Mapping[str, str], line: int = 1) -> None:
        self._fields = {name.lower(): value for name, value in fields.items()}
        self.line = line
        """Where it starts, counted from 1."""

    def get(self, name: str) -> str:
        """The value, empty if there is no such field."""
        return self._fields.get(name.lower(), "")

    def __contains__(self, name: str) -> bool:
        return name.lower() in self._fields

    def __len__(self) -> int:
        return len(self._fields)

    def __repr__(self) -> str:
        return f"Paragraph(line {self.line}: {', '.join(self._fields)})"


class _Builder:
    """Collects the lines of the paragraph that is being read."""

    __slots__ = ("limits", "line", "size", "values")

    def __init__(self, line: int, limits: Limits) -> None:
        self.line = line
        self.limits = limits
        self.size = 0
        self.values: dict[bytes, list[bytes]] = {}

    def add(self, text: bytes, number: int) -> None:
        self.size += len(text)
        if self.size > self.limits.paragraph:
            raise ParseError(f"paragraph larger than {self.limits.paragraph} bytes", number)
        if text[0] in b" \t":
            self._continue(text, number)
        else:
            self._start(text, number)

    def _start(self, text: bytes, number: int) -> None:
        match = _FIELD.fullmatch(text)
        if match is None:
            raise ParseError(f'not "Field: value": {text[:80]!r}', number)
        name = match[1].lower()
        self.values.pop(name, None)  # the last one counts, and dicts keep the order: continuation lines go to it
        self.values[name] = [match[2]]
        if len(self.values) > self.limits.fields:
            raise ParseError(f"more than {self.limits.fields} fields", number)

    def _continue(self, text: bytes, number: int) -> None:
        if not self.values:
            raise ParseError(f"continuation line before any field: {text[:80]!r}", number)
        self.values[next(reversed(self.values))].append(text)

    def build(self) -> Paragraph:
        fields = {
            name.decode("ascii"): b"\n".join(lines).strip(b" \t\n").decode("utf-8", "replace")
            for name, lines in self.values.items()
        }
        return Paragraph(fields, self.line)


def without_fields(data: bytes, names: frozenset[bytes]) -> bytes:
    """A file that `paragraphs` accepts, without the lines of these fields (lower case); the others stay as they are.

    A comment within such a field stays, and what continues the field behind it goes.
    """
    kept: list[bytes] = []
    is_dropped = False
    for line in data.split(b"\n"):
        if field := _FIELD.fullmatch(line):
            is_dropped = field[1].lower() in names
        if not is_dropped or not line.strip(b" \t") or line.startswith(b"#"):
            kept.append(line)
    return b"\n".join(kept)


def paragraphs(lines: Iterable[bytes], limits: Limits = LIMITS) -> Iterator[Paragraph]:
    """Read paragraphs from lines with or without their line feed (an open binary file, `data.split(b"\\n")`).

    Lines that start with `#` are comments. Text that is no UTF-8 gets U+FFFD. Raises ParseError.
    """
    builder: _Builder | None = None
    for number, raw in enumerate(lines, start=1):
        if len(raw) > limits.line:
            raise ParseError(f"longer than {limits.line} bytes", number)
        text = raw.removesuffix(b"\n")
        if not text.strip(b" \t"):  # deb822(5): a line of blanks only ends the paragraph as well
            if builder is not None:
                yield builder.build()
            builder = None
        elif not text.startswith(b"#"):
            builder = builder or _Builder(number, limits)
            builder.add(text, number)
    if builder is not None:
        yield builder.build()
