# SPDX-License-Identifier: MIT
"""Sources with https in builds that are isolated, or whose mmdebstrap unshares: apt in there trusts whom it has to."""

import shutil

import pytest

from support.certificates import Authority
from support.isolated import Builds, everybody, needed, user
from support.origin import Origin
from support.repository import Repository

pytestmark = needed

needs_mmdebstrap = pytest.mark.skipif(shutil.which("mmdebstrap") is None, reason="mmdebstrap is not installed")


@pytest.fixture
def builder(who: Builds, world: Authority) -> Builds:
    """Somebody whose aptfreeze trusts the mirror, as nobody else does."""
    trusted = shutil.copy(world.file, who.machine.folder / "mirror-ca.pem")
    who.product.configure(f'[tls]\nca = "{trusted}"')
    return who


@everybody
def test_apt_fetches_by_https(builder: Builds, secure_repository: Repository, secure: Origin) -> None:
    builder.use(secure_repository)
    build = ["sh", "-c", "apt-get update && apt-get install --download-only hello"]

    builder.run(build, *builder.isolate).ok()
    secure.stop()
    builder.apt.clear_archives()
    builder.apt.clear_lists()
    told = builder.summary_of(build, *builder.isolate, "--locked", "--offline")

    assert list(builder.apt.fetched()) == ["hello_1.0_amd64.deb"]
    assert (told["proved"], told["not_frozen"]) == (True, {})


def image(builder: Builds, repository: Repository, *flags: str, mode: str) -> bytes:
    """What mmdebstrap builds."""
    file = builder.product.environment / "image.tar"
    file.unlink(missing_ok=True)
    options = ["--variant=extract", "--include=hello", "--skip=check/empty", *([f"--mode={mode}"] if mode else [])]
    builder.run(
        ["mmdebstrap", *options, "bookworm", str(file), f"deb [trusted=yes] {repository.url} bookworm main"], *flags
    ).ok()
    return file.read_bytes()


@needs_mmdebstrap
@user
def test_mmdebstrap_that_unshares_itself(builder: Builds, secure_repository: Repository, secure: Origin) -> None:
    first = image(builder, secure_repository, mode="unshare")
    secure.stop()

    assert image(builder, secure_repository, "--locked", "--offline", mode="unshare") == first
    assert b"aptfreeze" not in first


@needs_mmdebstrap
@pytest.mark.parametrize(
    ("who", "mode"),
    [("root", "root"), ("root", "unshare"), ("user", ""), ("root-for-user", "unshare")],
    indirect=["who"],
)
def test_mmdebstrap_that_is_isolated(builder: Builds, secure_repository: Repository, secure: Origin, mode: str) -> None:
    first = image(builder, secure_repository, *builder.isolate, mode=mode)
    secure.stop()

    assert image(builder, secure_repository, *builder.isolate, "--locked", "--offline", mode=mode) == first
    assert b"aptfreeze" not in first
