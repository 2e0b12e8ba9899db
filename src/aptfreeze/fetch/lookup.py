# SPDX-License-Identifier: MIT
"""Answers what the resolver needs to know, from the archive and, where it lacks a file, from the suppliers.

All of it blocks and runs in threads. Everything it returns was verified: it came by hash from a pin.
"""

import threading
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress

from aptfreeze.archive.growth import Growth
from aptfreeze.archive.index import Indexes
from aptfreeze.archive.objects import Objects
from aptfreeze.deb import compression
from aptfreeze.deb.checksums import sha256sums
from aptfreeze.deb.paths import quoted
from aptfreeze.deb.release import IndexName, Release
from aptfreeze.errors import AptfreezeError, IntegrityError, MissingUpstreamError, OfflineError
from aptfreeze.fetch.chain import Derived, MirrorUrl, Supplier
from aptfreeze.fetch.download import Downloads
from aptfreeze.fetch.mirrors import Mirrors
from aptfreeze.fetch.priority import Priority
from aptfreeze.fetch.roots import lost_root, root_file
from aptfreeze.fetch.snapshots import Snapshots
from aptfreeze.freeze.catalog import IndexEntry
from aptfreeze.freeze.digest import Digest
from aptfreeze.freeze.generation import BarePackages, InRelease, Pin, SuiteKey
from aptfreeze.freeze.outcome import (
    Answer,
    Need,
    NeedEntry,
    NeedRelease,
    NeedSums,
    Outcome,
    PinnedFile,
    PinnedPackage,
    Resolution,
    SuiteFile,
    compressed_first,
    index_name,
    relative_to_suite,
    suite_file,
)

_BUILT = 1000
_LARGEST_RELEASE = 64 << 20
"""Bytes; the largest InRelease in use is below 1 MiB."""
_LARGEST_INDEX = 4 << 30
"""Bytes of a decompressed index whose size its Release does not tell."""


