# SPDX-License-Identifier: MIT
"""The Release file of a suite: what it says of itself, and which files it lists with which hashes.

Norm: https://wiki.debian.org/DebianRepository/Format, and apt where the norm is silent.
Rule 1: the payload is taken as it was signed; whether the signature holds is `trust`'s affair.
Rule 2: like apt, only the first paragraph counts, and a Date or Valid-Until that is no date is an error.
Rule 3: compression is a property of a file name's ending; `SUFFIXES` of `compression` are those that we can read.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from datetime import UTC, datetime, timedelta, timezone
from typing import Self

from aptfreeze.deb.compression import SUFFIXES
from aptfreeze.deb.deb822 import Paragraph, ParseError, paragraphs
from aptfreeze.deb.filelist import ListedFile, merge
from aptfreeze.values import immutable

__all__ = ["IndexName", "ListedFile", "Release"]

_BY_HASH_NAMES = {"SHA512": "sha512", "SHA256": "sha256", "SHA1": "sha1", "MD5Sum": "md5"}
"""Debian RepositoryFormat: the folder below `by-hash/` is named like the field of Release. Strongest first."""

_PACKAGE_INDEX = re.compile(
    r"(?:(?P<component>.+?)/)??(?P<udeb>debian-installer/)?binary-(?P<architecture>[^/]+)/Packages"
)
_SOURCE_INDEX = re.compile(r"(?:(?P<component>.+)/)?source/Sources")

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DATE = re.compile(
    r"(?:[A-Za-z]{3,9},? +)?(?P<day>\d{1,2}) +(?P<month>[A-Za-z]{3}) +(?P<year>\d{4})"
    r" +(?P<hour>\d{1,2}):(?P<minute>\d{2}):(?P<second>\d{2})"
    r" +(?:(?:UTC|GMT|Z)|(?P<sign>[+-])(?P<zone_hours>\d{2}):?(?P<zone_minutes>\d{2}))",
    re.ASCII,
)


@immutable
class IndexName:
    """A package or source index that a Release lists, in whatever compressions."""

    component: str
    """May hold slashes (`updates/main`); empty in a flat repository."""
    architecture: str
    """`amd64`, `all`, ...; `source` for Sources; empty for the Packages of a flat repository."""
    path: str
    """As listed in Release, without the ending of a compression."""
    is_udeb: bool = False
    """Whether it lists packages of debian-installer."""


@immutable
class Release:
    """A parsed Release file. Text fields are empty where it has none."""

    origin: str
    label: str
    suite: str
    codename: str
    version: str
    date: datetime | None
    """Aware UTC."""
    valid_until: datetime | None
    """Aware UTC."""
    components: tuple[str, ...]
    architectures: tuple[str, ...]
    acquire_by_hash: bool
    not_automatic: bool
    """Whether apt takes packages from it only where it is told to (backports, experimental)."""
    no_support_for_architecture_all: frozenset[str]
    """Index names (`Packages`) whose content for architecture `all` is repeated in every other architecture's."""
    files: Mapping[str, ListedFile]
    """By path relative to the Release file, in its one spelling (`./Packages` is `Packages`)."""
    _by_hash: Mapping[tuple[str, str], list[ListedFile]] = field(repr=False, compare=False)
    _packages: tuple[IndexName, ...] = field(repr=False, compare=False)
    _sources: tuple[IndexName, ...] = field(repr=False, compare=False)

    @classmethod
    def parse(cls, payload: bytes) -> Self:
        """Read a Release file, or the verified payload of an InRelease. Raises ParseError."""
        fields = next(paragraphs(payload.split(b"\n")), None)
        if fields is None:
            raise ParseError("an empty Release file")
        files = merge((algorithm, fields.get(name)) for name, algorithm in _BY_HASH_NAMES.items())
        plain_paths = dict.fromkeys(map(_without_suffix, files))
        return cls(
            origin=_text(fields, "Origin"),
            label=_text(fields, "Label"),
            suite=_text(fields, "Suite"),
            codename=_text(fields, "Codename"),
            version=_text(fields, "Version"),
            date=_date(fields, "Date"),
            valid_until=_date(fields, "Valid-Until"),
            components=tuple(_text(fields, "Components").split()),
            architectures=tuple(_text(fields, "Architectures").split()),
            acquire_by_hash=_switch(fields, "Acquire-By-Hash"),
            not_automatic=_switch(fields, "NotAutomatic"),
            no_support_for_architecture_all=frozenset(_text(fields, "No-Support-for-Architecture-all").split()),
            files=files,
            _by_hash=_index_by_hash(files),
            _packages=tuple(_package_indexes(plain_paths)),
            _sources=tuple(_source_indexes(plain_paths)),
        )

    def find_by_hash(self, folder: str, kind: str, hexdigest: str) -> ListedFile | None:
        """The file that `<folder>/by-hash/<kind>/<hexdigest>` names (kind `SHA256`, `MD5Sum`, ...); None if not listed.

        Equal files are listed under several paths (empty indexes, say), and a mirror need not have all of them: the
        one in the folder that was asked is meant; elsewhere any will do.
        """
        equals = self._by_hash.get((_BY_HASH_NAMES.get(kind, ""), hexdigest), [])
        near = (file for file in equals if file.path.rpartition("/")[0] == folder)
        return next(near, equals[0] if equals else None)

    def variants(self, path: str) -> tuple[ListedFile, ...]:
        """The listed files that hold the same content as path, in readable compressions or none, smallest first.

        Path may have the ending of a compression itself: `Packages` and `Packages.xz` give the same answer.
        """
        plain = _without_suffix(path)
        names = (plain + suffix for suffix in ("", *SUFFIXES))
        return tuple(sorted((self.files[n] for n in names if n in self.files), key=lambda f: f.size))

    def package_indexes(self) -> tuple[IndexName, ...]:
        """Every Packages index, those of debian-installer included, in the order of Release."""
        return self._packages

    def source_indexes(self) -> tuple[IndexName, ...]:
        """Every Sources index, in the order of Release."""
        return self._sources


