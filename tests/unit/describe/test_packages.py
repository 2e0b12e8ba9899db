# SPDX-License-Identifier: MIT
"""The list of what was served, as text and as data."""

from aptfreeze.describe.packages import lines, rows
from aptfreeze.environment.records import ServedPackage
from aptfreeze.freeze.digest import Digest

REPOSITORY = "mirror.example.org/debian"


def served(name: str = "hello", version: str = "1.0", *, suite: str = "bookworm", path: str = "x") -> ServedPackage:
    sha256 = Digest.of(f"{name} {version}".encode())
    return ServedPackage(name, version, "amd64", REPOSITORY, suite, path, sha256, 1234)


def test_a_line_holds_name_version_architecture_sha256_size_repository_suite() -> None:
    sha256 = Digest.of(b"hello 1.0").hex

    assert list(lines([served()])) == [f"hello 1.0 amd64 {sha256} 1234 {REPOSITORY} bookworm"]


def test_lines_are_sorted_whatever_the_order_of_serving_was() -> None:
    packages = [served("zlib"), served("hello", "2.0"), served("hello", "1.0")]

    assert list(lines(packages)) == list(lines(reversed(packages)))
    assert [line.split()[:2] for line in lines(packages)] == [["hello", "1.0"], ["hello", "2.0"], ["zlib", "1.0"]]


def test_one_file_under_two_paths_is_one_row() -> None:
    assert len(rows([served(path="pool/a"), served(path="pool/b")])) == 1


def test_one_package_from_two_suites_is_two_rows() -> None:
    assert [row["suite"] for row in rows([served(), served(suite="bookworm-updates")])] == [
        "bookworm",
        "bookworm-updates",
    ]


def test_a_field_with_blanks_or_control_characters_stays_one_field() -> None:
    # A third party's index may hold anything; the list goes to terminals and scripts.
    [line] = lines([served("evil name", "1.0~\x1b[31m\x85é")])

    assert line.split(" ")[:2] == ["evil%20name", "1.0~%1B[31m%C2%85%C3%A9"]
    assert line.isascii()
    assert line.isprintable()


def test_nothing_served_is_no_line() -> None:
    assert list(lines([])) == []
