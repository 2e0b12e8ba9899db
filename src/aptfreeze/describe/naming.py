# SPDX-License-Identifier: MIT
"""What objects are, as far as it can be told: by the indexes that list them, else by how they begin."""

import bz2
import lzma
import zlib
from collections.abc import Collection, Iterator
from enum import StrEnum
from pathlib import Path

from aptfreeze.archive.condemned import Condemned
from aptfreeze.archive.holdings import Holdings, digest_of
from aptfreeze.archive.index import Indexes
from aptfreeze.archive.layout import Layout
from aptfreeze.archive.table import NamedDigest
from aptfreeze.errors import IntegrityError
from aptfreeze.freeze.digest import Digest
from aptfreeze.values import immutable

_BEGINNING = 4096
_SIGNED = b"-----BEGIN PGP SIGNED MESSAGE-----"
_INDEX_FIELDS = (b"Package:", b"Origin:", b"Label:", b"Suite:", b"Codename:", b"Format:")
_OPENERS = (lzma.LZMADecompressor, bz2.BZ2Decompressor, lambda: zlib.decompressobj(wbits=16 + zlib.MAX_WBITS))


class Kind(StrEnum):
    PACKAGE = "packages"
    SOURCE = "sources"
    INDEX = "indexes"
    """Signed files of suites among them."""
    OTHER = "other"


@immutable
class Item:
    """An object."""

    sha256: bytes
    kind: Kind
    name: str = ""
    """`hello 1.0 amd64`; empty if nobody can tell."""


def items(
    names: Collection[bytes], holdings: Holdings, indexes: Indexes, layout: Layout, useful: Collection[Digest]
) -> Iterator[Item]:
    """What each of these objects is. The indexes that are `useful` to others list none of them."""
    unnamed = set(names)
    for table in indexes.names():
        if unnamed and table not in useful:
            for item in _listed(table, holdings, indexes):
                if item.sha256 in unnamed:
                    unnamed.discard(item.sha256)
                    yield item
    away = {sha256: Path(entry.path) for sha256, entry in Condemned(layout).names()}
    for sha256 in sorted(unnamed):
        yield Item(sha256, _kind(away.get(sha256) or layout.object(digest_of(sha256))))


def _listed(table: Digest, holdings: Holdings, indexes: Indexes) -> Iterator[Item]:
    try:
        for row in indexes.named_digests(table):
            sha256 = holdings.named(row.digest)
            if sha256 is not None:
                yield _item(sha256, row)
    except IntegrityError:  # of no use any more; it is not needed anyway
        return


def _item(sha256: bytes, row: NamedDigest) -> Item:
    if row.architecture == "source":
        return Item(sha256, Kind.SOURCE, f"{row.package} {row.version} {row.path.rpartition('/')[2]}")
    return Item(sha256, Kind.PACKAGE, f"{row.package} {row.version} {row.architecture}")


def _kind(path: Path) -> Kind:
    try:
        with path.open("rb") as file:
            data = file.read(_BEGINNING)
    except OSError:
        return Kind.OTHER
    if data.startswith(b"!<arch>"):
        return Kind.PACKAGE
    return Kind.INDEX if any(map(_begins_an_index, _readings(data))) else Kind.OTHER


def _begins_an_index(text: bytes) -> bool:
    return text.startswith((_SIGNED, *_INDEX_FIELDS))


def _readings(data: bytes) -> Iterator[bytes]:
    """The beginning itself, and as what it may be compressed from."""
    yield data
    for opener in _OPENERS:
        try:
            yield opener().decompress(data, 128)
        except (lzma.LZMAError, OSError, EOFError, zlib.error):
            continue
