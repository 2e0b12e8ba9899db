# SPDX-License-Identifier: MIT
"""Files of a suite: where they lie below the repository, and whether their hash counts."""

from datetime import UTC, datetime

import pytest

from aptfreeze.deb.release import ListedFile, Release
from aptfreeze.freeze.digest import Algorithm, Digest, Wanted
from aptfreeze.freeze.generation import InRelease, Pin, SuiteKey
from aptfreeze.freeze.outcome import (
    SuiteFile,
    compressed_first,
    index_name,
    is_trustworthy,
    relative_to_suite,
    suite_file,
)

BOOKWORM = SuiteKey("mirror.example.org/debian", "bookworm")
FLAT = SuiteKey("vendor.example.org/apt", "./")
SIGNERS = ("A" * 40,)


def listed(path: str, *hashes: Algorithm, by_hash: bool = True) -> tuple[Release, str]:
    """A Release that lists one file with these hashes."""
    names = {Algorithm.MD5: "MD5Sum", Algorithm.SHA1: "SHA1", Algorithm.SHA256: "SHA256", Algorithm.SHA512: "SHA512"}
    lines = [f"{names[each]}:\n {'a' * each.hex_length} 7 {path}\n" for each in hashes]
    return Release.parse(f"Acquire-By-Hash: {'yes' if by_hash else 'no'}\n{''.join(lines)}".encode()), path


def file_of(key: SuiteKey, path: str, *hashes: Algorithm, by_hash: bool = True) -> SuiteFile:
    release, path = listed(path, *hashes, by_hash=by_hash)
    return suite_file(key, release, release.files[path])


def test_a_suite_lies_below_dists_and_a_flat_one_in_the_repository_itself() -> None:
    assert relative_to_suite(BOOKWORM, "InRelease") == "dists/bookworm/InRelease"
    assert relative_to_suite(FLAT, "InRelease") == "InRelease"


def test_a_listed_file_is_wanted_by_its_strongest_name_and_size() -> None:
    file = file_of(BOOKWORM, "main/binary-amd64/Packages.xz", Algorithm.MD5, Algorithm.SHA256)

    assert file.wanted == Wanted(Digest(Algorithm.SHA256, "a" * 64), 7)
    assert file.relative == "dists/bookworm/main/binary-amd64/Packages.xz"
    assert file.by_hash == f"dists/bookworm/main/binary-amd64/by-hash/SHA256/{'a' * 64}"


def test_without_acquire_by_hash_there_is_no_path_by_hash() -> None:
    assert file_of(BOOKWORM, "main/Packages", Algorithm.SHA256, by_hash=False).by_hash == ""


def test_sha512_alone_has_a_folder_of_its_own() -> None:
    assert "/by-hash/SHA512/" in file_of(BOOKWORM, "main/Packages", Algorithm.SHA512).by_hash


def test_nothing_is_fetched_by_a_weak_hash() -> None:
    assert file_of(BOOKWORM, "main/Packages", Algorithm.MD5).by_hash == ""


def test_a_flat_suites_by_hash_folder_is_at_its_top() -> None:
    assert file_of(FLAT, "Packages", Algorithm.SHA256).by_hash == f"by-hash/SHA256/{'a' * 64}"


def test_a_file_belongs_to_the_state_of_its_release() -> None:
    release = Release.parse(b"Origin: Debian\nDate: Sat, 21 Nov 2026 10:16:37 UTC\n")
    file = suite_file(FLAT, release, ListedFile("main/x", 1, {"sha256": "a" * 64}))
    assert (file.date, file.origin) == (datetime(2026, 11, 21, 10, 16, 37, tzinfo=UTC), "Debian")


@pytest.mark.parametrize(
    ("path", "suffix"),
    [("main/binary-amd64/Packages.xz", ".xz"), ("main/binary-amd64/Packages", ""), ("a.b/Release", "")],
)
def test_the_suffix_is_that_of_the_name_and_not_of_a_folder(path: str, suffix: str) -> None:
    assert SuiteFile(Wanted(Digest.of(b"")), path).suffix == suffix


@pytest.mark.parametrize(
    ("algorithm", "signers", "counts"),
    [
        (Algorithm.SHA256, SIGNERS, True),
        (Algorithm.SHA512, SIGNERS, True),
        (Algorithm.SHA1, SIGNERS, False),
        (Algorithm.MD5, SIGNERS, False),
        (Algorithm.MD5, (), True),  # nothing is signed anyway
    ],
)
def test_md5_and_sha1_verify_nothing_that_was_signed(
    algorithm: Algorithm, signers: tuple[str, ...], counts: bool
) -> None:
    pin = Pin(InRelease(Digest.of(b"in")), None, signers=signers)

    assert is_trustworthy(pin, Wanted(Digest(algorithm, "a" * algorithm.hex_length))) is counts


def form(name: str, size: int) -> SuiteFile:
    return SuiteFile(Wanted(Digest.of(name.encode()), size), f"dists/x/{name}")


def test_an_index_has_one_name_for_all_its_forms() -> None:
    plain, xz, gz = form("Packages", 9), form("Packages.xz", 3), form("Packages.gz", 4)
    assert index_name([xz, gz, plain]) == index_name([plain]) == plain.wanted.digest
    assert index_name([xz, gz]) == xz.wanted.digest
    assert compressed_first([plain, xz, gz]) == [xz, gz, plain]
