# SPDX-License-Identifier: MIT
"""The wrapper around the real mmdebstrap."""

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from aptfreeze.environment.resigning import resigned as resigned_file
from aptfreeze.launch.prepare import prepare
from aptfreeze.trust.signing import SigningKey as EnvironmentKey
from support.mirror import Mirror
from support.origin import Origin
from support.process import Result, run
from support.repository import MakeRepository, Repository
from support.sessions import make_session
from support.signing import SigningKey

pytestmark = pytest.mark.skipif(shutil.which("mmdebstrap") is None, reason="mmdebstrap is not installed")

URL = "http://mirror.example.org/debian"


@pytest.fixture
def folder() -> Iterator[Path]:
    """Open for the users of a namespace, as pytest's own folders are not."""
    root = Path(tempfile.mkdtemp(prefix="build-"))
    root.chmod(0o755)
    yield root
    shutil.rmtree(root)


class Build:
    """Builds with and without what `run` gives to mmdebstrap."""

    def __init__(self, folder: Path, proxy: str, certificate: bytes = b"") -> None:
        self.folder = folder
        self.session = make_session(folder, proxy=proxy, certificate=certificate)
        self.own = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "LANG": "C.UTF-8",
            "SOURCE_DATE_EPOCH": "1790000000",
        }

    def sha256(self, name: str) -> str:
        return hashlib.sha256((self.folder / name).read_bytes()).hexdigest()

    def plain(self, *arguments: str) -> Result:
        own = self.own | {"http_proxy": self.session.proxy} if self.session.proxy else self.own
        return run(["mmdebstrap", *arguments], env=own, cwd=self.folder)

    def wrapped(self, *arguments: str) -> Result:
        command = ["mmdebstrap", *arguments]
        session = replace(self.session, folder=Path(tempfile.mkdtemp(dir=self.session.folder)))
        variables = dict(prepare(command, self.own, session).variables)
        if not self.session.proxy:
            for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
                del variables[name]
        return run(command, env=variables, cwd=self.folder)


@pytest.fixture
def build(folder: Path, origin: Origin) -> Build:
    return Build(folder, origin.url)


@pytest.fixture
def expired(make_repository: MakeRepository) -> Repository:
    """A suite whose Valid-Until passed three weeks ago."""
    repository = make_repository()
    repository.add("hello", "1.0")
    repository.publish(date=datetime.now(UTC) - timedelta(days=30), valid_for=timedelta(days=7))
    return repository


def options(mode: str) -> list[str]:
    return [f"--mode={mode}", "--variant=extract", "--include=hello", "--skip=check/empty"]


def source() -> str:
    return f"deb [trusted=yes] {URL} bookworm main"


def usable(mode: str) -> None:
    """Skips the test where this machine has no such mode."""
    probes = {
        "root": ["test", str(os.geteuid()), "=", "0"],
        "unshare": ["mmdebstrap", "--unshare-helper", "true"],
        "fakechroot": ["fakechroot", "true"],
        "chrootless": ["true"],
    }
    try:
        subprocess.run(probes[mode], check=True, capture_output=True, timeout=20)
    except (subprocess.CalledProcessError, FileNotFoundError) as error:
        pytest.skip(f"no {mode} mode here: {error}")


@pytest.mark.parametrize("mode", ["root", "unshare", "fakechroot", "chrootless"])
def test_an_expired_suite_is_built_in_every_mode_and_the_user_s_hooks_find_our_file_gone(
    build: Build, expired: Repository, mode: str
) -> None:
    usable(mode)
    assert "expired" in build.plain(*options(mode), "--format=null", "bookworm", "-", source()).fails().output
    look = "--extract-hook=echo the folder has: $(ls $1/etc/apt/apt.conf.d) >&2"
    told = build.wrapped(*options(mode), "--format=null", look, "bookworm", "-", source()).ok()
    (found,) = re.findall("^the folder has: (.*)$", told.stderr, re.MULTILINE)
    assert "00mmdebstrap" in found.split()
    assert "00aptfreeze" not in found.split()


def test_our_file_is_there_from_the_user_s_first_setup_hook_on(build: Build, expired: Repository) -> None:
    look = "--setup-hook=echo first: $(cat $1/etc/apt/apt.conf.d/00aptfreeze) >&2"
    told = build.wrapped(*options("chrootless"), look, "bookworm", "frozen.tar", source()).ok()
    assert '\nfirst: Acquire::Check-Valid-Until "false"; Acquire::Check-Date "false";' in told.stderr