def _package_indexes(plain_paths: Iterable[str]) -> Iterator[IndexName]:
    for path in plain_paths:
        if path == "Packages":
            yield IndexName("", "", path)
        elif match := _PACKAGE_INDEX.fullmatch(path):
            yield IndexName(match["component"] or "", match["architecture"], path, match["udeb"] is not None)


def _source_indexes(plain_paths: Iterable[str]) -> Iterator[IndexName]:
    for path in plain_paths:
        if path == "Sources":
            yield IndexName("", "source", path)
        elif match := _SOURCE_INDEX.fullmatch(path):
            yield IndexName(match["component"] or "", "source", path)


def _without_suffix(path: str) -> str:
    for suffix in SUFFIXES:
        if path.endswith(suffix):
            return path.removesuffix(suffix)
    return path


def _index_by_hash(files: Mapping[str, ListedFile]) -> dict[tuple[str, str], list[ListedFile]]:
    index: dict[tuple[str, str], list[ListedFile]] = {}
    for file in files.values():
        for pair in file.hashes.items():
            index.setdefault(pair, []).append(file)
    return index


def _text(fields: Paragraph, name: str) -> str:
    """A field of one logical line; control characters would reach terminals and the lock file."""
    text = " ".join(fields.get(name).split())
    if not text.isprintable():
        raise ParseError(f"unprintable characters in {name}: {text[:200]!r}", fields.line)
    return text


def _switch(fields: Paragraph, name: str) -> bool:
    return _text(fields, name).lower() in ("yes", "true", "on", "1")


def _date(fields: Paragraph, name: str) -> datetime | None:
    """Debian RepositoryFormat: Date and Valid-Until are RFC 2822 dates in UTC; other offsets are understood too."""
    text = _text(fields, name)
    if not text:
        return None
    match = _DATE.fullmatch(text)
    try:
        if match is None:
            raise ValueError("not of the form 'Sat, 11 Jul 2026 10:16:37 UTC'")
        return _datetime(match)
    except (ValueError, OverflowError) as error:
        raise ParseError(f"{name} is no date: {text[:80]!r} ({error})", fields.line) from error


def _datetime(match: re.Match[str]) -> datetime:
    month = match["month"].capitalize()
    if month not in _MONTHS:
        raise ValueError(f"no month: {month}")
    offset = timedelta(hours=int(match["zone_hours"] or 0), minutes=int(match["zone_minutes"] or 0))
    zone = timezone(-offset if match["sign"] == "-" else offset)
    day, year, hour, minute, second = (int(match[part]) for part in ("day", "year", "hour", "minute", "second"))
    return datetime(year, _MONTHS.index(month) + 1, day, hour, minute, second, tzinfo=zone).astimezone(UTC)