class Lookup:
    """The closure of pins, looked at through archive and suppliers.

    Mutable state: parsed Releases, names of payloads and parsed checksum files by the digest of the file they are of;
    the locks under which Releases are read, by digest, and the one under which indexes are built.
    """

    def __init__(
        self,
        objects: Objects,
        indexes: Indexes,
        downloads: Downloads,
        mirrors: Mirrors,
        snapshots: Snapshots,
        *,
        offline: bool = False,
    ) -> None:
        self.objects = objects
        self.indexes = indexes
        self.downloads = downloads
        self.mirrors = mirrors
        self.snapshots = snapshots
        self.offline = offline
        self.built: deque[tuple[SuiteKey, Digest]] = deque(maxlen=_BUILT)
        """Indexes of which this object has made a table, latest last, for who compares them; it takes them out."""
        self._releases: dict[Digest, Release] = {}
        self._payloads: dict[Digest, Digest] = {}
        self._sums: dict[Digest, Mapping[str, str]] = {}
        self._reading: dict[Digest, threading.Lock] = {}
        self._building = threading.Lock()

    def settle(self, resolution: Resolution) -> Outcome:
        """Run a resolution to its outcome; raises what fetching a missing Release or index raises."""
        answer: Answer = None
        try:
            need = next(resolution)
            while True:
                answer = self._answer(need)
                need = resolution.send(answer)
        except StopIteration as stop:
            outcome: Outcome = stop.value
            return outcome

    def _answer(self, need: Need) -> Answer:
        match need:
            case NeedRelease(key, pin):
                return self.release(key, pin)
            case NeedSums(key, _, listed):
                return self.sums(key, listed)
            case NeedEntry():
                return self.entry(need)

    # --- suppliers ---

    def suppliers(self, repository: str, relative_raw: str, by_hash: str = "") -> list[Supplier]:
        """The mirrors' urls in order, by hash before by path; OfflineError when there may be none."""
        if self.offline:
            raise OfflineError(
                f"{repository}/{relative_raw} is not in the archive, and --offline forbids to fetch it",
                hint="run once without --offline, or name the archive that has it with --archive",
            )
        raws = [quoted(by_hash), relative_raw] if by_hash else [relative_raw]
        by_raw = [self.mirrors.urls(repository, raw) for raw in raws]
        return [MirrorUrl(url) for urls in zip(*by_raw, strict=True) for url in urls]

    def suite_suppliers(self, key: SuiteKey, file: SuiteFile, compressed: Sequence[SuiteFile] = ()) -> list[Supplier]:
        """Where a file of a suite comes from; first the compressed form that it can be derived from."""
        derived: list[Supplier] = [
            Derived(form.wanted, form.suffix, () if self.offline else tuple(self._file_suppliers(key, form)))
            for form in compressed
            if form.suffix in compression.SUFFIXES
        ]
        try:
            return derived + self._file_suppliers(key, file)
        except OfflineError:
            if any(self.objects.has(form.wanted.digest) for form in compressed):
                return derived
            raise

    def package_suppliers(self, found: PinnedPackage, relative_raw: str) -> list[Supplier]:
        """Where a file of a package comes from, its path raw as it goes to a mirror."""
        release = self._releases.get(root_file(found.key, found.pin).wanted.digest)  # who has found it has read that
        origin = None if release is None else release.origin
        return self.suppliers(found.repository, relative_raw) + self.snapshots.package(found, origin)

    def single_suppliers(self, url: str) -> list[Supplier]:
        """Where a file outside every chain comes from: its url alone, which is without scheme, its path raw."""
        if self.offline:
            raise OfflineError(
                f"{url} is pinned but not in the archive, and --offline forbids to fetch it",
                hint="run once without --offline, or name the archive that has it with --archive",
            )
        return [MirrorUrl(self.mirrors.single_url(url))]

    def _file_suppliers(self, key: SuiteKey, file: SuiteFile) -> list[Supplier]:
        mirrors = self.suppliers(key.repository, quoted(file.relative), file.by_hash)
        return mirrors + self.snapshots.suite_file(key.repository, file)

    def obtain(self, key: SuiteKey, file: SuiteFile, priority: Priority = Priority.DEMANDED) -> Digest:
        """Have a file of a suite in the archive; returns its name there."""
        digest = file.wanted.digest
        if not self.objects.has(digest):
            self.downloads.obtain(file.wanted, self.suite_suppliers(key, file), priority)
        return digest

    def read(self, key: SuiteKey, file: SuiteFile, limit: int) -> bytes:
        """The verified bytes of a small file of a suite, fetched if need be."""
        data = self.objects.read(self.obtain(key, file), limit)
        if data is None:  # it was damaged and is in quarantine now
            data = self.objects.read(self.obtain(key, file), limit)
        if data is None:
            raise IntegrityError(f"{file.relative} of {key} was damaged in the archive and could not be replaced")
        return data

    # --- needs ---

    def release(self, key: SuiteKey, pin: Pin) -> Release:
        """The parsed Release of a pin."""
        digest = root_file(key, pin).wanted.digest
        with self._reading.setdefault(digest, threading.Lock()):  # all requests of a pipeline need it at once
            if digest not in self._releases:
                self._releases[digest] = Release.parse(self.payload(key, pin))
            return self._releases[digest]

    def payload(self, key: SuiteKey, pin: Pin) -> bytes:
        """The text of Release, without the signature that an InRelease has around it."""
        file = root_file(key, pin)
        try:
            data = self.read(key, file, _LARGEST_RELEASE)
        except OfflineError:
            raise
        except AptfreezeError as error:
            raise lost_root(key, file, error) from error
        if not isinstance(pin.root, InRelease):
            return data
        from aptfreeze.trust import clearsign  # start-up time

        return clearsign.parse(data).payload

    def store_payload(self, key: SuiteKey, pin: Pin) -> Digest:
        """The text of Release as an object of the archive."""
        known = self._payloads.get(root_file(key, pin).wanted.digest)
        if known is None or not self.objects.has(known):
            known = self.objects.put(self.payload(key, pin))
            self._payloads[root_file(key, pin).wanted.digest] = known
        return known

    def package_index(self, found: PinnedFile) -> IndexName | None:
        """Which Packages index a file of a suite is, in whatever compression; None if it is none."""
        if isinstance(found.pin.root, BarePackages):
            return None
        path = found.file.relative.removeprefix(relative_to_suite(found.key, ""))
        plain = path.removesuffix(found.file.suffix) if found.file.suffix in compression.SUFFIXES else path
        release = self.release(found.key, found.pin)
        return next((name for name in release.package_indexes() if name.path == plain), None)

    def sums(self, key: SuiteKey, listed: SuiteFile) -> Mapping[str, str]:
        """A second-level SHA256SUMS."""
        digest = listed.wanted.digest
        if digest not in self._sums:
            self._sums[digest] = sha256sums(self.read(key, listed, _LARGEST_RELEASE))
        return self._sums[digest]

    def entry(self, need: NeedEntry) -> IndexEntry | None:
        """What the index that `variants` are the forms of says of a path."""
        name = self.index(need.key, need.variants, is_source=need.is_source, may_fetch=need.may_fetch)
        return None if name is None else self.indexes.find(name, need.path)

    def index(self, key: SuiteKey, variants: Sequence[SuiteFile], *, is_source: bool, may_fetch: bool) -> Digest | None:
        """The name of an index that is ready for look-ups; None if it is not at hand and may not be fetched."""
        name = index_name(variants)
        if self.indexes.has(name):
            return name
        form = self.have_index(key, variants) if may_fetch else self._held(variants)
        if form is None:
            return None
        with self._building:
            if not self.indexes.has(name):
                self._build(name, form, is_source=is_source)
                self.built.append((key, name))
        return name

    def have_index(self, key: SuiteKey, variants: Sequence[SuiteFile]) -> SuiteFile:
        """The form of an index that the archive holds; one of them is fetched if it holds none."""
        return self._held(variants) or self._fetched(key, variants)

    def prepare(self, key: SuiteKey, pin: Pin, path: str) -> None:
        """Make the table of a package index that the archive holds, unless there is one: somebody will look into it."""
        forms = self.forms(key, pin, path)
        if not self.indexes.is_made(index_name(forms)):
            with suppress(AptfreezeError):  # who needs it will hear of it
                self.index(key, forms, is_source=False, may_fetch=False)

    def _held(self, variants: Sequence[SuiteFile]) -> SuiteFile | None:
        return next((form for form in variants if self.objects.has(form.wanted.digest)), None)

    def _fetched(self, key: SuiteKey, variants: Sequence[SuiteFile]) -> SuiteFile:
        """The first form that can be had; a mirror need not have all that its Release lists."""
        for form in compressed_first(variants):
            try:
                self.obtain(key, form)
                return form
            except MissingUpstreamError as error:
                missing = error
        raise missing

    def forms(self, key: SuiteKey, pin: Pin, path: str) -> list[SuiteFile]:
        """The listed compressions of an index, those first that mirrors really have; empty if it is not listed."""
        if isinstance(pin.root, BarePackages):
            return [root_file(key, pin)] if path == pin.root.file else []
        release = self.release(key, pin)
        return compressed_first([suite_file(key, release, listed) for listed in release.variants(path)])

    def obtain_another_form(self, found: PinnedFile, path: str) -> None:
        """Have the index `path` in the archive in another of its listed forms than `found`.

        MissingUpstreamError if no mirror has one.
        """
        others = [form for form in self.forms(found.key, found.pin, path) if form != found.file]
        if not others:
            raise MissingUpstreamError(f"{found.file.relative} is the only form of its index")
        if not self._held(others):
            self._fetched(found.key, others)

    def begin_sources(self, key: SuiteKey, pin: Pin, component: str, priority: Priority) -> Growth | None:
        """Begin to fetch the Sources of a component; None if the suite has none, or the archive holds it."""
        if isinstance(pin.root, BarePackages):
            return None
        path = f"{component}/source/Sources" if component else "Sources"
        forms = self.forms(key, pin, path)
        if not forms or self._held(forms):
            return None
        return self.downloads.join(forms[0].wanted, self.suite_suppliers(key, forms[0]), priority)

    def _build(self, name: Digest, form: SuiteFile, *, is_source: bool) -> None:
        from aptfreeze.deb import index  # start-up time

        data = b"".join(self._decompressed(form))
        entries = index.sources(data) if is_source else index.packages(data)
        self.indexes.build(name, "sources" if is_source else "packages", entries)

    def _decompressed(self, form: SuiteFile) -> Iterable[bytes]:
        data = self.objects.read(form.wanted.digest, _LARGEST_INDEX)
        if data is None:
            raise IntegrityError(f"{form.relative} was damaged in the archive and is in quarantine; ask again")
        if form.suffix not in compression.SUFFIXES:
            return [data]
        return compression.decompress([data], form.suffix, _LARGEST_INDEX)
