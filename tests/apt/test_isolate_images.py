# SPDX-License-Identifier: MIT
"""Images that are built isolated: the same as those that are built outside."""

import hashlib
import shutil
from collections.abc import Sequence

import pytest

from support.defaults import NO_SERVICE
from support.isolated import Builds, needed, root
from support.mirror import Mirror
from support.origin import Origin
from support.repository import Repository

pytestmark = needed


def tarball(who: Builds, name: str, sources: Sequence[str], *flags: str, mode: str, options: Sequence[str]) -> str:
    """The hash of what mmdebstrap builds."""
    file = who.product.environment / name
    command = ["mmdebstrap", *([f"--mode={mode}"] if mode else []), *options, "bookworm", str(file), *sources]
    who.run(command, *flags).ok()
    return hashlib.sha256(file.read_bytes()).hexdigest()


@pytest.mark.skipif(shutil.which("mmdebstrap") is None, reason="mmdebstrap is not installed")
@pytest.mark.parametrize(
    ("who", "outside", "inside"),
    [
        ("root", "root", "root"),
        ("root", "unshare", "unshare"),
        ("user", "unshare", ""),
        ("root-for-user", "unshare", ""),
    ],
    indirect=["who"],
)
def test_the_tarball_is_the_one_that_is_built_outside(
    who: Builds, repository: Repository, origin: Origin, outside: str, inside: str
) -> None:
    options = ["--variant=extract", "--include=hello", "--skip=check/empty"]
    sources = [f"deb [trusted=yes] {repository.url} bookworm main"]

    plain = tarball(who, "plain.tar", sources, mode=outside, options=options)
    origin.stop()
    again = tarball(who, "again.tar", sources, *who.isolate, "--locked", "--offline", mode=inside, options=options)

    assert again == plain


@pytest.mark.online
@pytest.mark.skipif(shutil.which("debootstrap") is None, reason="debootstrap is not installed")
@root
def test_debootstrap(who: Builds, mirror: Mirror) -> None:
    who.product.configuration.write_text(NO_SERVICE)
    folder = who.product.environment / "root"

    who.run(
        ["debootstrap", "--download-only", "--variant=minbase", mirror.suite, str(folder), mirror.url], *who.isolate
    ).ok()

    assert list((folder / "var/cache/apt/archives").glob("dpkg_*.deb"))


@pytest.mark.online
@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.skipif(shutil.which("mmdebstrap") is None, reason="mmdebstrap is not installed")
@pytest.mark.parametrize(("who", "mode"), [("root", "root"), ("user", "unshare")], indirect=["who"])
def test_a_real_image_is_the_one_that_is_built_outside(who: Builds, mirror: Mirror, mode: str) -> None:
    who.product.configuration.write_text(NO_SERVICE)
    options = ["--variant=minbase"]

    plain = tarball(who, "plain.tar", [mirror.url], mode=mode, options=options)
    again = tarball(who, "again.tar", [mirror.url], *who.isolate, "--locked", "--offline", mode=mode, options=options)

    assert again == plain
