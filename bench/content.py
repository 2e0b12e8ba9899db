# SPDX-License-Identifier: MIT
"""Package files of any size in a repository of the mirror, below its folder `keys`: the same bytes on every machine.

It is the simplest repository there is: a list of packages without a Release. An environment pins the list by its hash.
All that the groups use is 1 GB, kept beside the copy of the mirror.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from bench.link import Link

_LOCK = """version = 1
generation = "0123456789abcdef0123456789abcdef"
created = 2026-11-24T07:00:00Z

[pins]
"{repository} ./" = {{ packages = "sha256:{digest}", file = "Packages", signers = [] }}
"""


@dataclass(frozen=True)
class File:
    """One package file; its bytes depend on size and number only."""

    repository: str
    size: int
    number: int

    @property
    def path(self) -> str:
        return f"{self.repository}/pool/{self.size}-{self.number}_1.0_all.deb"

    @cached_property
    def data(self) -> bytes:
        return hashlib.shake_128(f"{self.size}-{self.number}".encode()).digest(self.size)

    @property
    def stanza(self) -> str:
        return (
            f"Package: {self.size}-{self.number}\nVersion: 1.0\nArchitecture: all\n"
            f"Filename: {self.path.removeprefix(self.repository + '/')}\nSize: {self.size}\n"
            f"SHA256: {hashlib.sha256(self.data).hexdigest()}\n\n"
        )


class Content:
    """A repository with so many files of each size: `Content({10_000: 64, 64 << 20: 1})`."""

    def __init__(self, counts: dict[int, int]) -> None:
        self._counts = counts
        self._path = "/keys/" + "-".join(f"{count}x{size}" for size, count in counts.items())

    def files(self, size: int) -> list[File]:
        return self._files[size]

    @property
    def all_files(self) -> Iterator[File]:
        return (file for files in self._files.values() for file in files)

    def place(self, mirror: Path) -> None:
        """Have it below the mirror's folder."""
        for file in self.all_files:
            place(mirror / file.path.lstrip("/"), file.data)
        place(mirror / self._path.lstrip("/") / "Packages", self._list)

    def pin(self, environment: Path, link: Link) -> None:
        """Write the lock file of an environment that pins it."""
        environment.mkdir(parents=True, exist_ok=True)
        digest = hashlib.sha256(self._list).hexdigest()
        (environment / "aptfreeze.lock").write_text(_LOCK.format(repository=link.host + self._path, digest=digest))

    @cached_property
    def _files(self) -> dict[int, list[File]]:
        return {size: [File(self._path, size, n) for n in range(count)] for size, count in self._counts.items()}

    @cached_property
    def _list(self) -> bytes:
        return "".join(file.stanza for file in self.all_files).encode()


def place(path: Path, data: bytes) -> None:
    """Write a file of the mirror, unless it is there already: what has a name is the same on every machine."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f"{path.name}.new")
        temporary.write_bytes(data)
        temporary.rename(path)
