# SPDX-License-Identifier: MIT
"""The main job on the real thing: a Debian image from the machine's own mirror, built again, byte for byte.

The builds are made once, in the order in which a user would make them, and looked at by the tests.
"""

import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from aptfreeze.settings import TrustSettings
from aptfreeze.trust.keyring import signers
from aptfreeze.trust.keyrings import keyrings_for
from support import clock
from support.aptfreeze import Aptfreeze
from support.mirror import Mirror
from support.process import Result, run

pytestmark = [
    pytest.mark.online,
    pytest.mark.timeout(600),
    pytest.mark.skipif(shutil.which("mmdebstrap") is None, reason="mmdebstrap is not installed"),
    pytest.mark.skipif(not clock.can_move(), reason="libfaketime is not installed"),
]

_INCLUDED = "ca-certificates,less"
_LIMIT_S = 240
_MEMORY = Path("/dev/shm")
_ROOM = 2 << 30
"""Bytes: two roots at a time, or one with debootstrap's downloads, are about 1 GB."""

Package = tuple[str, str, str]
"""Name, version, architecture."""


@dataclass(frozen=True)
class Image:
    """A tarball of a root file system."""

    path: Path

    @cached_property
    def sha256(self) -> str:
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    @cached_property
    def installed(self) -> set[Package]:
        with tarfile.open(self.path) as tar:
            status = tar.extractfile("./var/lib/dpkg/status")
            assert status is not None
            return installed_by(status.read().decode())

    @property
    def versions(self) -> dict[str, str]:
        return versions_of(self.installed)


def installed_by(status: str) -> set[Package]:
    """What the text of dpkg's status file says to be installed."""
    stanzas = [
        dict(line.split(": ", 1) for line in stanza.splitlines() if re.match(r"[A-Z][\w-]+: ", line))
        for stanza in status.strip().split("\n\n")
    ]
    assert {fields["Status"] for fields in stanzas} == {"install ok installed"}
    return {(fields["Package"], fields["Version"], fields["Architecture"]) for fields in stanzas}


def versions_of(packages: set[Package]) -> dict[str, str]:
    return {name: version for name, version, _ in packages}


def traces_in(data: bytes) -> list[bytes]:
    """What tells that the product, or a proxy on a free port of this machine, was there."""
    names = [name for name in (b"aptfreeze", b"APTFREEZE") if name in data]
    return [*names, *re.findall(rb"127\.0\.0\.1:\d{5}", data)]


class Builds:
    """One environment and the images that are built in it."""

    def __init__(self, folder: Path, scratch: Path, mirror: Mirror) -> None:
        self.folder = folder
        self.scratch = scratch
        self.mirror = mirror
        self.product = Aptfreeze(folder / "product")
        self.summaries: dict[str, Any] = {}

    @property
    def sources(self) -> list[str]:
        lines = [f"deb {self.mirror.url} {self.mirror.suite} main"]
        if self.mirror.security_url:
            lines.append(f"deb {self.mirror.security_url} {self.mirror.suite}-security main")
        return lines

    def mmdebstrap(self, name: str, *options: str) -> tuple[list[str], Image]:
        target = self.folder / f"{name}.tar"
        return ["mmdebstrap", *options, self.mirror.suite, str(target), *self.sources], Image(target)

    def frozen(self, name: str, command: Sequence[str], *flags: str, days_later: int = 0) -> None:
        """Runs the command under `aptfreeze run`; keeps its summary."""
        summary = self.folder / f"{name}.json"
        self.tried(command, "--json", str(summary), *flags, days_later=days_later).ok()
        self.summaries[name] = json.loads(summary.read_text())

    def tried(
        self, command: Sequence[str], *flags: str, days_later: int = 0, product: Aptfreeze | None = None
    ) -> Result:
        """How the command ends under `aptfreeze run`, both with that clock."""
        line = [*self.product.line("run", "--archive", str(self.product.archive), *flags), "--", *command]
        clock.forget_the_dead()
        return self.do(clock.days_ahead(days_later, line) if days_later else line, product or self.product)

    def plain(self, command: Sequence[str]) -> Result:
        """Runs the command without aptfreeze, with the time that it would have set."""
        epoch = str(int(self.product.lock["created"].timestamp()))
        return self.do(["env", f"SOURCE_DATE_EPOCH={epoch}", *command])

    def do(self, line: Sequence[str], product: Aptfreeze | None = None) -> Result:
        """Runs it; one that hangs is ended with all that it has started, and what it said so far is in the result."""
        product = product or self.product
        env = product.environ | {"TMPDIR": str(self.scratch)}
        limited = ["timeout", "--kill-after=20", str(_LIMIT_S), *line]
        return run(limited, env=env, cwd=product.environment, timeout_s=_LIMIT_S + 40)

    def pinned_in(self, name: str) -> set[str]:
        """When the suites of that run were pinned: now, before."""
        return {suite["pinned"] for suite in self.summaries[name]["suites"]}

    def days_of_the_keys(self) -> int:
        """How long from now apt takes what is pinned, as far as keys matter: at most ten years."""
        limit = datetime.now(UTC) + timedelta(days=10 * clock.YEAR)
        ends = []
        for key, pin in self.product.pins.items():
            keyrings = keyrings_for(key.split()[0], TrustSettings())
            signed = [signer for name in pin["signers"] for signer in signers(keyrings, name[-16:])]
            ends.append(max(signer.expires or limit for signer in signed))
        return (min(limit, *ends) - datetime.now(UTC)).days - 1

    def packages(self) -> list[dict[str, Any]]:
        """What the runs so far were served."""
        rows: list[dict[str, Any]] = self.said("packages", "--json")["packages"]
        return rows

    def said(self, verb: str, *words: str) -> Any:
        """The data of a verb that succeeds."""
        return json.loads(self.product.command(verb, *words, "--archive", str(self.product.archive)).ok().stdout)

    def mirror_is_unchanged(self) -> bool:
        """Whether the mirror still has the states that are pinned."""
        return all(_inrelease(key) == pin["inrelease"] for key, pin in self.product.pins.items())


