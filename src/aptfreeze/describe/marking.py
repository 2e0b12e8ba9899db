# SPDX-License-Identifier: MIT
"""Which of the objects that an archive holds are needed by pins: all that follows from them by hash.

Rule 1: a pin needs its Release and signature, all that the Release lists in whatever form, and all that the indexes
among it list, whoever was served it.
Rule 2: nothing of the size of that is kept in memory: what is listed is only asked whether it is held.
Rule 3: a Release or an index that is held and cannot be read, or that was damaged and is in quarantine, is an error:
what it lists is not known. One that the archive simply lacks lists nothing here; `lacking` tells which pinned files.
Rule 4: a source package of a snapshot service follows from its `.dsc` alone.
Rule 5: marking again what was marked before costs little, and finds what has come since.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from aptfreeze.archive.holdings import Holdings, digest_of
from aptfreeze.deb.release import Release
from aptfreeze.describe.sourcedescription import LARGEST_DSC, described
from aptfreeze.errors import AptfreezeError, IntegrityError, StorageError
from aptfreeze.fetch.lookup import Lookup
from aptfreeze.fetch.roots import root_file
from aptfreeze.freeze.digest import Digest, Wanted
from aptfreeze.freeze.generation import BarePackages, Generation, InRelease, Pin, ReleasePair, SuiteKey
from aptfreeze.freeze.outcome import SuiteFile, index_name, suite_file
from aptfreeze.values import immutable

_SUMS = "SHA256SUMS"


@immutable
class _Index:
    """A package index, as far as marking it again needs it."""

    path: str
    name: Digest
    forms: tuple[bytes, ...]
    is_source: bool


class Marking:
    """Mutable state: the objects that are needed, the tables of indexes that are, and those that were read; the
    indexes of each pinned file; and the pinned files that the archive lacks."""

    def __init__(self, lookup: Callable[[], Lookup], holdings: Holdings) -> None:
        """`lookup` makes one that answers from the archive alone: each remembers the Releases that it has read."""
        self.needed: set[bytes] = set()
        self.size = 0
        """Of these, in bytes."""
        self.tables: set[Digest] = set()
        """The names of all indexes that pins list, held or not."""
        self.lacking: dict[Digest, SuiteKey] = {}
        """Pinned files, with their suites."""
        self._lookup = lookup
        self._holdings = holdings
        self._read: set[Digest] = set()
        self._indexes: dict[Digest, tuple[_Index, ...]] = {}

    def __repr__(self) -> str:
        return f"<Marking {len(self.needed)} of {len(self._holdings.sizes)} objects>"

    def mark(self, generation: Generation) -> None:
        """All that a generation needs is needed. IntegrityError, StorageError."""
        for key, pin in sorted(generation.pins.items()):
            self._mark_pin(key, pin)
        self.mark_digests(generation.extra.values())

    def mark_digests(self, digests: Iterable[Digest]) -> None:
        """These are needed, if they are held."""
        self._take(bytes.fromhex(each.hex) for each in digests)

    def mark_descriptions(self, descriptions: Iterable[Digest]) -> None:
        """These `.dsc` are needed, and the files that those list which are held. IntegrityError, StorageError."""
        objects = self._lookup().objects
        for digest in descriptions:
            self.mark_digests([digest])
            if not objects.has(digest):
                self._refuse_damaged("a source package", f"its .dsc ({digest})", [bytes.fromhex(digest.hex)])
                continue
            with _told(f"the .dsc {digest}"):
                listed = described(objects.read(digest, LARGEST_DSC) or b"").files.values()
                self.mark_digests(Wanted.from_hashes(file.hashes, file.size).digest for file in listed)

    def _take(self, digests: Iterable[bytes]) -> None:
        needed, sizes = self.needed, self._holdings.sizes
        for name in map(self._holdings.named, digests):
            if name is not None and name not in needed:
                needed.add(name)
                self.size += sizes[name]

    def _mark_pin(self, key: SuiteKey, pin: Pin) -> None:
        file, lookup = root_file(key, pin), self._lookup()
        digest = file.wanted.digest
        self.mark_digests([digest, *_signature(pin)])
        if not lookup.objects.has(digest):
            self._refuse_damaged(str(key), file.relative, [bytes.fromhex(digest.hex)])
            self.lacking[digest] = key
            return
        self.lacking.pop(digest, None)
        if digest not in self._indexes:
            with _told(f"{file.relative} of {key}"):
                self._indexes[digest] = self._indexes_of(lookup, key, pin)
        for index in self._indexes[digest]:
            if index.name not in self._read:
                self._mark_index(lookup, key, pin, index)

    def _indexes_of(self, lookup: Lookup, key: SuiteKey, pin: Pin) -> tuple[_Index, ...]:
        """What a Release lists is needed; which package indexes are among it."""
        if isinstance(pin.root, BarePackages):
            root = root_file(key, pin)
            return (_index(pin.root.file, [root], is_source=False),)
        release = lookup.release(key, pin)
        if isinstance(pin.root, InRelease):
            self.mark_digests([Digest.of(lookup.payload(key, pin))])
        self._take(_listed(release))
        self._mark_sums(lookup, key, release)
        both = [(each.path, False) for each in release.package_indexes()]
        both += [(each.path, True) for each in release.source_indexes()]
        return tuple(_index(path, lookup.forms(key, pin, path), is_source=is_source) for path, is_source in both)

    def _mark_sums(self, lookup: Lookup, key: SuiteKey, release: Release) -> None:
        """Installer images are listed in a file that the Release lists."""
        for path, listed in release.files.items():
            if path.rpartition("/")[2] == _SUMS:
                file = suite_file(key, release, listed)
                if lookup.objects.has(file.wanted.digest):
                    self._take(map(bytes.fromhex, lookup.sums(key, file).values()))

    def _mark_index(self, lookup: Lookup, key: SuiteKey, pin: Pin, index: _Index) -> None:
        self.tables.add(index.name)
        if not self._is_at_hand(lookup, index):
            self._refuse_damaged(str(key), index.path, index.forms)
            return
        with _told(f"{index.path} of {key}"):
            forms = lookup.forms(key, pin, index.path)
            if lookup.index(key, forms, is_source=index.is_source, may_fetch=False) is not None:
                self._take(lookup.indexes.digests(index.name))
                self._read.add(index.name)

    def _is_at_hand(self, lookup: Lookup, index: _Index) -> bool:
        """Whether there is a table of it, or an object that one can be made from: it may have come a moment ago."""
        if lookup.indexes.is_made(index.name) or any(self._holdings.named(form) for form in index.forms):
            return True
        return any(lookup.objects.has(digest_of(form)) for form in index.forms)

    def _refuse_damaged(self, suite: str, path: str, forms: Iterable[bytes]) -> None:
        if any(form in self._holdings.quarantined for form in forms):
            raise IntegrityError(
                f"{path} of {suite} was damaged and is in quarantine, so what it lists is not known; "
                "nothing was removed",
                hint="fetch it again in the environment that pins it: aptfreeze fetch",
            )


def _index(path: str, forms: list[SuiteFile], *, is_source: bool) -> _Index:
    raw = tuple(bytes.fromhex(form.wanted.digest.hex) for form in forms)
    return _Index(path, index_name(forms), raw, is_source)


def _signature(pin: Pin) -> Iterator[Digest]:
    if isinstance(pin.root, ReleasePair) and pin.root.release_gpg is not None:
        yield pin.root.release_gpg


def _listed(release: Release) -> Iterator[bytes]:
    for listed in release.files.values():
        yield from map(bytes.fromhex, listed.hashes.values())


@contextmanager
def _told(what: str) -> Iterator[None]:
    """What goes wrong with reading a file that is held is told with its name."""
    try:
        yield
    except StorageError:
        raise
    except (AptfreezeError, ValueError) as error:
        reason = error.message if isinstance(error, AptfreezeError) else str(error)
        raise IntegrityError(
            f"{what} cannot be read, so what it lists is not known; nothing was removed: {reason}",
            hint="fetch it again in the environment that pins it: aptfreeze fetch",
        ) from error
