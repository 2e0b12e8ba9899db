# SPDX-License-Identifier: MIT
"""The vocabulary of resolving: what is asked, what the resolver needs to know, and what comes out.

A resolver is a generator. It yields needs, the shell sends the answers, and it returns an outcome:

    NeedRelease(key, pin)         -> Release        the parsed, verified Release of a pin
    NeedSums(key, pin, listed)    -> {path: hex}    a second-level SHA256SUMS that the Release lists
    NeedEntry(key, variants, ...) -> IndexEntry, or None where the index does not list the path
"""

from collections.abc import Generator, Mapping, Sequence
from datetime import datetime

from aptfreeze.deb import compression
from aptfreeze.deb.paths import Location
from aptfreeze.deb.release import ListedFile, Release
from aptfreeze.freeze.catalog import IndexEntry
from aptfreeze.freeze.digest import Algorithm, Digest, Wanted
from aptfreeze.freeze.generation import Pin, SuiteKey
from aptfreeze.values import immutable


@immutable
class Asked:
    """What of a request decides its answer."""

    location: Location
    from_apt: bool
    """Whether the User-Agent is apt's."""
    architectures: frozenset[str] = frozenset()
    """Those in use here: where `_all.deb` files are looked for."""
    resigns: bool = False
    """Whether signed suites are served here with the environment's own signature instead of their archive's."""


@immutable
class SuiteFile:
    """A file that a Release lists (or a pin's own file), with all that is needed to fetch it."""

    wanted: Wanted
    relative: str
    """Below the repository, normalised: `dists/bookworm/main/binary-amd64/Packages.xz`."""
    by_hash: str = ""
    """The same by its hash, where the suite announces Acquire-By-Hash; else empty."""
    date: datetime | None = None
    """The Date of the Release: who keeps the states of the repository has the file in that of this time."""
    origin: str | None = None
    """The Origin of the Release; None: not known, as of the Release itself."""

    @property
    def suffix(self) -> str:
        name = self.relative.rpartition("/")[2]
        return "." + name.rpartition(".")[2] if "." in name else ""


@immutable
class NeedRelease:
    key: SuiteKey
    pin: Pin


@immutable
class NeedSums:
    key: SuiteKey
    pin: Pin
    listed: SuiteFile


@immutable
class NeedEntry:
    """Look `path` up in the index that one of `variants` (its listed compressions, smallest first) holds."""

    key: SuiteKey
    variants: tuple[SuiteFile, ...]
    is_source: bool
    path: str
    may_fetch: bool
    """Whether an index that the archive lacks is worth fetching; False: only what is at hand."""


Need = NeedRelease | NeedSums | NeedEntry
Answer = Release | Mapping[str, str] | IndexEntry | None


@immutable
class PinnedFile:
    """An index or another file of a suite; `compressed` lists the forms it can be derived from."""

    key: SuiteKey
    pin: Pin
    file: SuiteFile
    compressed: tuple[SuiteFile, ...] = ()


@immutable
class PinnedRoot:
    """The signed file itself (or the package list of a repository without one)."""

    key: SuiteKey
    pin: Pin
    file: SuiteFile


@immutable
class PinnedPayload:
    """`Release` of a suite whose InRelease is pinned: the text that is signed in it."""

    key: SuiteKey
    pin: Pin


@immutable
class PinnedResigned:
    """`InRelease`, `Release` or `Release.gpg` (the name), made from what is signed in the pinned file."""

    key: SuiteKey
    pin: Pin
    name: str


@immutable
class PinnedPackage:
    """A file of a binary or source package."""

    key: SuiteKey
    pin: Pin
    entry: IndexEntry
    repository: str
    """The folder that `relative` is relative to; for a flat suite it may be above the suite's own."""
    relative: str


@immutable
class PinnedSingle:
    """A single file (an `extra` line of the lock)."""

    url: str
    digest: Digest


@immutable
class Absent:
    """The generation says no."""

    why: str
    is_stale: bool = False
    """Whether the client must have the path from lists of another generation."""


@immutable
class Unpinned:
    """A suite that was never asked before; `file` is the name that was asked."""

    key: SuiteKey
    file: str


@immutable
class UnpinnedSingle:
    """A file outside every chain that apt asks for: pinned by url on first sight."""

    url: str


@immutable
class Foreign:
    """No apt request: passed through and counted."""


Outcome = (
    PinnedFile
    | PinnedRoot
    | PinnedPayload
    | PinnedResigned
    | PinnedPackage
    | PinnedSingle
    | Absent
    | Unpinned
    | UnpinnedSingle
    | Foreign
)
Resolution = Generator[Need, Answer, Outcome]
Suite = tuple[SuiteKey, Pin]


def relative_to_suite(key: SuiteKey, path: str) -> str:
    """A path inside the suite, as a path below the repository."""
    return path if key.is_flat else f"dists/{key.suite}/{path}"


def suite_file(key: SuiteKey, release: Release, listed: ListedFile) -> SuiteFile:
    """All that is needed to fetch a file that the Release lists."""
    wanted = Wanted.from_hashes(listed.hashes, listed.size)
    relative = relative_to_suite(key, listed.path)
    by_hash = ""
    if release.acquire_by_hash and wanted.digest.algorithm in _HASH_FOLDER:
        folder = relative.rpartition("/")[0]
        by_hash = f"{folder}/by-hash/{_HASH_FOLDER[wanted.digest.algorithm]}/{wanted.digest.hex}".lstrip("/")
    return SuiteFile(wanted, relative, by_hash, release.date, release.origin)


_HASH_FOLDER = {Algorithm.SHA256: "SHA256", Algorithm.SHA512: "SHA512"}


def index_name(variants: Sequence[SuiteFile]) -> Digest:
    """One name for all forms of an index: the uncompressed digest where it is listed, else the first one's."""
    plain = [form for form in variants if form.suffix not in compression.SUFFIXES]
    return (plain or variants)[0].wanted.digest


def compressed_first(variants: Sequence[SuiteFile]) -> list[SuiteFile]:
    """Smallest first, but an uncompressed form last: mirrors list it and seldom have it."""
    return sorted(variants, key=lambda form: form.suffix not in compression.SUFFIXES)


def is_trustworthy(pin: Pin, wanted: Wanted) -> bool:
    """Whether a hash of an index verifies a file: MD5 and SHA1 do so only where nothing is signed anyway."""
    return wanted.digest.algorithm.is_strong or not pin.signers
