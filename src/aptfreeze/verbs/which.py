# SPDX-License-Identifier: MIT
"""`aptfreeze which`: what of the current generation is a file, a hash, a path or a package, and who was served it.

Rule 1: nothing is fetched: only what the archive holds is looked into, and what it lacks is told beside the answer.
Rule 2: a file is known by its bytes, whatever its name.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from aptfreeze.archive.examine import Reading
from aptfreeze.deb.paths import Location, PathError, quoted
from aptfreeze.deb.version import sort_key
from aptfreeze.describe.closure import Part, folders_above, held_form, package_piece
from aptfreeze.describe.needs import Found, Need, names, needs, of_pins, tables
from aptfreeze.describe.whereabouts import Place, Whereabouts
from aptfreeze.environment import records
from aptfreeze.environment.machine import architecture
from aptfreeze.environment.opened import Opened
from aptfreeze.environment.records import Usage
from aptfreeze.environment.tenants import tenants
from aptfreeze.environment.used import asked_paths
from aptfreeze.errors import AptfreezeError, UsageError
from aptfreeze.fetch.opened import OpenArchive, open_archive
from aptfreeze.freeze.digest import Algorithm, Digest
from aptfreeze.freeze.generation import BarePackages, Generation
from aptfreeze.freeze.outcome import (
    Asked,
    Outcome,
    PinnedFile,
    PinnedPackage,
    PinnedPayload,
    PinnedRoot,
    PinnedSingle,
    is_trustworthy,
)
from aptfreeze.freeze.resolve import resolve
from aptfreeze.values import immutable

_FILE_SUFFIXES = (".deb", ".udeb", ".ddeb", ".dsc", ".tar", ".xz", ".gz", ".bz2", ".zst", ".lzma")
_HEX = re.compile(r"[0-9a-fA-F]{32,128}")
_BY_LENGTH = {each.hex_length: each for each in Algorithm}
_PACKAGE = re.compile(r"(?P<name>[^:=\s/]+)(?::(?P<architecture>[^=\s]+))?(?:=(?P<version>\S+))?")


@immutable
class Package:
    """`name`, `name=version`, `name:architecture`, `name:architecture=version`."""

    name: str
    architecture: str | None = None
    version: str | None = None

    @classmethod
    def parse(cls, word: str) -> "Package":
        """UsageError if it is none."""
        match = _PACKAGE.fullmatch(word)
        if match is None:
            raise UsageError(
                f"{word!r} is no file, hash, path or package",
                hint="name a file that is there, a hash in hex, a URL or pool path, or a package: NAME, "
                "NAME=VERSION, NAME:ARCHITECTURE",
            )
        return cls(match["name"], match["architecture"], match["version"])


def which(opened: Opened, word: str, folder: Path) -> Whereabouts:
    """Look for it; blocks. A relative path of a file is relative to `folder`. UsageError for what cannot be meant."""
    generation = opened.store.load()
    with open_archive(opened.settings) as archive:
        searching = _Searching(opened, archive, generation)
        if _is_file(folder / word, word):
            return searching.by_digests(word, _digests_of(folder / word))
        if digest := _digest(word):
            return searching.by_digests(word, {digest: digest})
        if "/" in word:
            return searching.by_path(word)
        return searching.by_name(word, Package.parse(word))


def _is_file(path: Path, word: str) -> bool:
    """A package's name may have a dot, and be that of a file that lies about here."""
    return path.is_file() and ("/" in word or word.endswith(_FILE_SUFFIXES))


def _digests_of(path: Path) -> dict[Digest, Digest]:
    """Of a file's bytes by every algorithm, to its sha256."""
    try:
        with path.open("rb") as opened:
            found = Reading().fingerprint(opened.fileno(), Algorithm)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    return {found.digest(algorithm): found.sha256 for algorithm in Algorithm}


def _digest(word: str) -> Digest | None:
    with suppress(ValueError):
        return Digest.parse(word.lower())
    if _HEX.fullmatch(word) and len(word) in _BY_LENGTH:
        return Digest(_BY_LENGTH[len(word)], word.lower())
    return None


