# SPDX-License-Identifier: MIT
"""Release files as Debian, small vendors and apt-ftparchive write them."""

from datetime import UTC, datetime

import pytest

from aptfreeze.deb.deb822 import ParseError
from aptfreeze.deb.release import IndexName, Release


def fake(algorithm_digits: int, number: int) -> str:
    return f"{number:0{algorithm_digits}x}"


def listing(digits: int, first: int, *files: tuple[int, str]) -> str:
    return "".join(f"\n {fake(digits, first + i)} {size:>9} {name}" for i, (size, name) in enumerate(files))


FILES = (
    (50060337, "main/binary-amd64/Packages"),
    (12084798, "main/binary-amd64/Packages.gz"),
    (8790396, "main/binary-amd64/Packages.xz"),
    (111, "main/binary-amd64/Release"),
    (8790000, "main/binary-all/Packages.xz"),
    (281000, "main/debian-installer/binary-amd64/Packages.xz"),
    (9642300, "main/source/Sources.xz"),
    (97900, "main/installer-amd64/20230607/images/SHA256SUMS"),
    (2400, "contrib/source/Sources.gz"),
    (9500000, "main/i18n/Translation-en.bz2"),
)

DEBIAN = f"""\
Origin: Debian
Label: Debian
Suite: oldstable
Version: 12.15
Codename: bookworm
Changelogs: https://changelogs.example.org/changelogs/@CHANGEPATH@_changelog
Date: Sat, 11 Jul 2026 10:16:37 UTC
Valid-Until: Sat, 18 Jul 2026 10:16:37 UTC
Acquire-By-Hash: yes
No-Support-for-Architecture-all: Packages
Architectures: all amd64 arm64
Components: main contrib non-free-firmware non-free
Description: Debian 12.15 Released 11 July 2026
MD5Sum:{listing(32, 100, *FILES)}
SHA256:{listing(64, 200, *FILES)}
""".encode()

FLAT = f"""\
origin: Vendor
DATE: Thu, 02 Mar 2017  9:00:00 +0100
Md5Sum:{listing(32, 1, (10, "./Packages"), (20, "./Packages.gz"), (30, "Sources"))}
Sha512:{listing(128, 7, (10, "./Packages"))}
""".encode()


def dated(text: str) -> datetime | None:
    return Release.parse(f"Origin: x\nDate: {text}\n".encode()).date


def test_what_a_release_says_of_itself() -> None:
    release = Release.parse(DEBIAN)
    assert (release.origin, release.label, release.suite) == ("Debian", "Debian", "oldstable")
    assert (release.codename, release.version) == ("bookworm", "12.15")
    assert release.date == datetime(2026, 7, 11, 10, 16, 37, tzinfo=UTC)
    assert release.valid_until == datetime(2026, 7, 18, 10, 16, 37, tzinfo=UTC)
    assert release.components == ("main", "contrib", "non-free-firmware", "non-free")
    assert release.architectures == ("all", "amd64", "arm64")
    assert release.acquire_by_hash
    assert release.no_support_for_architecture_all == {"Packages"}


def test_a_file_has_the_hashes_of_all_lists() -> None:
    listed = Release.parse(DEBIAN).files["main/binary-amd64/Packages.xz"]
    assert listed.size == 8790396
    assert listed.hashes == {"md5": fake(32, 102), "sha256": fake(64, 202)}


def test_a_file_is_found_by_every_hash_that_the_release_lists() -> None:
    release = Release.parse(DEBIAN)
    listed = release.files["main/binary-amd64/Packages.xz"]
    assert release.find_by_hash("main/binary-amd64", "SHA256", fake(64, 202)) == listed
    assert release.find_by_hash("main/binary-amd64", "MD5Sum", fake(32, 102)) == listed
    assert release.find_by_hash("main/binary-amd64", "SHA512", fake(128, 202)) is None
    assert release.find_by_hash("main/binary-amd64", "SHA256", fake(64, 999)) is None
    assert release.find_by_hash("main/binary-amd64", "md5", fake(32, 102)) is None


def test_variants_are_those_that_are_listed_and_readable_smallest_first() -> None:
    release = Release.parse(DEBIAN)
    expected = ["main/binary-amd64/Packages.xz", "main/binary-amd64/Packages.gz", "main/binary-amd64/Packages"]
    assert [f.path for f in release.variants("main/binary-amd64/Packages")] == expected
    assert [f.path for f in release.variants("main/binary-amd64/Packages.gz")] == expected
    assert release.variants("main/binary-arm64/Packages") == ()


def test_package_indexes_know_their_component_architecture_and_installer() -> None:
    assert list(Release.parse(DEBIAN).package_indexes()) == [
        IndexName("main", "amd64", "main/binary-amd64/Packages"),
        IndexName("main", "all", "main/binary-all/Packages"),
        IndexName("main", "amd64", "main/debian-installer/binary-amd64/Packages", is_udeb=True),
    ]


