# SPDX-License-Identifier: MIT
"""Digests, and what an index's hashes make of a file."""

import hashlib

import pytest

from aptfreeze.freeze.digest import Algorithm, Digest, Wanted

ABC = {name: hashlib.new(name, b"abc").hexdigest() for name in ("md5", "sha1", "sha256", "sha512")}


def test_a_digest_reads_what_it_writes() -> None:
    digest = Digest.of(b"abc")
    assert str(digest) == f"sha256:{ABC['sha256']}"
    assert Digest.parse(str(digest)) == digest


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sha256",
        "sha256:",
        f"sha256:{'A' * 64}",
        f"sha256:{'a' * 63}",
        f"sha512:{'a' * 64}",
        f"crc32:{'a' * 8}",
        f"sha256:{'a' * 63}\n",
        f"sha256:{'٠' * 64}",
    ],
)
def test_what_is_no_digest_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"not a "):
        Digest.parse(text)


def test_the_sha256_names_a_file_and_stronger_hashes_are_checked_too() -> None:
    wanted = Wanted.from_hashes(ABC, 3)
    assert wanted.digest == Digest(Algorithm.SHA256, ABC["sha256"])
    assert wanted.also == (Digest(Algorithm.SHA512, ABC["sha512"]),)
    assert wanted.algorithms == (Algorithm.SHA256, Algorithm.SHA512)


def test_without_a_sha256_the_strongest_hash_names_the_file() -> None:
    assert Wanted.from_hashes({"sha512": ABC["sha512"]}, 3).digest.algorithm is Algorithm.SHA512
    weak = Wanted.from_hashes({"md5": ABC["md5"], "sha1": ABC["sha1"]}, 3)
    assert weak.digest.algorithm is Algorithm.SHA1
    assert weak.also == ()
    assert not weak.digest.algorithm.is_strong
    assert Algorithm.SHA256 in weak.algorithms  # the object is named by it all the same


def test_a_file_without_any_known_hash_is_refused() -> None:
    with pytest.raises(ValueError, match="no known hash"):
        Wanted.from_hashes({}, 3)
