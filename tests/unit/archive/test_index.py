# SPDX-License-Identifier: MIT
"""Look-up tables: what is found, what is not, and what damage does."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from aptfreeze.archive.index import Indexes
from aptfreeze.archive.objects import Objects
from aptfreeze.deb.index import PoolEntry
from aptfreeze.errors import IntegrityError
from aptfreeze.freeze.digest import Algorithm, Digest

NAME = Digest.of(b"an index")


def entry(path: str, *, fill: str = "a", **hashes: str) -> PoolEntry:
    return PoolEntry(path, 7, hashes or {"sha256": fill * 64, "md5": fill * 32}, "hello", "1.0", "amd64", "hi", "0.9")


@pytest.fixture
def indexes(tmp_path: Path) -> Iterator[Indexes]:
    indexes = Indexes(Objects(tmp_path))
    yield indexes
    indexes.close()


def table(folder: Path) -> Path:
    return folder / "index" / f"sha256-{NAME.hex}.sqlite"


def test_what_was_put_in_is_found(indexes: Indexes) -> None:
    assert not indexes.has(NAME)
    indexes.build(NAME, "packages", [entry("pool/a.deb"), entry("pool/ü b.deb", sha256="b" * 64, sha512="c" * 128)])
    found = indexes.find(NAME, "pool/ü b.deb")
    assert found is not None
    assert found.wanted.digest == Digest(Algorithm.SHA256, "b" * 64)
    assert found.wanted.also == (Digest(Algorithm.SHA512, "c" * 128),)
    assert found.wanted.size == 7
    assert (found.package, found.version, found.architecture) == ("hello", "1.0", "amd64")
    assert (found.source, found.source_version) == ("hi", "0.9")
    assert indexes.find(NAME, "pool/c.deb") is None
    assert [path for path, _ in indexes.entries(NAME)] == ["pool/a.deb", "pool/ü b.deb"]
    assert {(row.package, row.source_version) for row in indexes.versions(NAME)} == {("hello", "0.9")}
    assert sorted(path for path, _ in indexes.named(NAME, ["hello", "hi"])) == ["pool/a.deb", "pool/ü b.deb"]


def test_the_first_of_two_entries_of_one_path_counts(indexes: Indexes) -> None:
    indexes.build(NAME, "packages", [entry("pool/a.deb", fill="a"), entry("pool/a.deb", fill="b")])
    found = indexes.find(NAME, "pool/a.deb")
    assert found is not None
    assert found.wanted.digest.hex == "a" * 64


def test_paths_that_two_indexes_list_as_different_files_are_counted(indexes: Indexes, tmp_path: Path) -> None:
    other = Digest.of(b"another index")
    indexes.build(NAME, "packages", [entry(f"pool/{name}", fill="a") for name in "abcd"])
    assert indexes.clashes(NAME, other) == (0, "")
    indexes.build(
        other,
        "packages",
        [
            entry("pool/a", fill="a"),
            entry("pool/b", sha512="b" * 128),  # no hash in common: nothing is known
            entry("pool/c", fill="b"),
            entry("pool/d", sha256="a" * 64, md5="d" * 32),  # beside a strong hash a weak one is nothing
            entry("pool/e", fill="b"),
        ],
    )
    assert indexes.clashes(NAME, other) == indexes.clashes(other, NAME) == (1, "pool/c")
    assert indexes.clashes(NAME, NAME) == (0, "")


def test_a_damaged_table_clashes_with_nothing(indexes: Indexes, tmp_path: Path) -> None:
    other = Digest.of(b"another index")
    for name, fill in ((NAME, "a"), (other, "b")):
        indexes.build(name, "packages", [entry(f"pool/{number}", fill=fill) for number in range(100)])
    assert indexes.clashes(NAME, other) == (100, "pool/0")
    path = table(tmp_path)
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:5000])
    assert indexes.clashes(NAME, other) == (0, "")


def test_an_absent_table_is_no_answer(indexes: Indexes) -> None:
    with pytest.raises(IntegrityError, match="no look-up table"):
        indexes.find(NAME, "pool/a.deb")


def test_another_process_reads_the_table(indexes: Indexes, tmp_path: Path) -> None:
    indexes.build(NAME, "packages", [entry("pool/a.deb")])
    other = Indexes(Objects(tmp_path, read_only=True))
    assert other.find(NAME, "pool/a.deb")
    other.close()


@pytest.mark.parametrize("damage", [b"", b"no database at all" * 100])
def test_a_damaged_table_is_deleted_and_counts_as_absent(indexes: Indexes, tmp_path: Path, damage: bytes) -> None:
    indexes.build(NAME, "packages", [entry("pool/a.deb")])
    table(tmp_path).chmod(0o600)
    table(tmp_path).write_bytes(damage)
    assert not indexes.has(NAME)
    assert not table(tmp_path).exists()
    indexes.build(NAME, "packages", [entry("pool/a.deb")])
    assert indexes.find(NAME, "pool/a.deb")


def test_damage_deep_in_a_table_never_becomes_a_no(indexes: Indexes, tmp_path: Path) -> None:
    indexes.build(NAME, "packages", [entry(f"pool/{n}.deb") for n in range(3000)])
    table(tmp_path).chmod(0o600)
    pages = table(tmp_path).read_bytes()
    table(tmp_path).write_bytes(pages[:8192] + b"\xff" * (len(pages) - 8192 - 4096) + pages[-4096:])
    with pytest.raises(IntegrityError, match="damaged"):
        assert all(indexes.find(NAME, f"pool/{n}.deb") for n in range(3000))
    assert not indexes.has(NAME)


def test_a_failed_build_leaves_nothing(indexes: Indexes, tmp_path: Path) -> None:
    def entries() -> Iterator[PoolEntry]:
        yield entry("pool/a.deb")
        raise ValueError("a bad stanza")

    with pytest.raises(ValueError, match="a bad stanza"):
        indexes.build(NAME, "packages", entries())
    assert not indexes.has(NAME)
    assert list((tmp_path / "tmp").iterdir()) == []


def test_tables_beyond_the_limit_are_opened_again(indexes: Indexes) -> None:
    names = [Digest.of(str(n).encode()) for n in range(140)]
    for name in names:
        indexes.build(name, "packages", [entry("pool/a.deb")])
    assert all(indexes.find(name, "pool/a.deb") for name in names + names[:5])
