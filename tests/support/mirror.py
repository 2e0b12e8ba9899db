# SPDX-License-Identifier: MIT
"""The real mirror for `online` tests: the one that this machine's own apt uses, never one that is written down here."""

import subprocess
from dataclasses import dataclass
from functools import cache

_FIELDS = ("REPO_URI", "RELEASE", "COMPONENT")


@dataclass(frozen=True, slots=True)
class Mirror:
    """The first plain http entry for Debian's main, in the order of apt's sources."""

    url: str
    """Without a final slash."""
    suite: str
    security_url: str | None
    """The first plain http entry for that suite's security updates."""


@cache
def machine_mirror() -> Mirror | None:
    """None if apt is missing, or has no such entry."""
    entries = [entry for entry in _entries() if entry["REPO_URI"].startswith("http:") and entry["COMPONENT"] == "main"]
    for entry in entries:
        url, suite = entry["REPO_URI"].rstrip("/"), entry["RELEASE"]
        if url.endswith("/debian") and "-" not in suite:
            security = (other["REPO_URI"].rstrip("/") for other in entries if other["RELEASE"] == f"{suite}-security")
            return Mirror(url, suite, next(security, None))
    return None


def _entries() -> list[dict[str, str]]:
    form = "\t".join(f"$({name})" for name in _FIELDS)
    try:
        done = subprocess.run(
            ["apt-get", "indextargets", "--format", form, "Identifier: Packages"],
            capture_output=True, text=True, timeout=30,
        )  # fmt: skip
    except FileNotFoundError:
        return []
    rows = (line.split("\t") for line in done.stdout.splitlines())
    return [dict(zip(_FIELDS, row, strict=True)) for row in rows if len(row) == len(_FIELDS)]
