# SPDX-License-Identifier: MIT
"""The main job on the real thing: a Debian image from the machine's own mirror, built again, byte for byte.

The builds are made once, in the order in which a user would make them, and looked at by the tests.
"""

import hashlib
import json
import os
import shutil
import tarfile
import urllib.request
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from support.aptfreeze import Aptfreeze
from support.mirror import Mirror
from support.process import Result, run

pytestmark = [
    pytest.mark.online,
    pytest.mark.timeout(600),
    pytest.mark.skipif(shutil.which("mmdebstrap") is None, reason="mmdebstrap is not installed"),
]

_LATER = {"NO_FAKE_STAT": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
"""faketime changes the clock, not the times of files, and no waiting time."""
_INCLUDED = "ca-certificates,less"


@dataclass(frozen=True)
class Image:
    """A tarball of a root file system."""

    path: Path

    @cached_property
    def sha256(self) -> str:
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    @cached_property
    def versions(self) -> dict[str, str]:
        """Installed packages by name."""
        with tarfile.open(self.path) as tar:
            status = tar.extractfile("./var/lib/dpkg/status")
            assert status is not None
            return versions_of(status.read().decode())

    def holds(self, text: bytes) -> bool:
        """Whether the text stands anywhere in it, in a name or in a file."""
        return text in self.path.read_bytes()


def versions_of(status: str) -> dict[str, str]:
    """Name to version, from the text of dpkg's status file."""
    stanzas = [
        dict(line.split(": ", 1) for line in stanza.splitlines() if ": " in line) for stanza in status.split("\n\n")
    ]
    return {fields["Package"]: fields["Version"] for fields in stanzas if fields.get("Package")}


class Builds:
    """One environment and the images that are built in it."""

    def __init__(self, folder: Path, mirror: Mirror) -> None:
        self.folder = folder
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

    def frozen(self, name: str, command: list[str], *flags: str, before: tuple[str, ...] = ()) -> None:
        """Runs the command under `aptfreeze run`, and that under `before`; keeps its summary."""
        summary = self.folder / f"{name}.json"
        line = [
            *before,
            *self.product.line("run", "--archive", str(self.product.archive), "--json", str(summary)),
            *flags,
        ]
        run(
            [*line, "--", *command], env=self.product.environ | _LATER, cwd=self.product.environment, timeout_s=300
        ).ok()
        self.summaries[name] = json.loads(summary.read_text())

    def plain(self, command: list[str]) -> Result:
        """Runs the command without aptfreeze, with the time that it would have set."""
        epoch = str(int(self.product.lock["created"].timestamp()))
        env = self.product.environ | {"SOURCE_DATE_EPOCH": epoch}
        return run(command, env=env, cwd=self.folder, timeout_s=300)

    def mirror_is_unchanged(self) -> bool:
        """Whether the mirror still has the states that are pinned."""
        return all(_inrelease(key) == pin["inrelease"] for key, pin in self.product.pins.items())


def _inrelease(key: str) -> str:
    repository, suite = key.split()
    with urllib.request.urlopen(f"http://{repository}/dists/{suite}/InRelease", timeout=60) as answer:
        return "sha256:" + hashlib.sha256(answer.read()).hexdigest()


@pytest.fixture(scope="module")
def builds(tmp_path_factory: pytest.TempPathFactory, mirror: Mirror) -> Builds:
    return Builds(tmp_path_factory.mktemp("image"), mirror)


@pytest.fixture(scope="module")
def first(builds: Builds) -> Image:
    command, image = builds.mmdebstrap("first", "--variant=minbase", f"--include={_INCLUDED}")
    builds.frozen("first", command)
    return image


@pytest.fixture(scope="module")
def second(builds: Builds, first: Image) -> Image:
    """The same, a month later and without a network."""
    command, image = builds.mmdebstrap("second", "--variant=minbase", f"--include={_INCLUDED}")
    builds.frozen("second", command, "--offline", before=("faketime", "-f", "+30d"))
    return image


def test_the_second_build_is_the_first_byte_for_byte_a_month_later_and_offline(
    builds: Builds, first: Image, second: Image
) -> None:
    assert second.sha256 == first.sha256
    assert builds.summaries["second"]["mirror_requests"] == 0
    assert builds.summaries["second"]["exit_status"] == 0
    assert {suite["pinned"] for suite in builds.summaries["first"]["suites"]} == {"now"}
    assert {suite["pinned"] for suite in builds.summaries["second"]["suites"]} == {"before"}


def test_security_updates_are_frozen_too(builds: Builds, first: Image) -> None:
    assert builds.mirror.security_url is not None, "this machine's sources have no security entry"
    assert sorted(key.split()[1] for key in builds.product.pins) == [
        builds.mirror.suite,
        f"{builds.mirror.suite}-security",
    ]


def test_nothing_of_ours_is_in_the_image(builds: Builds, first: Image) -> None:
    assert not first.holds(b"aptfreeze")
    command, plain = builds.mmdebstrap("plain", "--variant=minbase", f"--include={_INCLUDED}")
    builds.plain(command).ok()
    if not builds.mirror_is_unchanged():
        pytest.skip("the mirror moved on while the image was built without aptfreeze")
    assert plain.sha256 == first.sha256


def test_every_installed_package_is_listed_with_its_hash(builds: Builds, first: Image) -> None:
    listed = builds.product.command("packages", "--archive", str(builds.product.archive)).ok().stdout.splitlines()
    rows = [line.split(" ") for line in listed]
    assert rows == sorted(rows, key=lambda row: row[:4])
    served = {(name, version): sha256 for name, version, _, sha256, *_ in rows}
    assert first.versions.items() <= served.keys()
    for name, version in first.versions.items():
        sha256 = served[name, version]
        file = builds.product.archive / "objects/sha256" / sha256[:2] / sha256
        assert hashlib.sha256(file.read_bytes()).hexdigest() == sha256


def test_status_says_that_all_that_was_used_is_archived(builds: Builds, second: Image) -> None:
    found = json.loads(builds.product.command("status", "--json", "--archive", str(builds.product.archive)).ok().stdout)
    assert found["sessions"] == 2
    for suite in found["suites"]:
        assert suite["archived"]
        for kind in ("indexes", "sources", "packages"):
            assert suite[kind]["missing"] == [], (suite["suite"], kind)
        assert suite["sources"]["archived"] == 1


def test_another_image_of_the_environment_has_the_same_versions(builds: Builds, second: Image) -> None:
    command, small = builds.mmdebstrap("small", "--variant=essential")
    builds.frozen("small", command, "--offline")
    assert len(small.versions) > 20
    assert small.versions.items() < second.versions.items()


@pytest.mark.skipif(os.geteuid() != 0, reason="debootstrap needs root")
@pytest.mark.skipif(shutil.which("debootstrap") is None, reason="debootstrap is not installed")
def test_debootstrap_gets_the_versions_of_the_frozen_suite(builds: Builds, second: Image) -> None:
    root = builds.folder / "debootstrap"
    builds.frozen(
        "debootstrap", ["debootstrap", "--variant=minbase", builds.mirror.suite, str(root), builds.mirror.url]
    )
    installed = versions_of((root / "var/lib/dpkg/status").read_text())
    listed = builds.product.command("packages", "--json", "--archive", str(builds.product.archive)).ok().stdout
    rows = json.loads(listed)["packages"]
    frozen = {row["name"]: row["version"] for row in rows if row["suite"] == builds.mirror.suite}
    assert len(installed) > 50
    assert installed.items() <= frozen.items()
    # Where mmdebstrap took the frozen suite's version too, both images have the same.
    of_security = {row["name"] for row in rows if row["suite"] != builds.mirror.suite}
    both = (installed.keys() & second.versions.keys()) - of_security
    assert {name: installed[name] for name in both} == {name: second.versions[name] for name in both}
    assert not any(b"aptfreeze" in file.read_bytes() for file in (root / "etc").rglob("*") if file.is_file())
    shutil.rmtree(root)
