# SPDX-License-Identifier: MIT
"""A root file system that tells its packages as dpkg does, made without installing anything.

image = rootfs(folder / "image", installed(repository.binary("hello")), ...)
"""

import subprocess
from pathlib import Path

from support.packages import Binary, stanza


def installed(binary: Binary) -> bytes:
    """The paragraph of dpkg's status."""
    control = binary.control
    return stanza({"Package": control.pop("Package"), "Status": "install ok installed", **control})


def rootfs(folder: Path, *packages: bytes) -> Path:
    """A folder with var/lib/dpkg/status."""
    status = folder / "var/lib/dpkg/status"
    status.parent.mkdir(parents=True)
    status.write_bytes(b"\n".join(packages))
    return folder


def packed(folder: Path) -> Path:
    """The same as a tar archive beside it."""
    tar = folder.with_suffix(".tar")
    subprocess.run(["tar", "-C", str(folder), "-cf", str(tar), "."], check=True, timeout=60)
    return tar
