# SPDX-License-Identifier: MIT
"""A real image is built once, exported, and built again from that alone: by plain mmdebstrap, and after an import.

The builds are made once and looked at by the tests.
"""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.aptfreeze import Aptfreeze
from support.isolation import needs_namespaces
from support.mirror import Mirror
from support.process import Result, run

pytestmark = [
    pytest.mark.online,
    pytest.mark.timeout(600),
    pytest.mark.skipif(shutil.which("mmdebstrap") is None, reason="mmdebstrap is not installed"),
    needs_namespaces(),
]

_LIMIT_S = 280


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Open for apt's user, as pytest's own folders are not."""
    root = Path(tempfile.mkdtemp(prefix="export-"))
    root.chmod(0o755)
    yield root
    shutil.rmtree(root)


@dataclass(frozen=True)
class Site:
    """One product, and how its image is built there."""

    product: Aptfreeze
    mirror: Mirror

    @property
    def image(self) -> Path:
        return self.product.root / "image.tar"

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.image.read_bytes()).hexdigest()

    @property
    def source(self) -> str:
        return f"deb {self.mirror.url} {self.mirror.suite} main"

    def build(self, *flags: str) -> Result:
        command = ["mmdebstrap", "--variant=essential", self.mirror.suite, str(self.image), self.source]
        line = self.product.line("run", "--archive", str(self.product.archive), *flags, "--", *command)
        return self.do(line)

    def verb(self, *words: str) -> Result:
        return self.do(self.product.line(*words, "--archive", str(self.product.archive)))

    def do(self, line: list[str]) -> Result:
        return run(line, env=self.product.environ, cwd=self.product.environment, timeout_s=_LIMIT_S)


@pytest.fixture(scope="module")
def here(folder: Path, mirror: Mirror) -> Site:
    site = Site(Aptfreeze(folder / "here"), mirror)
    site.build().ok()
    return site


@pytest.fixture(scope="module")
def exported(here: Site, folder: Path) -> Path:
    """As a tar archive, and unpacked."""
    here.verb("export", str(folder / "release.tar")).ok()
    (folder / "release").mkdir()
    run(["tar", "-xf", str(folder / "release.tar")], env=here.product.environ, cwd=folder / "release").ok()
    return folder / "release"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can build in a namespace that it has made")
def test_plain_mmdebstrap_makes_the_same_image_from_it_without_any_network(here: Site, exported: Path) -> None:
    """All of it but the file that says where the packages come from, which a hook makes the same."""
    epoch = str(int(here.product.lock["created"].timestamp()))
    sources = (
        f'cd "$1/etc/apt"; old=$(stat -c %Y .); rm sources.list.d/*; echo "{here.source}" > sources.list; '
        "touch -d @$old ."
    )
    build = f"""\
set -eu
sh {exported}/sources copy:{exported} | mmdebstrap --variant=essential --customize-hook='{sources}' \
    {here.mirror.suite} {exported}.image.tar -
"""
    env = {"PATH": here.product.environ["PATH"], "SOURCE_DATE_EPOCH": epoch, "LANG": "C.UTF-8", "HOME": "/"}
    line = ["unshare", "--net", "sh", "-c", build]

    run(line, env=env, cwd=exported, timeout_s=_LIMIT_S).ok()

    image = Path(f"{exported}.image.tar").read_bytes()
    assert hashlib.sha256(image).hexdigest() == here.sha256


def test_another_site_makes_the_same_image_after_an_import_without_any_network(
    here: Site, exported: Path, folder: Path
) -> None:
    there = Site(Aptfreeze(folder / "there"), here.mirror)

    told = there.verb("import", f"{exported}.tar").ok()
    there.build("--locked", "--offline").ok()

    assert there.sha256 == here.sha256
    assert f"{next(iter(here.product.pins))}: good, signed by " in told.stdout