@pytest.mark.parametrize("variant", ["extract", "custom"])
@pytest.mark.parametrize("mode", ["root", "unshare", "chrootless"])
def test_the_shortest_variants_have_nothing_of_ours(
    build: Build, repository: Repository, mode: str, variant: str
) -> None:
    usable(mode)
    include = ["--include=hello"] if variant == "extract" else []
    arguments = [f"--mode={mode}", f"--variant={variant}", *include, "--skip=check/empty", "bookworm"]
    build.plain(*arguments, "plain.tar", source()).ok()
    build.wrapped(*arguments, "frozen.tar", source()).ok()
    assert build.sha256("frozen.tar") == build.sha256("plain.tar")


def test_the_root_has_no_proxy_of_ours(build: Build, expired: Repository) -> None:
    build.wrapped(*options("chrootless"), "--format=directory", "bookworm", "root", source()).ok()
    port = build.session.proxy.rpartition(":")[2]
    found = subprocess.run(
        ["grep", "-rlE", f":{port}|aptfreeze", build.folder / "root"], capture_output=True, text=True
    )
    assert found.stdout == ""


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_version_and_help_are_the_real_ones(build: Build, option: str) -> None:
    assert build.wrapped(option).ok().stdout == build.plain(option).ok().stdout


# --- suites signed by the environment's key ---


@pytest.fixture
def resigned(expired: Repository, origin: Origin, folder: Path) -> Build:
    """Serves the expired suite as `run` with `resign = true` would; apt knows none of its keys."""
    key = EnvironmentKey.generate("test")
    for name in ("InRelease", "Release", "Release.gpg"):
        release = (expired.suite_folder / "Release").read_bytes()
        (expired.suite_folder / name).unlink()
        (expired.suite_folder / name).write_bytes(resigned_file(name, release, key, expired.date))
    return Build(folder, origin.url, key.certificate)


SIGNED_SOURCE = f"deb {URL} bookworm main"


@pytest.mark.parametrize("mode", ["root", "unshare", "fakechroot", "chrootless"])
def test_a_suite_signed_anew_is_built_in_every_mode_and_leaves_nothing(resigned: Build, mode: str) -> None:
    usable(mode)
    assert resigned.plain(*options(mode), "--format=null", "bookworm", "-", SIGNED_SOURCE).fails().output
    look = "--extract-hook=echo the folder has: $(ls $1/etc/apt) >&2"
    told = resigned.wrapped(*options(mode), "--format=null", look, "bookworm", "-", SIGNED_SOURCE).ok()
    (found,) = re.findall("^the folder has: (.*)$", told.stderr, re.MULTILINE)
    assert "aptfreeze.d" not in found.split()


def test_a_source_line_of_mmdebstrap_s_own_names_no_key(resigned: Build) -> None:
    """Where the host's apt does not know Debian's key, it would name the file that has it."""
    arguments = [*options("chrootless"), "--format=directory", "--components=main", "bookworm", "root", URL]
    resigned.wrapped(*arguments).ok()
    assert "signed-by" not in (resigned.folder / "root/etc/apt/sources.list").read_text()


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_keyrings_of_the_user_count_beside_it(
    resigned: Build, make_repository: MakeRepository, stranger_key: SigningKey, kind: str
) -> None:
    vendor = make_repository("vendor", key=stranger_key)
    vendor.add("tool", "1.0")
    vendor.publish()
    keys = resigned.folder / "keys"  # the key's own folder is closed to apt's user
    keys.mkdir()
    shutil.copy(stranger_key.keyring, keys / "vendor.gpg")
    keyring = keys if kind == "folder" else keys / "vendor.gpg"
    sources = [SIGNED_SOURCE, "deb http://mirror.example.org/vendor bookworm main"]
    resigned.wrapped(
        *options("chrootless"), "--include=tool", f"--keyring={keyring}", "--format=null", "bookworm", "-", *sources
    ).ok()


@pytest.mark.online
@pytest.mark.parametrize("mode", ["root", "unshare"])
def test_a_real_image_has_nothing_of_ours(folder: Path, mirror: Mirror, mode: str) -> None:
    usable(mode)
    build = Build(folder, "")
    arguments = [f"--mode={mode}", "--variant=essential", mirror.suite]
    build.plain(*arguments, "plain.tar", mirror.url).ok()
    build.wrapped(*arguments, "frozen.tar", mirror.url).ok()
    assert build.sha256("frozen.tar") == build.sha256("plain.tar")
