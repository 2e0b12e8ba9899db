# SPDX-License-Identifier: MIT
"""The list of an export's files: written, read, and what of a hostile one is refused."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from aptfreeze.describe.manifest import Listed, Manifest, is_safe
from aptfreeze.errors import UsageError
from aptfreeze.freeze.digest import Algorithm, Digest

LOCK = Listed("aptfreeze.lock", 1, Digest.of(b"1"))
DEB = Listed("repositories/mirror.example.org/debian/pool/h/hello.deb", 2, Digest.of(b"22"))
ODD = Listed("repositories/odd", 3, Digest.of(b"333"), (Digest(Algorithm.SHA1, "0" * 40),))


LONG = ("x" * 256, "a/" * 2500 + "a")


def manifest(*files: Listed) -> Manifest:
    by_path = {each.path: each for each in files}
    return Manifest("4f" * 16, Digest.of(b"state"), "used", True, ("amd64",), ("fetch.proxy",), by_path)


def changed(**fields: Any) -> bytes:
    return json.dumps(json.loads(manifest(LOCK).dump()) | fields).encode()


@pytest.mark.parametrize("files", [(), (LOCK,), (LOCK, DEB, ODD)])
def test_what_is_written_is_read_again(files: tuple[Listed, ...]) -> None:
    written = manifest(*files)

    assert Manifest.parse(written.dump()) == written
    assert Manifest.parse(written.dump()).dump() == written.dump()
    assert written.size == sum(each.size for each in files)


def test_files_of_repositories_belong_into_an_archive() -> None:
    assert [each.is_object for each in (LOCK, DEB)] == [False, True]


def test_sha256sum_finds_damage(tmp_path: Path) -> None:
    written = manifest(LOCK)
    (tmp_path / "aptfreeze.lock").write_bytes(b"1")
    (tmp_path / "export.json").write_bytes(written.dump())
    (tmp_path / "SHA256SUMS").write_bytes(written.sums())
    check = ["sha256sum", "--check", "--strict", "SHA256SUMS"]

    assert subprocess.run(check, cwd=tmp_path).returncode == 0
    (tmp_path / "aptfreeze.lock").write_bytes(b"2")
    assert subprocess.run(check, cwd=tmp_path).returncode == 1


@pytest.mark.parametrize("path", ["a", "a/b", "..a/b..", "extra/caf\u00e9", "x" * 255])
def test_safe(path: str) -> None:
    assert is_safe(path)


@pytest.mark.parametrize(
    "path",
    ["", "/etc/passwd", "..", "a/../../b", "./a", "a//b", "a/", "a\0", "a\nb", "a\\b", "x" * 256, "a/" * 2500 + "a"],
)
def test_not_safe(path: str) -> None:
    assert not is_safe(path)
    with pytest.raises(UsageError, match="a path that no export has"):
        Manifest.parse(changed(files=[{"path": path, "size": 1, "sha256": "0" * 64}]))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{}",
        b"\xff",
        b"[" * 100_000,
        changed(format="other"),
        changed(state="sha256:0"),
        changed(files=[{"path": "a", "size": -1, "sha256": "0" * 64}]),
        changed(files=[{"path": "a", "size": "1", "sha256": "0" * 64}]),
        changed(files=[{"path": "a", "size": 1, "sha256": "0"}]),
        changed(files=[{"path": "a", "size": 1, "sha256": "0" * 64}] * 2),
        changed(files=[{"path": "export.json", "size": 1, "sha256": "0" * 64}]),
        changed(files=[1]),
        changed(files=None),
    ],
)
def test_what_is_none_is_refused(data: bytes) -> None:
    with pytest.raises(UsageError, match=r"export.json is none that aptfreeze export writes"):
        Manifest.parse(data)


def test_a_later_version_is_told_as_such() -> None:
    with pytest.raises(UsageError, match="format version 2, and this aptfreeze knows 1"):
        Manifest.parse(changed(version=2))
