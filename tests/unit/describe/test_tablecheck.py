# SPDX-License-Identifier: MIT
"""Tables that say what their index says, and others; what becomes of the latter is asked in test_fsck.py."""

from pathlib import Path

import pytest

from aptfreeze.deb.index import PoolEntry
from aptfreeze.describe.tablecheck import false_tables
from aptfreeze.environment.tenants import tenant
from aptfreeze.fetch.opened import open_archive
from support.keeping import fill, key_of, pin_of, pinned_environment
from support.repository import MakeRepository

WRONG = PoolEntry("pool/x.deb", 1, {"sha256": "a" * 64}, "x", "1", "amd64", "x", "1")


@pytest.mark.parametrize("path", ["main/binary-amd64/Packages", "main/source/Sources"])
@pytest.mark.parametrize("flat", [False, True])
def test_what_a_table_says(make_repository: MakeRepository, tmp_path: Path, path: str, flat: bool) -> None:
    repository = make_repository(flat=flat)
    repository.add("hello", "1.0")
    repository.add_source("hello", "1.0")
    repository.publish()
    opened = pinned_environment(tmp_path, repository)
    fill(opened.settings.archive.path, repository)
    with open_archive(opened.settings) as archive:
        lookup, own = archive.lookup(offline=True), tenant(opened.environment)
        assert list(false_tables(lookup, [own])) == []
        forms = lookup.forms(key_of(repository), pin_of(repository), path.rpartition("/")[2] if flat else path)
        plain = next(form for form in forms if not form.suffix)
        assert archive.indexes.is_made(plain.wanted.digest)

        archive.indexes.build(plain.wanted.digest, "packages", [WRONG])

        assert list(false_tables(lookup, [own, own])) == [plain.wanted.digest]


def test_a_table_whose_index_is_not_at_hand_is_believed(make_repository: MakeRepository, tmp_path: Path) -> None:
    repository = make_repository()
    repository.add("hello", "1.0")
    repository.publish()
    opened = pinned_environment(tmp_path, repository)
    fill(opened.settings.archive.path, repository, "InRelease")
    with open_archive(opened.settings) as archive:
        lookup = archive.lookup(offline=True)
        [name] = {
            form.wanted.digest
            for form in lookup.forms(key_of(repository), pin_of(repository), "main/binary-amd64/Packages")
            if not form.suffix
        }
        archive.indexes.build(name, "packages", [WRONG])

        assert list(false_tables(lookup, [tenant(opened.environment)])) == []
