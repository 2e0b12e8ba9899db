# SPDX-License-Identifier: MIT
"""A description in each of its forms."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from aptfreeze.deb.deb822 import paragraphs
from aptfreeze.describe import listing, rootfs
from aptfreeze.describe.description import Description, describe
from aptfreeze.environment.opened import Opened
from aptfreeze.fetch.opened import open_archive
from aptfreeze.freeze.lockfile import state_digest
from support.describing import image_of, status
from support.keeping import key_of, used
from support.repository import Repository


@pytest.fixture
def description(opened: Opened, repository: Repository, tmp_path: Path) -> Iterator[Description]:
    used(opened, repository, "hello", "compiler")
    image = image_of(tmp_path, status("ours", "1~\x1b"), status("dpkg", "1.21"), status("libhello", "1.0-1+b1"))
    with open_archive(opened.settings) as archive:
        yield describe(opened, archive, rootfs.read(image))


def test_a_line_holds_the_columns_and_a_hyphen_for_what_is_not_known(
    description: Description, repository: Repository
) -> None:
    key, libhello, compiler = key_of(repository), repository.binary("libhello"), repository.binary("compiler")

    lines = list(listing.text(description))

    place = f"{key.repository} {key.suite}"
    assert lines[0] == "dpkg 1.21 amd64 - - - - deployed"
    assert lines[1] == f"libhello 1.0-1+b1 amd64 {libhello.sha256} {len(libhello.build())} {place} deployed"
    assert lines[2] == "ours 1~%1B amd64 - - - - deployed"
    assert lines[3] == f"compiler 12 amd64 {compiler.sha256} {len(compiler.build())} {place} used"
    assert len(lines) == 5


def test_csv_has_a_line_of_names_and_quotes_what_needs_it(description: Description) -> None:
    table = list(csv.DictReader(io.StringIO("\n".join(listing.comma_separated(description)))))

    assert tuple(table[0]) == listing.COLUMNS
    assert table[2] | {"exception": 'built here, "twice"', "name": "ours", "sha256": ""} == table[2]
    assert (table[1]["source"], table[1]["source_version"]) == ("hello", "1.0-1")


def test_json_has_state_and_rows(description: Description) -> None:
    data = listing.data(description)

    assert json.loads(json.dumps(data)) == data
    assert data["state"] == str(state_digest(description.generation))
    assert [row["name"] for row in data["packages"]] == ["dpkg", "libhello", "ours", "compiler", "hello"]


def test_a_manifest_of_isar_has_what_is_deployed(description: Description) -> None:
    assert list(listing.isar(description)) == [
        "dpkg|1.21|dpkg:amd64|1.21",
        "hello|1.0-1|libhello:amd64|1.0-1+b1",
        "ours|1~\x1b|ours:amd64|1~\x1b",
    ]


def test_a_buildinfo_has_what_is_deployed_as_exact_dependencies(description: Description) -> None:
    text = "\n".join(listing.buildinfo(description))

    (found,) = paragraphs(text.encode().split(b"\n"))
    assert found.get("Format") == "1.0"
    assert found.get("Build-Architecture") == "amd64"
    assert found.get("Installed-Build-Depends").startswith("dpkg (= 1.21),\n libhello (= 1.0-1+b1),\n")
    assert "compiler" not in text
    assert found.get("X-Aptfreeze-State") == str(description.state)


def test_a_foreign_package_is_named_with_its_architecture(opened: Opened, tmp_path: Path) -> None:
    image = image_of(
        tmp_path, status("dpkg", architecture="arm64"), status("libx", "2", "armhf"), status("d", "1", "all")
    )
    with open_archive(opened.settings) as archive:
        lines = list(listing.buildinfo(describe(opened, archive, rootfs.read(image))))

    assert "Build-Architecture: arm64" in lines
    assert lines[3:6] == [" d (= 1),", " dpkg (= 1.0),", " libx:armhf (= 2)"]


def test_without_an_image_what_was_served_is_listed(opened: Opened, repository: Repository) -> None:
    used(opened, repository, "hello", "libhello")
    with open_archive(opened.settings) as archive:
        description = describe(opened, archive, None)

    assert list(listing.isar(description)) == ["hello|1.0|hello:amd64|1.0", "hello|1.0-1|libhello:amd64|1.0-1+b1"]
    assert [line.split()[-1] for line in listing.text(description)] == ["used", "used"]
