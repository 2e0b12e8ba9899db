# SPDX-License-Identifier: MIT
"""From a parsed index entry to what answers and records need."""

from dataclasses import replace

import pytest

from aptfreeze.deb.index import PoolEntry
from aptfreeze.freeze.catalog import IndexEntry
from aptfreeze.freeze.digest import Algorithm, Digest

SHA256, SHA512, MD5 = "a" * 64, "b" * 128, "c" * 32
ENTRY = PoolEntry(
    path="pool/main/h/hello/hello_1.0_amd64.deb",
    size=1234,
    hashes={"md5": MD5, "sha512": SHA512, "sha256": SHA256},
    package="hello",
    version="1:1.0",
    architecture="amd64",
    source="hello-src",
    source_version="1.0",
)


def test_it_is_named_by_its_sha256_and_checked_by_every_strong_hash() -> None:
    wanted = IndexEntry.of(ENTRY).wanted

    assert wanted.digest == Digest(Algorithm.SHA256, SHA256)
    assert wanted.also == (Digest(Algorithm.SHA512, SHA512),)
    assert wanted.size == 1234


def test_the_package_and_its_source_are_told_as_the_index_has_them() -> None:
    entry = IndexEntry.of(ENTRY)

    assert (entry.package, entry.version, entry.architecture) == ("hello", "1:1.0", "amd64")
    assert (entry.source, entry.source_version) == ("hello-src", "1.0")


def test_a_weak_hash_alone_is_kept_for_the_resolver_to_judge() -> None:
    assert IndexEntry.of(replace(ENTRY, hashes={"md5": MD5})).wanted.digest.algorithm is Algorithm.MD5


def test_without_any_hash_it_is_no_entry() -> None:
    with pytest.raises(ValueError, match="no known hash"):
        IndexEntry.of(replace(ENTRY, hashes={}))
