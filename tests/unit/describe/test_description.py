# SPDX-License-Identifier: MIT
"""What is deployed and what was used beyond it."""

from pathlib import Path

import pytest

from aptfreeze.describe import rootfs
from aptfreeze.describe.description import Description, describe
from aptfreeze.environment.opened import Opened
from aptfreeze.errors import IntegrityError
from aptfreeze.fetch.opened import open_archive
from support.describing import image_of, status
from support.keeping import used
from support.repository import Repository


def described(opened: Opened, image: Path | None) -> Description:
    with open_archive(opened.settings) as archive:
        return describe(opened, archive, rootfs.read(image) if image else None)


def names(description: Description) -> list[tuple[str, str, str, str]]:
    return [(each.role, each.name, each.source, each.source_version) for each in description.packages()]


def test_deployed_and_used_are_told_apart(opened: Opened, repository: Repository, tmp_path: Path) -> None:
    used(opened, repository, "hello", "libhello", "compiler")

    found = described(opened, image_of(tmp_path, status("libhello", "1.0-1+b1"), status("hello")))

    assert names(found) == [
        ("deployed", "hello", "hello", "1.0"),
        ("deployed", "libhello", "hello", "1.0-1"),
        ("used", "compiler", "compiler", "12"),
    ]
    assert all(each.digest for each in found.packages())


def test_an_image_is_described_without_any_record(opened: Opened, tmp_path: Path) -> None:
    found = described(opened, image_of(tmp_path, status("data", architecture="all")))

    assert names(found) == [("deployed", "data", "data", "1.0")]


def test_without_an_image_all_that_was_served_is_used(opened: Opened, repository: Repository) -> None:
    used(opened, repository, "hello", "data")

    assert names(described(opened, None)) == [("used", "data", "data", "1.0"), ("used", "hello", "hello", "1.0")]


def test_with_neither_there_is_no_list(opened: Opened) -> None:
    with pytest.raises(IntegrityError, match=r"no run of generation .* is recorded") as caught:
        described(opened, None)
    assert "--rootfs" in (caught.value.hint or "")


def test_what_no_suite_lists_has_no_file_and_its_own_word_for_its_source(opened: Opened, tmp_path: Path) -> None:
    found = described(opened, image_of(tmp_path, status("ours", Source="our-source (7)"), status("theirs")))

    assert names(found) == [("deployed", "ours", "our-source", "7"), ("deployed", "theirs", "theirs", "1.0")]
    assert [each.digest for each in found.packages()] == [None, None]
    reasons = [exemption.reason if (exemption := found.exemption(each)) else None for each in found.deployment.unknown]
    assert reasons == ['built here, "twice"', None]
