# SPDX-License-Identifier: MIT
"""Packages with files of one's own in them, built by dpkg-deb as a distribution builds them."""

import gzip
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.packages import stanza

needs_dpkg_deb = pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="dpkg-deb is not installed")


@dataclass(frozen=True, slots=True)
class To:
    """A symbolic link."""

    target: str


def build(folder: Path, files: Mapping[str, bytes | To], *, name: str = "hello", compression: str = "xz") -> Path:
    """The .deb with these files, by path; `compression` as for `dpkg-deb -Z`."""
    tree = folder / name
    for path, content in files.items():
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, To):
            (tree / path).symlink_to(content.target)
        else:
            (tree / path).write_bytes(content)
    control = {"Package": name, "Version": "1.0-1", "Architecture": "amd64", "Maintainer": "T <t@example.org>"}
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "DEBIAN/control").write_bytes(stanza({**control, "Description": "test package"}))
    line = ["dpkg-deb", f"-Z{compression}", "--root-owner-group", "--build", str(tree), str(folder / f"{name}.deb")]
    subprocess.run(line, check=True, capture_output=True, timeout=60)
    return folder / f"{name}.deb"


def changelog(*versions: str, source: str = "hello") -> bytes:
    """A debian/changelog with an entry for each version, newest first."""
    entry = (
        "{source} ({version}) unstable; urgency=medium\n\n  * Change of {version}.\n\n -- T <t@example.org>  {date}\n"
    )
    date = "Tue, 24 Nov 2026 10:00:00 +0000"
    return "\n".join(entry.format(source=source, version=version, date=date) for version in versions).encode()


def zipped(*versions: str, source: str = "hello") -> bytes:
    """The same as it lies in a package."""
    return gzip.compress(changelog(*versions, source=source), mtime=0)