def _inrelease(key: str) -> str:
    repository, suite = key.split()
    with urllib.request.urlopen(f"http://{repository}/dists/{suite}/InRelease", timeout=60) as answer:
        return "sha256:" + hashlib.sha256(answer.read()).hexdigest()


@pytest.fixture(scope="module")
def scratch() -> Iterator[Path]:
    """Where roots are made: in memory if a root works there, and open for the users of a namespace."""
    folder = Path(tempfile.mkdtemp(prefix="image-", dir=_MEMORY if _takes_roots(_MEMORY) else None))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def _takes_roots(folder: Path) -> bool:
    """Whether there is room for some roots, and their programs and devices work (in containers they often do not)."""
    if not os.access(folder, os.W_OK):
        return False
    about = os.statvfs(folder)
    return about.f_bavail * about.f_frsize > _ROOM and not about.f_flag & (os.ST_NOEXEC | os.ST_NODEV)


@pytest.fixture(scope="module")
def builds(tmp_path_factory: pytest.TempPathFactory, scratch: Path, mirror: Mirror) -> Builds:
    return Builds(tmp_path_factory.mktemp("image"), scratch, mirror)


@pytest.fixture(scope="module")
def first(builds: Builds) -> Image:
    command, image = builds.mmdebstrap("first", "--variant=minbase", f"--include={_INCLUDED}")
    builds.frozen("first", command)
    return image


@pytest.fixture(scope="module")
def served(builds: Builds, first: Image) -> list[dict[str, Any]]:
    """The package list after the first build; asked before there is another one."""
    return builds.packages()


@pytest.fixture(scope="module")
def second(builds: Builds, first: Image, served: object) -> Image:
    """The same, years later and without a network; the clock is that of `aptfreeze` and of all that it starts."""
    command, image = builds.mmdebstrap("second", "--variant=minbase", f"--include={_INCLUDED}")
    builds.frozen("second", command, "--offline", days_later=builds.days_of_the_keys())
    return image


@pytest.fixture(scope="module")
def behind(builds: Builds, first: Image) -> Image:
    """The same on a machine whose clock is two years behind."""
    command, image = builds.mmdebstrap("behind", "--variant=minbase", f"--include={_INCLUDED}")
    builds.frozen("behind", command, "--offline", days_later=-2 * clock.YEAR)
    return image


@pytest.fixture(scope="module")
def plain(builds: Builds, first: Image) -> Image:
    """The same without aptfreeze."""
    command, image = builds.mmdebstrap("plain", "--variant=minbase", f"--include={_INCLUDED}")
    result = builds.plain(command)
    if not builds.mirror_is_unchanged():
        pytest.skip("the mirror has moved on since the first build: nothing without aptfreeze can be equal to it")
    result.ok()
    return image


