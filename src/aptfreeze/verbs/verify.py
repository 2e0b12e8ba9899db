# SPDX-License-Identifier: MIT
"""`aptfreeze verify`: did every installed package come from this generation?"""

from pathlib import Path

from aptfreeze.describe import rootfs
from aptfreeze.describe.description import describe
from aptfreeze.describe.verification import Verification
from aptfreeze.environment.opened import Opened
from aptfreeze.environment.secure import schemes
from aptfreeze.errors import IntegrityError
from aptfreeze.fetch.opened import open_archive


def verify(opened: Opened, image: Path) -> Verification:
    """Blocks, and may fetch indexes. IntegrityError if nothing is pinned, or the image tells no packages."""
    generation = opened.store.load()
    if not generation.pins:
        raise IntegrityError(
            f"nothing is pinned in generation {generation.id}, so no package can be of it",
            hint="name the environment that the image was built with: --env DIR",
        )
    read = rootfs.read(image)
    if not read.packages:
        raise IntegrityError(
            f"{image} lists no installed package at all",
            hint="name the root file system of an image, or its var/lib/dpkg/status",
        )
    with open_archive(opened.settings, schemes(opened.store)) as archive:
        return Verification(describe(opened, archive, read))
