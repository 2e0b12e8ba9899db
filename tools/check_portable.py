# SPDX-License-Identifier: MIT
"""Checks that no tracked file names this machine: the hosts of its apt sources, or where this checkout lies.

What must not occur is read from the machine at run time, so that it is written down nowhere.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent.parent
# Top folders of every Debian machine (FHS 3.0): a path below them may be meant, one below another is this machine's.
# fmt: off
ORDINARY = frozenset([
    "bin", "boot", "dev", "etc", "home", "lib", "lib64", "media", "mnt", "opt",
    "proc", "root", "run", "sbin", "srv", "sys", "tmp", "usr", "var",
])
# fmt: on


def command(*words: str) -> str:
    return subprocess.run(words, cwd=ROOT, check=True, capture_output=True, text=True).stdout


def mirror_hosts() -> set[str]:
    """The hosts that this machine's apt downloads from; loopback and documentation names may be written."""
    if not shutil.which("apt-get"):
        return set()
    sites = command("apt-get", "indextargets", "--format", "$(SITE)").splitlines()
    hosts = {urlsplit(site).hostname or "" for site in sites} - {"", "localhost"}
    return {host for host in hosts if not host.startswith("127.") and not host.endswith(".example.org")}


def local_paths(root: Path) -> set[str]:
    """The checkout's folder, and the top folder that it lies in if other machines have none of that name."""
    top = root.parts[1]
    return {str(root)} | (set() if top in ORDINARY else {f"/{top}/"})


def complaints(text: str, forbidden: Iterable[str]) -> Iterator[str]:
    """The lines that hold one of the words, with their number."""
    for number, line in enumerate(text.splitlines(), 1):
        yield from (f"{number}: names this machine: {word}" for word in forbidden if word in line)


def main() -> int:
    forbidden = sorted(mirror_hosts() | local_paths(ROOT))
    names = command("git", "ls-files", "--cached", "--others", "--exclude-standard").splitlines()
    texts = {name: (ROOT / name).read_text(errors="replace") for name in names if (ROOT / name).is_file()}
    found = [f"{name}:{complaint}" for name, text in texts.items() for complaint in complaints(text, forbidden)]
    print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
