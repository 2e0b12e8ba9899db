# SPDX-License-Identifier: MIT
"""What an object is."""

import bz2
import gzip
import lzma
from pathlib import Path

import pytest

from aptfreeze.archive.condemned import Condemned
from aptfreeze.archive.holdings import look
from aptfreeze.archive.index import Indexes
from aptfreeze.archive.objects import Objects
from aptfreeze.deb.index import PoolEntry
from aptfreeze.describe.naming import Item, Kind, items
from aptfreeze.freeze.digest import Digest

TABLE = Digest.of(b"an index")


def told(objects: Objects, *useful: Digest) -> list[Item]:
    holdings = look(objects.layout)
    return list(items(set(holdings.sizes), holdings, Indexes(objects), objects.layout, useful))


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"!<arch>\ndebian-binary", Kind.PACKAGE),
        (b"-----BEGIN PGP SIGNED MESSAGE-----\n", Kind.INDEX),
        (b"Origin: Debian\n", Kind.INDEX),
        (lzma.compress(b"Package: hello\n"), Kind.INDEX),
        (gzip.compress(b"Package: hello\n"), Kind.INDEX),
        (bz2.compress(b"Package: hello\n"), Kind.INDEX),
        (lzma.compress(b"a tarball\n"), Kind.OTHER),
        (gzip.compress(b"Package")[:-9] + b"cut and bad", Kind.OTHER),
        (b"", Kind.OTHER),
    ],
    ids=["package", "InRelease", "Release", "xz", "gz", "bz2", "tarball", "damaged", "empty"],
)
def test_the_beginning_tells_what_no_index_lists(tmp_path: Path, data: bytes, kind: Kind) -> None:
    objects = Objects(tmp_path)
    objects.put(data)
    assert [(item.kind, item.name) for item in told(objects)] == [(kind, "")]


def entry(data: bytes, architecture: str) -> PoolEntry:
    hashes = {"sha256": Digest.of(data).hex}
    return PoolEntry(f"pool/{architecture}", len(data), hashes, "hello", "1.0", architecture, "hello", "1.0")


def test_an_index_tells_the_name(tmp_path: Path) -> None:
    objects = Objects(tmp_path)
    listed = [entry(objects_data, architecture) for objects_data, architecture in ((b"a", "amd64"), (b"s", "source"))]
    for data in (b"a", b"s"):
        objects.put(data)
    indexes = Indexes(objects)
    indexes.build(TABLE, "packages", listed)
    found = {(item.kind, item.name) for item in told(objects)}
    assert found == {(Kind.PACKAGE, "hello 1.0 amd64"), (Kind.SOURCE, "hello 1.0 source")}
    assert {item.kind for item in told(objects, TABLE)} == {Kind.OTHER}


def test_a_table_that_is_damaged_names_nothing(tmp_path: Path) -> None:
    objects = Objects(tmp_path)
    objects.put(b"!<arch>\n")
    objects.layout.index(TABLE).write_bytes(b"damaged")
    assert [item.kind for item in told(objects)] == [Kind.PACKAGE]


def test_a_condemned_object_is_looked_at_where_it_is(tmp_path: Path) -> None:
    objects = Objects(tmp_path)
    sha256 = bytes.fromhex(objects.put(b"!<arch>\n").hex)
    Condemned(objects.layout).condemn(sha256, 1)
    assert [item.kind for item in told(objects)] == [Kind.PACKAGE]
    assert not objects.layout.object(Digest.of(b"!<arch>\n")).exists()
