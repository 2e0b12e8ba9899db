# SPDX-License-Identifier: MIT
"""What a second environment costs on disk beside a first one that shares 90 % of its packages.

The first one is a build with the mirror's real packages. The second one is the same build in a later state of the
suite, made for the purpose: the same indexes with a few entries more, and every tenth package in a new version that
shares no byte. Counted is what the file system gives to archive and environment: packages, indexes (those of the source
packages too), look-up tables, lock files and records.
"""

from __future__ import annotations

import bz2
import hashlib
import lzma
import os
from collections.abc import Iterator
from pathlib import Path

from bench.asking import Ask
from bench.content import place
from bench.context import Context
from bench.link import UNLIMITED
from bench.peers import APTFREEZE, aptfreeze
from bench.real import ask_all, build_once
from bench.report import Row

_EVERY = 10
_FOLDER = "keys/later"
_LOCK = """version = 1
generation = "0123456789abcdef0123456789abcdef"
created = 2026-11-24T07:00:00Z

[pins]
"{repository} {suite}" = {{ release = "sha256:{digest}", signers = [] }}
"""


def measure(context: Context) -> Iterator[Row]:
    first, added = Row("first environment", "MB"), Row("added by a second one with 10 % other packages", "MB")
    other, share = Row("of that, these packages themselves", "MB"), Row("added / first", "%")
    later = _Later(context)
    context.link.shape(UNLIMITED)
    with context.fresh() as folder:
        with aptfreeze(folder / "first", folder / "archive") as server:
            build_once(context, server)
        before = _size(folder)
        later.pin(folder / "second")
        with aptfreeze(folder / "second", folder / "archive") as server:
            ask_all(server, [later.index])
            ask_all(server, later.packages)
        grown = _size(folder) - before
    figures = ((first, before), (added, grown), (other, later.new_bytes / 1e6), (share, 100 * grown / before))
    for row, figure in figures:
        row.add(APTFREEZE.name, figure)
        yield row


def _size(folder: Path) -> float:
    """MB that the file system gives to it."""
    files = [Path(parent) / name for parent, _, names in os.walk(folder) for name in names]
    return sum(file.lstat().st_blocks for file in files) * 512 / 1e6


class _Later:
    """A later state of the suite, in a folder of the mirror of its own, without a signature: its pin was verified once.

    Mutable state, filled by the constructor: `packages` to ask for, and the bytes of those that are new.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._old = context.upstream.folder / "debian"
        self._suite = f"dists/{context.upstream.suite}/main"
        self.packages: list[Ask] = []
        self.new_bytes = 0
        stanzas = "".join(self._package(n, file) for n, file in enumerate(context.upstream.package_files()))
        (packages,) = self._old.glob(f"{self._suite}/binary-*/Packages.*")
        (sources,) = self._old.glob(f"{self._suite}/source/Sources.*")
        self.index, lines = self._index(packages, stanzas)
        _, more_lines = self._index(sources, "Package: later\nVersion: 1\nDirectory: pool\n\n")
        release = f"Codename: later\nSHA256:\n{lines}{more_lines}".encode()
        place(self._path(f"dists/{context.upstream.suite}/Release"), release)
        self._digest = hashlib.sha256(release).hexdigest()

    def pin(self, environment: Path) -> None:
        environment.mkdir(parents=True)
        repository = f"{self._context.link.host}/{_FOLDER}"
        text = _LOCK.format(repository=repository, suite=self._context.upstream.suite, digest=self._digest)
        (environment / "aptfreeze.lock").write_text(text)

    def _path(self, relative: str) -> Path:
        return self._context.upstream.folder / _FOLDER / relative

    def _ask(self, relative: str, size: int) -> Ask:
        return Ask(f"{self._context.link.url}/{_FOLDER}/{relative.replace('+', '%2b')}", size)

    def _package(self, number: int, file: Path) -> str:
        """The stanza of a new version, for every tenth; the others are listed already, and in the archive."""
        relative, size = str(file.relative_to(self._old)), file.stat().st_size
        name, version, rest = file.name.split("_")
        if number % _EVERY:
            self.packages.append(self._ask(relative, size))
            return ""
        new = relative.replace(file.name, f"{name}_{version}+later_{rest}")
        data = hashlib.shake_128(new.encode()).digest(size)
        place(self._path(new), data)
        self.packages.append(self._ask(new, size))
        self.new_bytes += size
        return (
            f"Package: {name}\nVersion: {version}+later\nArchitecture: {rest.removesuffix('.deb')}\n"
            f"Filename: {new}\nSize: {size}\nSHA256: {hashlib.sha256(data).hexdigest()}\n\n"
        )

    def _index(self, file: Path, stanzas: str) -> tuple[Ask, str]:
        """An index with these stanzas behind its own, and the lines that Release has of it."""
        compressor = {".xz": lzma, ".bz2": bz2}[file.suffix]
        data = file.read_bytes()
        plain = compressor.decompress(data) + stanzas.encode()
        data += compressor.compress(stanzas.encode())  # a file may consist of several streams
        relative = str(file.relative_to(self._old))
        place(self._path(relative), data)
        name = relative.partition("/main/")[2]
        listed = {f"main/{name}": data, f"main/{name.removesuffix(file.suffix)}": plain}
        lines = (f" {hashlib.sha256(d).hexdigest()} {len(d)} {path}\n" for path, d in listed.items())
        return self._ask(relative, len(data)), "".join(lines)