def test_the_second_build_is_the_first_byte_for_byte_years_later_and_offline(
    builds: Builds, first: Image, second: Image
) -> None:
    days = builds.days_of_the_keys()
    ahead_s = int(builds.do(clock.days_ahead(days, ["date", "+%s"])).ok().stdout) - time.time()
    assert ahead_s > (days - 1) * 86400, "libfaketime does not change the clock of this machine's programs"
    assert second.sha256 == first.sha256
    assert builds.summaries["second"]["mirror_requests"] == 0
    assert builds.pinned_in("first") == {"now"}
    assert builds.pinned_in("second") == {"before"}


@pytest.mark.skipif(
    shutil.which("sqv") is not None, reason="sqv refuses signatures from the future, whatever apt is told"
)
def test_a_build_two_years_before_its_packages_were_made_is_the_same_byte_for_byte(first: Image, behind: Image) -> None:
    assert behind.sha256 == first.sha256


def test_after_the_end_of_its_keys_apt_refuses_what_is_frozen(builds: Builds, first: Image) -> None:
    """apt verifies for itself: the reason for re-sign mode."""
    days = builds.days_of_the_keys() + 2
    if days > 10 * clock.YEAR:
        pytest.skip("the keys of this machine's mirror live for more than ten years")
    command, _ = builds.mmdebstrap("after-the-keys", "--variant=minbase")
    failed = builds.tried(command, "--offline", days_later=days).fails()
    assert re.search("EXPKEYSIG|[Ee]xpired", failed.output)
    assert "is not signed" in failed.output


def test_ten_years_later_with_a_key_of_ours_the_image_is_the_same_byte_for_byte(builds: Builds, first: Image) -> None:
    """Another checkout of the same lock file, that has no more than it and the archive."""
    checkout = builds.product.beside("ten-years-later")
    checkout.lock_file.write_bytes(builds.product.lock_file.read_bytes())
    checkout.configure("resign = true")
    command, image = builds.mmdebstrap("ten-years-later", "--variant=minbase", f"--include={_INCLUDED}")

    builds.tried(command, "--offline", "--locked", days_later=10 * clock.YEAR, product=checkout).ok()

    assert image.sha256 == first.sha256


def test_security_updates_are_frozen_too(builds: Builds, first: Image) -> None:
    assert builds.mirror.security_url is not None, "this machine's sources have no security entry"
    suite = builds.mirror.suite
    assert sorted(key.split()[1] for key in builds.product.pins) == [suite, f"{suite}-security"]


def test_an_image_built_without_aptfreeze_is_the_same_byte_for_byte(first: Image, plain: Image) -> None:
    assert plain.sha256 == first.sha256


def test_nothing_of_ours_is_in_the_image(builds: Builds, first: Image) -> None:
    data = first.path.read_bytes()
    assert traces_in(data) == []
    assert [folder for folder in (builds.folder, builds.scratch) if os.fsencode(folder) in data] == []


def test_the_package_list_is_what_was_installed_and_each_file_of_it_is_archived(
    builds: Builds, first: Image, served: list[dict[str, Any]]
) -> None:
    assert len(served) == len(first.installed) > 70
    assert {(row["name"], row["version"], row["architecture"]) for row in served} == first.installed
    for row in served:
        file = builds.product.archive / "objects/sha256" / row["sha256"][:2] / row["sha256"]
        assert hashlib.sha256(file.read_bytes()).hexdigest() == row["sha256"], row
        assert file.stat().st_size == row["size"], row


def test_what_is_installed_describes_the_image(builds: Builds, first: Image, served: list[dict[str, Any]]) -> None:
    rows = builds.said("packages", "--rootfs", str(first.path), "--json")["packages"]

    assert {row["role"] for row in rows} == {"deployed"}
    assert {(row["name"], row["sha256"]) for row in rows} == {(row["name"], row["sha256"]) for row in served}


def test_the_image_is_of_this_generation_and_with_one_version_changed_it_is_not(
    builds: Builds, first: Image, tmp_path: Path
) -> None:
    assert builds.said("verify", str(first.path), "--offline", "--json")["strangers"] == []
    with tarfile.open(first.path) as tar:
        tar.extract("./var/lib/dpkg/status", tmp_path)
    status = tmp_path / "var/lib/dpkg/status"
    status.write_text(status.read_text().replace("Version: ", "Version: 1", 1))

    line = ["verify", str(status), "--offline", "--json", "--archive", str(builds.product.archive)]
    said = builds.product.command(*line).fails(3)

    assert len(json.loads(said.stdout)["strangers"]) == 1


