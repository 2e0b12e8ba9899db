# SPDX-License-Identifier: MIT
"""`aptfreeze sbom`: a bill of materials that other tools read."""

from collections.abc import Callable
from pathlib import Path

from aptfreeze.describe import rootfs
from aptfreeze.describe.bill import Bill, Url, bill
from aptfreeze.describe.description import describe
from aptfreeze.environment.opened import Opened
from aptfreeze.environment.secure import schemes
from aptfreeze.errors import UsageError
from aptfreeze.fetch.opened import open_archive

FORMATS = ("cyclonedx", "spdx")


def sbom(opened: Opened, image: Path | None, form: str, name: str | None) -> str:
    """The text in one of `FORMATS`. Blocks; UsageError where the libraries are not installed.

    `name` is the product's; by default that of the image's file, without one that of the environment's folder.
    """
    url, write = _libraries(form)
    read = rootfs.read(image) if image else None
    with open_archive(opened.settings, schemes(opened.store)) as archive:
        found = describe(opened, archive, read)
        lookup = archive.lookup(offline=opened.settings.offline.value)
        return write(bill(found, lookup, name or _name(opened, image), url))


def _libraries(form: str) -> tuple[Url, Callable[[Bill], str]]:
    try:
        from aptfreeze.describe.purl import purl  # an extra

        if form == "spdx":
            from aptfreeze.describe import spdx

            return purl, spdx.text
        from aptfreeze.describe import cyclonedx

        return purl, cyclonedx.text
    except ImportError as error:
        raise UsageError(
            f"a bill of materials needs a library that is not installed ({error.name})",
            hint="pip install 'aptfreeze[sbom]'",
        ) from error


def _name(opened: Opened, image: Path | None) -> str:
    if image is None:
        return opened.environment.root.name
    return image.resolve().name.partition(".tar")[0] or "image"
