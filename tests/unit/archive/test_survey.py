# SPDX-License-Identifier: MIT
"""Walking through an archive's files in one order, from anywhere."""

import os
from pathlib import Path

import pytest

from aptfreeze.archive.survey import CHECKED, Amount, amount, digest_of, files
from aptfreeze.freeze.digest import Algorithm, Digest

FILES = [
    "aliases/sha512/ab/x",
    "index/a.sqlite",
    "objects/sha256/00/1",
    "objects/sha256/00/2",
    "objects/sha256/00-backup/1",  # before 00/ by bytes, behind it by folders
    "objects/sha256/ff/1",
    "objects/sha256/stray",
    "quarantine/x.0",
]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in [*FILES, "partial/x", "version"]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    return tmp_path


def test_every_checked_folder_in_order(root: Path) -> None:
    assert tuple(sorted(CHECKED)) == CHECKED
    assert list(files(root)) == FILES


@pytest.mark.parametrize("number", range(len(FILES)))
def test_going_on_behind_any_file(root: Path, number: int) -> None:
    assert list(files(root, after=FILES[number])) == FILES[number + 1 :]


def test_going_on_behind_a_file_that_is_gone(root: Path) -> None:
    assert list(files(root, after="objects/sha256/0f/1")) == FILES[5:]
    assert list(files(root, after="zzz")) == []


def test_a_link_to_a_folder_is_a_file(root: Path) -> None:
    (root / "objects/sha256/ee").symlink_to(root / "objects/sha256/ff")

    assert "objects/sha256/ee" in list(files(root))


def test_a_folder_that_goes_meanwhile_is_passed_over(root: Path) -> None:
    found = files(root, ("objects",))
    next(found)
    for path in (root / "objects/sha256/ff").iterdir():
        path.unlink()
    (root / "objects/sha256/ff").rmdir()

    assert list(found) == ["objects/sha256/00/2", "objects/sha256/00-backup/1", "objects/sha256/stray"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every folder")
def test_a_folder_that_cannot_be_read_is_told(root: Path) -> None:
    (root / "objects/sha256/ff").chmod(0)

    assert "objects/sha256/ff" in list(files(root))


def test_an_amount(root: Path) -> None:
    assert amount(root, "partial") == Amount(1, len("partial/x"))
    assert amount(root, "tmp") == Amount()
    assert Amount(1, 2) + Amount(3, 4) == Amount(4, 6)


def test_the_digest_that_a_name_is() -> None:
    assert digest_of("a" * 64) == Digest(Algorithm.SHA256, "a" * 64)
    assert digest_of("a" * 128, "sha512") == Digest(Algorithm.SHA512, "a" * 128)
    assert (digest_of("README"), digest_of("A" * 64), digest_of("a" * 64, "crc")) == (None, None, None)