def test_its_bill_of_materials_has_what_debsbom_finds_and_is_the_same_again(
    builds: Builds, first: Image, tmp_path: Path
) -> None:
    line = ["sbom", "--rootfs", str(first.path), "--archive", str(builds.product.archive)]
    texts = {builds.product.command(*line, env={"PYTHONHASHSEED": seed}).ok().stdout for seed in "12"}
    (text,) = texts
    debsbom = str(Path(sys.executable).with_name("debsbom"))
    builds.do([debsbom, "generate", "-r", str(first.path), "-t", "cdx", "-o", str(tmp_path / "sbom")]).ok()
    theirs = json.loads((tmp_path / "sbom.cdx.json").read_text())["components"]

    ours = json.loads(text)["components"]

    assert {re.sub("&distro=.*", "", each["purl"]) for each in ours} == {each["purl"] for each in theirs}
    binaries = [each for each in ours if "arch=source" not in each["purl"]]
    assert all({hash["alg"] for hash in each["hashes"]} == {"SHA-256", "SHA-512"} for each in binaries)


def test_status_says_that_all_that_was_used_is_archived(builds: Builds, second: Image) -> None:
    found = json.loads(builds.product.command("status", "--json", "--archive", str(builds.product.archive)).ok().stdout)
    assert found["sessions"] >= 2
    for suite in found["suites"]:
        assert suite["archived"]
        for kind in ("indexes", "sources", "packages"):
            assert suite[kind]["missing"] == [], (suite["suite"], kind)
        assert suite["sources"]["archived"] == 1


def test_different_images_built_at_once_share_their_versions(builds: Builds, second: Image) -> None:
    one, left = builds.mmdebstrap("left", "--variant=essential", "--include=less")
    other, right = builds.mmdebstrap("right", *_another_mode(), "--variant=essential", "--include=zstd")
    builds.frozen("both", ["sh", "-c", f"{shlex.join(one)} & {shlex.join(other)}; s=$?; wait $! && exit $s"])
    assert builds.pinned_in("both") == {"before"}
    assert left.versions.keys() - right.versions.keys() >= {"less"}
    assert right.versions.keys() - left.versions.keys() >= {"zstd"}
    shared = left.versions.items() & right.versions.items()
    assert len(shared) == len(left.versions.keys() & right.versions.keys()) > 50
    assert left.versions.items() <= second.versions.items()


def _another_mode() -> list[str]:
    """Root in a namespace where that works: there the hooks of `run` run as another user."""
    done = subprocess.run(["mmdebstrap", "--unshare-helper", "true"], capture_output=True)
    return ["--mode=unshare"] if done.returncode == 0 else []


@pytest.mark.long
def test_signed_by_our_own_key_the_image_is_the_same_ten_years_later(builds: Builds, first: Image) -> None:
    later = copy(builds)
    later.product = builds.product.beside("signed-anew")
    shutil.copy(builds.product.lock_file, later.product.lock_file)
    later.product.resign()
    command, image = later.mmdebstrap("signed-anew", "--variant=minbase", f"--include={_INCLUDED}")

    later.frozen("signed-anew", command, "--locked", "--offline", days_later=10 * clock.YEAR)

    assert image.sha256 == first.sha256
    assert later.summaries["signed-anew"]["mirror_requests"] == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="debootstrap needs root")
@pytest.mark.skipif(shutil.which("debootstrap") is None, reason="debootstrap is not installed")
def test_debootstrap_gets_the_versions_of_the_frozen_suite(builds: Builds, second: Image) -> None:
    root = builds.scratch / "debootstrap"
    suite = builds.mirror.suite
    # What debootstrap mounts is in a namespace of its own, so that removing the folder can never reach into it.
    command = ["unshare", "--mount", "debootstrap", "--variant=minbase", suite, str(root), builds.mirror.url]
    builds.frozen("debootstrap", command)
    assert builds.pinned_in("debootstrap") == {"before"}
    installed = versions_of(installed_by((root / "var/lib/dpkg/status").read_text()))
    rows = builds.packages()
    frozen = {row["name"]: row["version"] for row in rows if row["suite"] == suite}
    assert installed.items() <= frozen.items()
    # debootstrap knows no security suite: only what mmdebstrap took from the other one can differ.
    of_security = {row["name"] for row in rows if row["suite"] != suite}
    both = (installed.keys() & second.versions.keys()) - of_security
    assert len(both) > 50
    assert {name: installed[name] for name in both} == {name: second.versions[name] for name in both}
    files = [path for path in root.rglob("*") if path.is_file() and not path.is_symlink()]
    assert [path for path in files if traces_in(os.fsencode(path.relative_to(root)) + path.read_bytes())] == []
