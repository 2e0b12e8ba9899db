# SPDX-License-Identifier: MIT
"""Files of any size that the mirror has beside the repository, in its folder `keys`: the same bytes on every machine.

aptfreeze serves what it can verify, so an environment pins them by their hash, as it pins a key file that apt fetched.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from bench.link import Link

_LOCK = """version = 1
generation = "0123456789abcdef0123456789abcdef"
created = 2026-11-24T07:00:00Z

[extra]
"""


@dataclass(frozen=True)
class File:
    size: int
    number: int

    @property
    def path(self) -> str:
        return f"/keys/{self.size}/{self.number}"

    @cached_property
    def data(self) -> bytes:
        return hashlib.shake_128(self.path.encode()).digest(self.size)


def files(size: int, count: int) -> list[File]:
    return [File(size, number) for number in range(count)]


def place(mirror: Path, wanted: Iterable[File]) -> None:
    """Have them below the mirror's folder; what lies there already is not written again."""
    for file in wanted:
        path = mirror / file.path.lstrip("/")
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary = path.with_name(f"{path.name}.new")
            temporary.write_bytes(file.data)
            temporary.rename(path)


def pin(environment: Path, link: Link, wanted: Sequence[File]) -> None:
    """Write the lock file of an environment that pins them."""
    lines = (f'"{link.host}{file.path}" = "sha256:{hashlib.sha256(file.data).hexdigest()}"\n' for file in wanted)
    environment.mkdir(parents=True, exist_ok=True)
    (environment / "aptfreeze.lock").write_text(_LOCK + "".join(sorted(lines)))
