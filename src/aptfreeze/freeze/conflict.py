# SPDX-License-Identifier: MIT
"""A lock file as git leaves it when both sides changed the same lines: with conflict markers.

    <<<<<<< HEAD                     ours from here
    ||||||| 4b825dc                  what both came from (styles diff3 and zdiff3 only)
    =======                          theirs from here
    >>>>>>> feature

Rule 1: what stands outside the markers belongs to both sides. git may have merged it already from either of them: then
both have it, which a merge by key takes for what it is.
Rule 2: zdiff3 takes lines that both sides share out of a conflict, so that a key may stand inside it, as it was, and
outside, as it is now: for the base only the former counts.
"""

import re
from collections.abc import Iterator, Sequence
from typing import NoReturn

from aptfreeze.errors import UsageError
from aptfreeze.values import immutable

_MARKER = re.compile(r"(<{7}|\|{7}|={7}|>{7})(?:\s(.*))?", re.DOTALL)
_KEY = re.compile(r'("[^"]*"|[a-z]+) = ')
_OPEN, _BASE, _THEIRS, _CLOSE = ("<" * 7, "|" * 7, "=" * 7, ">" * 7)
_FOLLOWS = {"": (_OPEN,), _OPEN: (_BASE, _THEIRS), _BASE: (_THEIRS,), _THEIRS: (_CLOSE,)}


@immutable
class Sides:
    """The whole text of each side."""

    ours: str
    theirs: str
    base: str | None
    """None where the markers do not tell it, or both sides made the file anew."""
    ours_name: str
    """As the first marker says: `HEAD`, a branch, a commit; may be empty."""
    theirs_name: str


@immutable
class _Line:
    text: str
    section: str
    """The marker that it stands behind; empty outside."""


def take_apart(text: str, name: str) -> Sides | None:
    """The sides of a text; None if it has no markers. UsageError for markers out of order; `name` is for messages."""
    lines: list[_Line] = []
    names: dict[str, str] = {}
    section, hunks, bases = "", 0, 0
    for number, line in enumerate(text.split("\n"), 1):
        marker = _MARKER.fullmatch(line)
        if marker is None:
            lines.append(_Line(line, section))
            continue
        if marker[1] not in _FOLLOWS[section]:
            _refuse(name, f"line {number}: the conflict marker {marker[1]} is out of order")
        section = "" if marker[1] == _CLOSE else marker[1]
        names.setdefault(marker[1], (marker[2] or "").strip())
        hunks += section == _OPEN
        bases += section == _BASE
    if section:
        _refuse(name, f"the conflict that begins with {_OPEN} has no end")
    if not hunks:
        return None
    base = _base(lines) if bases == hunks else None
    return Sides(_side(lines, _OPEN), _side(lines, _THEIRS), base, names[_OPEN], names[_CLOSE])


def _side(lines: Sequence[_Line], section: str) -> str:
    return "\n".join(line.text for line in lines if line.section in ("", section))


def _base(lines: Sequence[_Line]) -> str | None:
    inside = {_key(line.text) for line in lines if line.section == _BASE} - {None}
    own = [line.text for line in lines if line.section == _BASE or (not line.section and _key(line.text) not in inside)]
    return "\n".join(own) if any(line.startswith("generation =") for line in own) else None


def _key(line: str) -> str | None:
    found = _KEY.match(line)
    return found[1] if found else None


def _refuse(name: str, what: str) -> NoReturn:
    raise UsageError(
        f"{name}: {what}",
        hint='let git write the conflict again: git checkout --merge aptfreeze.lock; or take one side with "--ours" or '
        '"--theirs" in the place of "--merge"',
    )


def marked(ours: str, theirs: str, base: str | None) -> str:
    """One text with markers around what differs: `take_apart` gives the three back.

    They are lock files as `lockfile.dump` writes them: what they share stands in the same order in each.
    """
    texts = [text.split("\n") for text in (ours, theirs, *([] if base is None else [base]))]
    shared = set(texts[0]).intersection(*texts[1:])
    frame = [line for line in texts[0] if line in shared]
    gaps = [_gaps(lines, frame) for lines in texts]
    out: list[str] = []
    for number, differing in enumerate(zip(*gaps, strict=True)):
        out += _hunk(*differing)
        out += frame[number : number + 1]
    return "\n".join(out)


def marked_whole(ours: bytes, theirs: bytes) -> bytes:
    """One conflict over the whole of two files, whatever is in them."""
    ends = (side if side.endswith(b"\n") or not side else side + b"\n" for side in (ours, theirs))
    return b"<<<<<<< ours\n%b=======\n%b>>>>>>> theirs\n" % tuple(ends)


def _gaps(lines: Sequence[str], frame: Sequence[str]) -> list[list[str]]:
    """What stands before each line of the frame, and behind the last one."""
    gaps: list[list[str]] = [[]]
    for line in lines:
        if len(gaps) <= len(frame) and line == frame[len(gaps) - 1]:
            gaps.append([])
        else:
            gaps[-1].append(line)
    return gaps


def _hunk(ours: Sequence[str], theirs: Sequence[str], base: Sequence[str] | None = None) -> Iterator[str]:
    if ours == theirs:
        yield from ours
        return
    yield f"{_OPEN} ours"
    yield from ours
    if base is not None:
        yield f"{_BASE} base"
        yield from base
    yield _THEIRS
    yield from theirs
    yield f"{_CLOSE} theirs"
