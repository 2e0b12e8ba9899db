# SPDX-License-Identifier: MIT
"""What lies in an archive, looked at from outside: by file names and `sha256sum`, without the product's help."""

import hashlib
from pathlib import Path


def objects_of(archive: Path) -> dict[str, Path]:
    """Every object by its name, a sha256 in hex."""
    return {path.name: path for path in (archive / "objects").rglob("*") if path.is_file()}


def every_object_verifies(archive: Path) -> int:
    """How many objects there are; AssertionError if one is not what its name says."""
    objects = objects_of(archive)
    wrong = [name for name, path in objects.items() if hashlib.sha256(path.read_bytes()).hexdigest() != name]
    assert not wrong
    return len(objects)


def rot(archive: Path, sha256: str, offset: int) -> None:
    """Turns round one bit of an object, as a disk does it; negative offsets count from the end."""
    path = objects_of(archive)[sha256]
    data = bytearray(path.read_bytes())
    data[offset] ^= 1
    path.chmod(0o644)
    path.write_bytes(data)


def quarantined(archive: Path) -> set[str]:
    """The names that objects in quarantine had."""
    return {path.name.partition(".")[0] for path in (archive / "quarantine").iterdir()}
