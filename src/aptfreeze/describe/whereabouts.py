# SPDX-License-Identifier: MIT
"""Where something stands in a generation, whether it is held, and who was served it; as text and as data."""

from collections.abc import Iterator
from typing import Any

from aptfreeze.describe.amounts import counted, size_text
from aptfreeze.describe.needs import Found, Need
from aptfreeze.environment.records import Session
from aptfreeze.errors import IntegrityError
from aptfreeze.freeze.digest import Digest
from aptfreeze.values import immutable


@immutable
class Place:
    """One file of the generation."""

    found: Found
    is_held: bool
    sessions: tuple[Session, ...]
    """That were served it, or, of an index, that asked for it; oldest first."""


@immutable
class Whereabouts:
    asked: str
    generation: str
    """The id."""
    digest: Digest | None
    """Of what was asked by its bytes, its hash or its path; None: by the name of a package."""
    is_held: bool
    """Whether the archive holds an object of that digest."""
    places: tuple[Place, ...]
    elsewhere: tuple[Need, ...]
    """Earlier generations and other environments that have the digest, where this generation has it not."""
    unread: tuple[str, ...]
    """Files of the generation that had to be looked into, and that the archive does not hold."""

    @property
    def exit_status(self) -> int:
        return 0 if self.places else IntegrityError.exit_code

    # --- for people ---

    def lines(self) -> Iterator[str]:
        for place in self.places:
            yield from _place_lines(place)
        if not self.places:
            yield f"{self.asked}: nothing of generation {self.generation[:12]}, as far as the archive holds its indexes"
            if self.digest:
                yield f"  {self.digest}{', archived' if self.is_held else ', not archived'}"
        for need in self.elsewhere:
            piece = need.found.piece
            yield f"  {piece.part} {piece.name} ({piece.path}) of {need.environment}, generation {need.generation[:12]}"
        for name in self.unread:
            yield f"not looked into, since the archive lacks it: {name}"

    # --- for programs ---

    def data(self) -> dict[str, Any]:
        return {
            "asked": self.asked,
            "generation": self.generation,
            "digest": str(self.digest) if self.digest else None,
            "archived": self.is_held,
            "places": [_place_data(place) for place in self.places],
            "elsewhere": [
                {"environment": need.environment, "generation": need.generation, **_found_data(need.found)}
                for need in self.elsewhere
            ],
            "unread": list(self.unread),
            "exit_status": self.exit_status,
        }


def _place_lines(place: Place) -> Iterator[str]:
    piece = place.found.piece
    yield f"{piece.part} {piece.name}"
    if piece.suite is not None:
        yield f"  {piece.suite}{f': {place.found.index}' if place.found.index else ''}"
    yield f"  {piece.path}"
    size = "" if piece.size is None else f", {size_text(piece.size)}"
    yield f"  {piece.forms[0].wanted.digest}{size}, {'archived' if place.is_held else 'NOT archived'}"
    entry = piece.entry
    if entry is not None and entry.source:
        yield f"  source {entry.source} {entry.source_version}"
    if place.sessions:
        last = place.sessions[-1]
        many = counted(len(place.sessions), "session")
        yield f"  served to {many}, the last one of {last.started:%Y-%m-%d %H:%M} UTC: {last.by.command}"
    else:
        yield "  served to no session of this generation"


def _place_data(place: Place) -> dict[str, Any]:
    sessions = [{"session": e.id, "started": e.started.isoformat(), "by": e.by.command} for e in place.sessions]
    return {**_found_data(place.found), "archived": place.is_held, "sessions": sessions}


def _found_data(found: Found) -> dict[str, Any]:
    piece, entry = found.piece, found.piece.entry
    return {
        "part": piece.part,
        "name": piece.name,
        "path": piece.path,
        "repository": piece.suite.repository if piece.suite else None,
        "suite": piece.suite.suite if piece.suite else None,
        "index": found.index or None,
        "digest": str(piece.forms[0].wanted.digest),
        "size": piece.size,
        "package": entry.package if entry else None,
        "version": entry.version if entry else None,
        "architecture": entry.architecture if entry else None,
        "source": entry.source or None if entry else None,
        "source_version": entry.source_version or None if entry else None,
    }
