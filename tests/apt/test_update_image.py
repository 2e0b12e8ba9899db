# SPDX-License-Identifier: MIT
"""An image is the same again after an update and the way back; by the real mmdebstrap."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.aptfreeze import Aptfreeze
from support.repository import Repository
from support.signing import SigningKey

pytestmark = [
    pytest.mark.skipif(shutil.which("mmdebstrap") is None, reason="mmdebstrap is not installed"),
    pytest.mark.skipif(os.geteuid() != 0, reason="mode root of mmdebstrap needs root"),
]


@pytest.fixture
def product(signing_key: SigningKey) -> Iterator[Aptfreeze]:
    """In a folder that is open for apt's own user, as pytest's folders are not."""
    root = Path(tempfile.mkdtemp(prefix="images-"))
    root.chmod(0o755)
    product = Aptfreeze(root / "product")
    product.trust(signing_key)
    yield product
    shutil.rmtree(root)


def image(product: Aptfreeze, repository: Repository, name: str) -> str:
    """The sha256 of what mmdebstrap makes of `hello` now."""
    target = product.root / name
    source = f"deb [trusted=yes] {repository.url} bookworm main"  # apt's own user cannot read the tests' keyring
    options = ["--mode=root", "--variant=extract", "--include=hello", "--skip=check/empty"]
    product.run(["mmdebstrap", *options, "bookworm", str(target), source]).ok()
    return hashlib.sha256(target.read_bytes()).hexdigest()


def test_after_an_update_and_a_rollback_the_image_is_identical(product: Aptfreeze, repository: Repository) -> None:
    archive = ("--archive", str(product.archive))
    first = image(product, repository, "first.tar")
    repository.add("hello", "2.0")
    repository.publish()

    product.command("update", *archive).ok()
    second = image(product, repository, "second.tar")
    product.command("rollback", *archive).ok()
    again = image(product, repository, "again.tar")
    product.command("update", *archive).ok()

    assert first != second
    assert first == again
