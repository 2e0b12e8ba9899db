# SPDX-License-Identifier: MIT
"""One look-up table as a file."""

import resource
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from aptfreeze.archive.table import DamagedTableError, Table, VersionRow, objection, write
from aptfreeze.deb.index import PoolEntry
from aptfreeze.freeze.catalog import IndexEntry
from aptfreeze.freeze.digest import Digest


def entry(name: str) -> PoolEntry:
    return PoolEntry(f"pool/{name}", 3, {"sha256": "a" * 64, "md5": "b" * 32}, name, "1", "amd64", name, "1")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    write(tmp_path / "table", "packages", [entry("b"), entry("a")])
    return tmp_path / "table"


def opened(path: Path) -> Table:
    table = Table.open(path)
    assert table is not None
    return table


def test_what_was_written_is_found(path: Path) -> None:
    table = opened(path)
    found = table.find("pool/a")
    assert found is not None
    assert (found.package, found.wanted.size, found.wanted.digest.hex) == ("a", 3, "a" * 64)
    assert table.find("pool/c") is None
    assert [name for name, _ in table.entries()] == ["pool/a", "pool/b"]


def test_the_first_entry_of_a_path_counts(tmp_path: Path) -> None:
    write(
        tmp_path / "table",
        "packages",
        [entry("a"), PoolEntry("pool/a", 4, {"md5": "c" * 32}, "x", "2", "all", "x", "2")],
    )
    found = opened(tmp_path / "table").find("pool/a")
    assert found is not None
    assert found.package == "a"


def test_what_is_kept_once_is_told_everywhere(tmp_path: Path) -> None:
    strong, weak, both = (
        {"sha512": "d" * 128},
        {"sha1": "e" * 40, "md5": "b" * 32},
        {"sha256": "a" * 64, "md5": "b" * 32},
    )
    entries = [
        PoolEntry("own", 3, both, "p", "1", "amd64", "p", "1"),
        PoolEntry("other-source", 3, strong, "p", "1", "amd64", "s", "1"),
        PoolEntry("other-version", 3, weak, "p", "1+b1", "amd64", "p", "1"),
        PoolEntry("no-source", 3, both, "p", "1", "amd64", "", ""),
    ]
    write(tmp_path / "table", "packages", entries)
    table = opened(tmp_path / "table")
    assert {path: table.find(path) for path in ("own", "other-source", "other-version", "no-source")} == {
        each.path: IndexEntry.of(each) for each in entries
    }


def test_all_files_of_some_packages_are_found_by_one_question(tmp_path: Path) -> None:
    files = [f"p{n}" for n in range(3000)]
    write(tmp_path / "table", "packages", [entry(name) for name in files])
    table = opened(tmp_path / "table")
    assert {found.package: path for path, found in table.named(["p7", "p2999", "absent"])} == {
        "p7": "pool/p7",
        "p2999": "pool/p2999",
    }
    assert sorted(found.package for _, found in table.named(files)) == sorted(files)
    assert list(table.named([])) == []


def test_versions_tell_what_a_comparison_needs(tmp_path: Path) -> None:
    other = PoolEntry("pool/b", 4, {"sha512": "c" * 128}, "b", "2+b1", "all", "s", "2")
    write(tmp_path / "table", "packages", [entry("a"), other])
    assert sorted(opened(tmp_path / "table").versions()) == [
        VersionRow("a", "amd64", "1", None, None, 3, bytes.fromhex("a" * 64)),
        VersionRow("b", "all", "2+b1", "s", "2", 4, None),
    ]


def test_no_file_is_no_table(tmp_path: Path) -> None:
    assert Table.open(tmp_path / "absent") is None


def _no_sqlite(path: Path) -> None:
    path.write_bytes(b"no sqlite file at all" * 100)


def _other_schema(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.commit()
    connection.close()


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:5000])


@pytest.mark.parametrize("damage", [_no_sqlite, _other_schema, _cut])
def test_damage_is_told(path: Path, damage: object) -> None:
    assert callable(damage)
    damage(path)

    def read() -> Iterator[object]:
        table = opened(path)
        yield table.find("pool/a")
        yield from table.entries()

    with pytest.raises(DamagedTableError):
        list(read())


def test_what_cannot_even_be_opened_is_damage_too(path: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, limits[1]))  # no further file may be opened
    try:
        with pytest.raises(DamagedTableError, match="unable to open"):
            Table.open(path)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


def test_a_table_can_be_read_after_its_file_is_gone(path: Path) -> None:
    table = opened(path)
    path.unlink()
    assert table.find("pool/a") is not None
    table.close()


def test_a_folder_that_is_not_there_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="unable to open"):
        write(tmp_path / "absent/table", "packages", [])


def test_files_are_found_by_any_of_their_hashes(tmp_path: Path) -> None:
    weak = PoolEntry("pool/weak", 3, {"md5": "c" * 32}, "weak", "1", "all", "weak", "1")
    write(tmp_path / "table", "packages", [entry("a"), weak])
    table = opened(tmp_path / "table")

    def found(*digests: str) -> list[str]:
        return [path for path, _ in table.holding([Digest.parse(each) for each in digests])]

    assert found("sha256:" + "a" * 64) == ["pool/a"]
    assert found("md5:" + "c" * 32, "sha256:" + "a" * 64) == ["pool/a", "pool/weak"]
    assert found("sha512:" + "a" * 128, "md5:" + "b" * 32) == []


def test_what_sqlite_finds_wrong_with_a_whole_table_is_told(tmp_path: Path) -> None:
    path = tmp_path / "table"
    write(path, "packages", [entry(str(number)) for number in range(5000)])
    assert objection(path) == ""

    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 4096] = bytes(4096)
    path.write_bytes(data)

    assert objection(path) != ""
    path.write_bytes(b"no table")
    assert objection(path) != ""
    path.unlink()
    with pytest.raises(FileNotFoundError):
        objection(path)


def test_a_table_says_its_entries_in_any_order_the_first_of_each_path(path: Path) -> None:
    another = PoolEntry("pool/a", 4, {"md5": "c" * 32}, "x", "2", "all", "x", "2")

    assert opened(path).says([entry("a"), entry("b")])
    assert opened(path).says([entry("a"), another, entry("b"), entry("b")])
    assert not opened(path).says([entry("a")])
    assert not opened(path).says([another, entry("b")])
    assert not opened(path).says([entry("a"), entry("b"), entry("c")])
