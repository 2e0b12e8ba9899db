# SPDX-License-Identifier: MIT
"""What a description is about: a repository of which all is archived, and an environment that has pinned it."""

from pathlib import Path

import pytest

from aptfreeze.environment.opened import Opened
from support.describing import OURS, described_environment, shipped_repository
from support.repository import MakeRepository, Repository


@pytest.fixture
def repository(make_repository: MakeRepository) -> Repository:
    return shipped_repository(make_repository)


@pytest.fixture
def opened(repository: Repository, tmp_path: Path) -> Opened:
    return described_environment(tmp_path, repository, configuration=OURS)
