# SPDX-License-Identifier: MIT
"""What the stories about real apt begin with: the product, serving one environment."""

from collections.abc import Iterator

import pytest

from support.apt import Apt, MakeApt, NewClient
from support.aptfreeze import Aptfreeze, Serving


@pytest.fixture
def frozen(aptfreeze: Aptfreeze) -> Iterator[Serving]:
    """`aptfreeze serve`, ready."""
    with aptfreeze.serve() as serving:
        yield serving


@pytest.fixture
def new_client(make_apt: MakeApt, frozen: Serving) -> NewClient:
    """Machines that have never seen a repository, and whose apt goes through the frozen proxy."""
    return lambda: make_apt(proxy=frozen.proxy)


@pytest.fixture
def client(new_client: NewClient) -> Apt:
    """The first of the new clients."""
    return new_client()
