# SPDX-License-Identifier: MIT
"""The mirror that all are measured against: a part of the machine's own mirror, copied once.

It has the InRelease and the indexes of main as they were that day, and the package files of a build machine and of a
minimal Debian (a few hundred, about 200 MB). It is kept in the user's cache directory; delete it to have a newer one.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

from support.apt import Apt
from support.mirror import machine_mirror

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
SET = ("build-essential", "git", "openssh-server", "nginx-light", "python3-dev", "systemd-sysv", "network-manager",
       "gdb", "i2c-tools", "tcpdump", "chrony", "debootstrap", "vim")  # fmt: skip
_BOOTSTRAP = ("?priority(required)", "?essential", "apt")
_URI = re.compile(r"^'(\S+)' (\S+) \d+ ", re.MULTILINE)


class Upstream:
    """The copy: `folder/debian` is the repository."""

    def __init__(self, folder: Path, suite: str) -> None:
        self.folder = folder
        self.suite = suite

    def package_files(self) -> list[Path]:
        return sorted((self.folder / "debian/pool").rglob("*.deb"))


def upstream() -> Upstream:
    """The copy, made if there is none yet."""
    mirror = machine_mirror()
    if mirror is None or not KEYRING.exists():
        sys.exit("apt's sources have no plain http entry for Debian's main, or debian-archive-keyring is missing")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "aptfreeze-bench"
    folder = cache / mirror.suite
    if not folder.exists():
        print(f"copying a part of the mirror to {folder}, once", file=sys.stderr)
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as name:
            _copy(mirror.url, mirror.suite, Path(name) / "debian")
            Path(name).chmod(0o755)
            Path(name).rename(folder)
            Path(name).mkdir()
    return Upstream(folder, mirror.suite)


def _copy(url: str, suite: str, to: Path) -> None:
    release = _fetch(f"{url}/dists/{suite}/InRelease", to / f"dists/{suite}/InRelease").decode()
    architecture = subprocess.check_output(["dpkg", "--print-architecture"], text=True).strip()
    listed = {name: digest for digest, name in re.findall(r"^ ([0-9a-f]{64}) +\d+ (\S+)$", release, re.MULTILINE)}
    for index in (f"main/binary-{architecture}/Packages.xz", "main/source/Sources.xz", "main/i18n/Translation-en.xz"):
        if index not in listed:
            index = index.removesuffix(".xz") + ".bz2"
        _fetch(f"{url}/dists/{suite}/{index}", to / f"dists/{suite}/{index}")
        by_hash = (to / f"dists/{suite}/{index}").parent / "by-hash/SHA256"
        by_hash.mkdir(parents=True)
        (by_hash / listed[index]).hardlink_to(to / f"dists/{suite}/{index}")
    with tempfile.TemporaryDirectory() as name:
        _copy_packages(url, suite, to, Apt(Path(name) / "apt"))


def _copy_packages(url: str, suite: str, to: Path, apt: Apt) -> None:
    (apt.root / "etc/sources.list").write_text(f"deb [signed-by={KEYRING}] {url} {suite} main\n")
    apt.get("update").ok()
    for names in (SET, _BOOTSTRAP):
        install = ("--no-install-recommends", "install", *names)
        uris = _URI.findall(apt.get("--print-uris", *install).ok().stdout)
        apt.get("--download-only", *install).ok()
        base = urlsplit(url).path
        for uri, name in uris:
            target = to / urlsplit(uri).path.removeprefix(base).lstrip("/").replace("%2b", "+").replace("%7e", "~")
            if not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                (apt.archives / name).rename(target)


def _fetch(url: str, to: Path) -> bytes:
    to.parent.mkdir(parents=True, exist_ok=True)
    with urllib.request.urlopen(url) as response:
        data: bytes = response.read()
    to.write_bytes(data)
    return data
