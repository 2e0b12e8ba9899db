# SPDX-License-Identifier: MIT
"""An image and a generation that can be compared, and such that cannot."""

from pathlib import Path

import pytest

from aptfreeze.errors import IntegrityError
from aptfreeze.verbs.verify import verify
from support.describing import described_environment, image_of, shipped_repository, status
from support.keeping import pinned_environment
from support.repository import MakeRepository


def test_an_image_is_compared_with_the_current_generation(make_repository: MakeRepository, tmp_path: Path) -> None:
    opened = described_environment(tmp_path, shipped_repository(make_repository))

    found = verify(opened, image_of(tmp_path, status("hello"), status("other")))

    assert [str(each.package) for each in found.strangers] == ["other 1.0 amd64"]


def test_where_nothing_is_pinned_nothing_can_be_of_it(tmp_path: Path) -> None:
    opened = pinned_environment(tmp_path)
    with pytest.raises(IntegrityError, match="nothing is pinned"):
        verify(opened, image_of(tmp_path, status("hello")))


def test_an_image_without_packages_proves_nothing(make_repository: MakeRepository, tmp_path: Path) -> None:
    opened = described_environment(tmp_path, shipped_repository(make_repository))
    with pytest.raises(IntegrityError, match="lists no installed package at all"):
        verify(opened, image_of(tmp_path, "Package: x\nStatus: deinstall ok config-files\n"))