class _Searching:
    """In one generation."""

    def __init__(self, opened: Opened, archive: OpenArchive, generation: Generation) -> None:
        self._opened = opened
        self._objects = archive.objects
        self._lookup = archive.lookup(offline=True)
        self._generation = generation
        folder = opened.environment.records
        paths = sorted((folder / generation.id).glob("*.jsonl"))
        self._usages = [usage for path in paths if (usage := records.read_session(path)).sessions]

    def by_digests(self, word: str, digests: Mapping[Digest, Digest], path: str = "") -> Whereabouts:
        """`digests`: of the same bytes; `path`: where, with the repository in front, if it is known to lie there."""
        sought = {**names(self._objects.layout, set(digests.values())), **digests}
        everywhere = list(of_pins(self._lookup, self._generation, sought))
        found = [each for each in everywhere if each.piece.path == path] or everywhere
        (sha256,) = set(digests.values())
        elsewhere = () if found else tuple(self._elsewhere(sought))
        return self._whereabouts(word, found, sha256, elsewhere)

    def by_path(self, word: str) -> Whereabouts:
        """A URL, or a path below one of the pinned repositories."""
        for text in self._meant(word):
            digest = self._digest_at(text)
            if digest is not None:
                sha256 = self._objects.resolve(digest) or digest
                return self.by_digests(word, {digest: sha256}, text)
        return self._whereabouts(word, [], None, ())

    def _meant(self, word: str) -> Iterator[str]:
        """`host/path` of what may be meant."""
        _, scheme, rest = word.partition("://")
        plain = rest if scheme else word.lstrip("/")
        try:
            yield Location.parse(f"http://{quoted(plain)}".encode()).text
        except PathError as error:
            if scheme:
                raise UsageError(f"{word}: {error}") from error
        if not scheme:
            folders = {folder for key in self._generation.pins for folder in folders_above(key)}
            yield from (f"{folder}/{plain}" for folder in sorted(folders))

    def _digest_at(self, text: str) -> Digest | None:
        host, _, path = text.partition("/")
        in_use = records.architectures(self._opened.environment.records) | {architecture()}
        asked = Asked(Location(host, f"/{path}", quoted(f"/{path}")), True, in_use)
        with suppress(AptfreezeError):  # an index is missing, and is told
            outcome = self._lookup.settle(resolve(asked, self._generation))
            if isinstance(outcome, PinnedPayload):
                return self._lookup.store_payload(outcome.key, outcome.pin)
            return _digest_of(outcome)
        return None

    def by_name(self, word: str, package: Package) -> Whereabouts:
        found = []
        for key, pin in sorted(self._generation.pins.items()):
            for path, table in tables(self._lookup, key, pin):
                for below, entry in self._lookup.indexes.named(table, [package.name]):
                    is_meant = package.architecture in (None, entry.architecture)
                    if is_meant and package.version in (None, entry.version) and is_trustworthy(pin, entry.wanted):
                        piece = package_piece((key, pin), folders_above(key), below, entry)
                        found.append(Found(entry.wanted.digest, piece, index=path))
        found.sort(key=_newest_last, reverse=True)
        return self._whereabouts(word, found, None, ())

    # --- what is known of it ---

    def _whereabouts(
        self, word: str, found: Iterable[Found], digest: Digest | None, elsewhere: tuple[Need, ...]
    ) -> Whereabouts:
        places = tuple(
            Place(each, held_form(self._objects, each.piece) is not None, tuple(self._sessions(each))) for each in found
        )
        is_held = digest is not None and self._objects.has(digest)
        return Whereabouts(word, self._generation.id, digest, is_held, places, elsewhere, tuple(self._unread()))

    def _sessions(self, found: Found) -> Iterator[records.Session]:
        for usage in self._usages:
            if _was_served(usage, found):
                yield from usage.sessions

    def _elsewhere(self, sought: Mapping[Digest, Digest]) -> Iterator[Need]:
        for tenant in tenants(self._objects.layout, self._opened.environment):
            yield from needs(self._lookup, tenant, sought)

    def _unread(self) -> Iterator[str]:
        """Releases, and indexes that sessions asked for."""
        usage = records.load(self._opened.environment.records, self._generation.id)
        for key, pin in sorted(self._generation.pins.items()):
            readable = {path for path, _ in tables(self._lookup, key, pin)}
            try:
                if not isinstance(pin.root, BarePackages):
                    self._lookup.release(key, pin)
            except AptfreezeError:
                yield f"the Release of {key}"
            else:
                yield from (f"{path} of {key}" for path in asked_paths(usage, key) if path not in readable)


def _digest_of(outcome: Outcome) -> Digest | None:
    match outcome:
        case PinnedPackage():
            return outcome.entry.wanted.digest
        case PinnedFile() | PinnedRoot():
            return outcome.file.wanted.digest
        case PinnedSingle():
            return outcome.digest
    return None


def _newest_last(found: Found) -> tuple[object, ...]:
    entry = found.piece.entry
    assert entry is not None
    return sort_key(entry.version), entry.architecture, found.piece.path


def _was_served(usage: Usage, found: Found) -> bool:
    piece = found.piece
    if piece.part in (Part.PACKAGE, Part.SOURCE):
        return any(each.sha256 in (found.sha256, piece.forms[0].wanted.digest) for each in usage.packages)
    asked = {(each.repository, each.suite, each.path) for each in usage.indexes}
    form = piece.forms[0]
    plain = piece.name.removesuffix(form.suffix)
    return piece.suite is not None and any(
        (piece.suite.repository, piece.suite.suite, path) in asked for path in (piece.name, plain)
    )
