# SPDX-License-Identifier: MIT
"""The main job for sources that insist on https: the machine's own mirror, a real mmdebstrap, twice."""

import hashlib
import shutil
import tarfile
from pathlib import Path

import pytest

from support.aptfreeze import Aptfreeze
from support.mirror import Mirror

pytestmark = [
    pytest.mark.online,
    pytest.mark.timeout(600),
    pytest.mark.skipif(shutil.which("mmdebstrap") is None, reason="mmdebstrap is not installed"),
]


def sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def test_an_image_from_https_sources_is_built_again_offline_byte_for_byte(mirror: Mirror, tmp_path: Path) -> None:
    aptfreeze = Aptfreeze(tmp_path / "product")
    source = f"deb {mirror.url.replace('http:', 'https:')} {mirror.suite} main"

    def build(name: str, *flags: str) -> Path:
        image, log = tmp_path / name, tmp_path / f"{name}.log"
        command = ["mmdebstrap", "--variant=essential", "--include=hello", mirror.suite, str(image), source]
        aptfreeze.run(command, "--access-log", str(log), *flags).ok()
        targets = {line.split()[2].partition(":")[0] for line in log.read_text().splitlines() if " GET " in line}
        assert targets == {"https"}
        return image

    first = build("first.tar")
    assert sha256(build("second.tar", "--locked", "--offline")) == sha256(first)
    with tarfile.open(first) as tar:
        assert not [name for name in tar.getnames() if "aptfreeze" in name]
        configuration = [tar.extractfile(each) for each in tar if each.isfile() and "/etc/apt/" in each.name]
        assert not any(b"CAInfo" in file.read() for file in configuration if file is not None)