def test_source_indexes() -> None:
    assert list(Release.parse(DEBIAN).source_indexes()) == [
        IndexName("main", "source", "main/source/Sources"),
        IndexName("contrib", "source", "contrib/source/Sources"),
    ]


def test_components_may_have_slashes_or_be_missing() -> None:
    release = Release.parse(
        f"SHA256:{listing(64, 1, (1, 'updates/main/binary-amd64/Packages.gz'), (1, 'binary-armhf/Packages'))}"
        f"{listing(64, 9, (1, 'debian-installer/binary-i386/Packages'), (1, 'a/b/source/Sources'))}".encode()
    )
    assert list(release.package_indexes()) == [
        IndexName("updates/main", "amd64", "updates/main/binary-amd64/Packages"),
        IndexName("", "armhf", "binary-armhf/Packages"),
        IndexName("", "i386", "debian-installer/binary-i386/Packages", is_udeb=True),
    ]
    assert list(release.source_indexes()) == [IndexName("a/b", "source", "a/b/source/Sources")]


def test_a_flat_repository_with_names_in_other_cases() -> None:
    release = Release.parse(FLAT)
    assert (release.origin, release.suite, release.components) == ("Vendor", "", ())
    assert release.date == datetime(2017, 3, 2, 8, 0, 0, tzinfo=UTC)
    assert release.valid_until is None
    assert not release.acquire_by_hash
    assert release.files["Packages"].hashes == {"sha512": fake(128, 7), "md5": fake(32, 1)}
    assert [f.path for f in release.variants("Packages")] == ["Packages", "Packages.gz"]
    assert list(release.package_indexes()) == [IndexName("", "", "Packages")]
    assert list(release.source_indexes()) == [IndexName("", "source", "Sources")]


def test_only_the_first_paragraph_counts() -> None:
    assert Release.parse(b"\nSuite: first\n\nSuite: second\n").suite == "first"


def test_paths_that_lead_out_are_left_out() -> None:
    assert list(Release.parse(f"MD5Sum:{listing(32, 1, (1, '../x'), (1, 'y'))}".encode()).files) == ["y"]


@pytest.mark.parametrize(
    "text",
    [
        "Sat, 11 Jul 2026 10:16:37 UTC",
        "Sat, 11 Jul 2026 10:16:37 GMT",
        "Sat, 11 Jul 2026 10:16:37 Z",
        "Sat, 11 Jul 2026 10:16:37 +0000",
        "Sat, 11 Jul 2026 10:16:37 -0000",
        "Sat, 11 Jul 2026 12:16:37 +0200",
        "Sat, 11 Jul 2026 05:46:37 -0430",
        "11 Jul 2026 10:16:37 UTC",
        "Saturday, 11 jul 2026  10:16:37  +00:00",
    ],
)
def test_dates_are_utc_however_they_are_written(text: str) -> None:
    assert dated(text) == datetime(2026, 7, 11, 10, 16, 37, tzinfo=UTC)
    assert dated("") is None


@pytest.mark.parametrize(
    "text",
    [
        "2026-07-11T10:16:37Z",
        "Sat, 11 Jul 2026 10:16:37",
        "Sat, 11 Jul 2026 10:16:37 CEST",
        "Sat, 11 Jul 2026 10:16 UTC",
        "Sat, 31 Feb 2026 10:16:37 UTC",
        "Sat, 11 Foo 2026 10:16:37 UTC",
        "Sat, 11 Jul 2026 25:16:37 UTC",
        "Sat, 11 Jul 0000 10:16:37 UTC",
        "Sat, 01 Jan 0001 00:00:00 +0100",
        "Sat, 11 Jul 2026 10:16:37 +9900",
        "٣ Jul 2026 10:16:37 UTC",
    ],
)
def test_a_date_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ParseError, match="Date is no date"):
        dated(text)
    with pytest.raises(ParseError, match="Valid-Until is no date"):
        Release.parse(f"Valid-Until: {text}\n".encode())


def test_text_that_would_reach_terminals_is_printable() -> None:
    assert Release.parse("Origin: Großer\n  Verteiler\n".encode()).origin == "Großer Verteiler"
    with pytest.raises(ParseError, match="unprintable characters in Suite"):
        Release.parse(b"Suite: \x1b[31mred\n")


@pytest.mark.parametrize("payload", [b"", b"\n\n", b"<html>login here</html>", b"SHA256:\n garbage\n"])
def test_what_is_no_release_is_refused(payload: bytes) -> None:
    with pytest.raises(ParseError):
        Release.parse(payload)


@pytest.mark.parametrize(("text", "expected"), [("yes", True), ("True", True), ("1", True), ("no", False), ("", False)])
def test_switches_are_booleans_of_apt(text: str, expected: bool) -> None:
    release = Release.parse(f"Acquire-By-Hash: {text}\nNotAutomatic: {text}\n".encode())
    assert (release.acquire_by_hash, release.not_automatic) == (expected, expected)
