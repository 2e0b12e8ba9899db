# SPDX-License-Identifier: MIT
"""`aptfreeze packages`: what an image consists of, and what its build used beyond that."""

from pathlib import Path

from aptfreeze.describe import rootfs
from aptfreeze.describe.description import Description, describe
from aptfreeze.environment.opened import Opened
from aptfreeze.environment.secure import schemes
from aptfreeze.fetch.opened import open_archive


def packages(opened: Opened, image: Path | None) -> Description:
    """Blocks; an image is read as a whole. IntegrityError if there is neither an image nor a record of a run."""
    read = rootfs.read(image) if image else None
    with open_archive(opened.settings, schemes(opened.store)) as archive:
        return describe(opened, archive, read)
