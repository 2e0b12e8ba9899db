# SPDX-License-Identifier: MIT
"""A real, signed apt repository in a folder, that changes the way a mirror does.

    repo = Repository(folder, key, Layout(by_hash=False))
    repo.add("hello", "1.0")
    repo.publish()
    repo.add("hello", "2.0")        # replaces 1.0 in the next state
    repo.publish()                  # and 1.0 is gone from the pool, as are the old by-hash files

Rule 1: `add` and its like describe the next state; only `publish` touches the disk.
Rule 2: each state is an hour younger than the one before, unless told otherwise; the first one is a day old.
Rule 3: several suites of one repository are several `Repository` objects with the same folder.
"""

import bz2
import gzip
import lzma
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import Protocol

from support.indexes import package_indexes, patches, source_indexes, translations
from support.layout import Layout
from support.packages import DEFAULT_SIZE, Binary, Source, hexdigest, stanza
from support.signing import SigningKey

COMPRESSORS: Mapping[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": lambda data: gzip.compress(data, 1, mtime=0),
    ".bz2": lambda data: bz2.compress(data, 1),
    ".xz": lambda data: lzma.compress(data, preset=0),
}


class Repository:
    """The repository in `root`; `key` None leaves it unsigned. `url` is where the tests' mirror serves it."""

    def __init__(self, root: Path, key: SigningKey | None, layout: Layout | None = None, *, url: str = "") -> None:
        self.root = root
        self.key = key
        self.layout = layout or Layout()
        self.url = url
        self.binaries: dict[tuple[str, str, str], Binary] = {}
        self.sources: dict[str, Source] = {}
        self.indexes: dict[str, bytes] = {}
        """More indexes that Release lists, by uncompressed name: `main/Contents-amd64`, `main/dep11/...`."""
        self.installer: dict[str, dict[str, bytes]] = {}
        self.date = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1, hours=1)
        """The Date of the latest state."""
        self._on_disk: set[Path] = set()
        self._packages_before: dict[str, bytes] = {}

    def add(
        self,
        name: str,
        version: str,
        *,
        architecture: str = "amd64",
        component: str = "main",
        size: int = DEFAULT_SIZE,
        udeb: bool = False,
        filename: str = "",
        salt: str = "",
        built_using: str = "",
        **fields: str,
    ) -> Binary:
        """A package for the next state, instead of the one of the same name and architecture; see `Binary`."""
        if built_using:
            fields["Built-Using"] = built_using
        binary = Binary(name, version, architecture, component, size, udeb, filename, salt, fields)
        if self.layout.flat and not filename:
            binary = replace(binary, filename=f"./{PurePosixPath(binary.path).name}")
        self.binaries[name, architecture, component] = binary
        return binary

    def add_source(
        self, name: str, version: str, *, component: str = "main", size: int = DEFAULT_SIZE, extra: bool = False
    ) -> Source:
        """A source package for the next state, instead of the one of the same name; `extra`: beside it, by the key
        `NAME VERSION`, as Debian keeps what binaries were built using."""
        source = Source(name, version, component, size, extra)
        self.sources[f"{name} {version}" if extra else name] = source
        return source

    def add_installer(self, images: Mapping[str, bytes], folder: str = "main/installer-amd64/current/images") -> None:
        """Installer images, which Release lists only by their SHA256SUMS."""
        self.installer[folder] = dict(images)

    def remove(self, name: str) -> None:
        """No package of this name in the next state."""
        self.binaries = {key: binary for key, binary in self.binaries.items() if binary.name != name}
        self.sources = {key: source for key, source in self.sources.items() if source.name != name}

    def publish(
        self,
        *,
        date: datetime | None = None,
        valid_for: timedelta | None = None,
        last_modified: datetime | None = None,
        keep_pool: bool = False,
        keep_by_hash: bool = False,
    ) -> None:
        """Replaces what is on disk by the next state.

        `valid_for` sets Valid-Until, counted from `date`. Files that are new get `last_modified`, else `date`.
        """
        self.date = date or self.date + timedelta(hours=1)
        files = self._pool() | self._suite(valid_for)
        for path, data in files.items():
            self._write(path, data, last_modified or self.date)
        for path in self._on_disk - files.keys():
            kept = keep_by_hash if "by-hash" in path.parts else keep_pool and path.suffix in {".deb", ".udeb"}
            if not kept:
                path.unlink()
        self._on_disk = {path for path in self._on_disk | files.keys() if path.exists()}
        for alias in self.layout.aliases:
            link = self.root / "dists" / alias
            if not link.is_symlink():
                link.symlink_to(self.layout.suite)

    def copy_to(self, folder: Path) -> None:
        """The present state as another mirror, or as a memory of it; times are kept."""
        shutil.copytree(self.root, folder, symlinks=True, dirs_exist_ok=True)

    @property
    def suite_folder(self) -> Path:
        """Where the Release lies."""
        return self.root if self.layout.flat else self.root / "dists" / self.layout.suite

    def binary(self, name: str) -> Binary:
        """The only package of this name."""
        (binary,) = (binary for binary in self.binaries.values() if binary.name == name)
        return binary

    def file_of(self, name: str) -> Path:
        """Where the only package of this name lies on disk."""
        return self.root / self.binary(name).path

    def _pool(self) -> dict[Path, bytes]:
        files = {self.root / binary.path: binary.build() for binary in self.binaries.values()}
        for source in self.sources.values():
            folder = self.root if self.layout.flat else self.root / source.directory
            files |= {folder / name: data for name, data in source.build().items()}
        return files

    def _suite(self, valid_for: timedelta | None) -> dict[Path, bytes]:
        """Everything in the suite's folder: indexes in all their forms, and the Release that lists them."""
        packages = package_indexes(self.layout, self.binaries.values())
        indexes = {
            **packages,
            **source_indexes(self.layout, self.sources.values()),
            **translations(self.layout, self.binaries.values()),
            **self.indexes,
        }
        listed = _compressed(indexes, self.layout.listed)
        stored = _compressed(indexes, self.layout.stored)
        second_level = dict(self._sums())
        unlisted = dict(self._images())
        if self.layout.pdiffs:
            diff_indexes, diffs = patches(self._packages_before, packages, self.date)
            second_level |= diff_indexes
            unlisted |= diffs
        self._packages_before = packages
        stored |= second_level
        everything = stored | unlisted | dict(self._by_hash(stored)) | self._release(listed | second_level, valid_for)
        return {self.suite_folder / path: data for path, data in everything.items()}

    def _by_hash(self, stored: Mapping[str, bytes]) -> Iterator[tuple[str, bytes]]:
        kinds = self.layout.hashes if self.layout.by_hash else ()
        for path, data in stored.items():
            for kind in kinds:
                yield str(PurePosixPath(path).parent / "by-hash" / kind / hexdigest(kind, data)), data

    def _images(self) -> Iterator[tuple[str, bytes]]:
        for folder, images in self.installer.items():
            for name, data in images.items():
                yield f"{folder}/{name}", data

    def _sums(self) -> Iterator[tuple[str, bytes]]:
        for folder, images in self.installer.items():
            lines = (f"{hexdigest('SHA256', data)}  ./{name}\n" for name, data in images.items())
            yield f"{folder}/SHA256SUMS", "".join(lines).encode()

    def _release(self, listed: Mapping[str, bytes], valid_for: timedelta | None) -> dict[str, bytes]:
        """InRelease, Release and Release.gpg, as far as this repository has them."""
        release = stanza(self._release_fields(listed, valid_for))
        files = {}
        if self.layout.release:
            files["Release"] = release
        if self.layout.release and self.key:
            files["Release.gpg"] = self.key.detached(release)
        if self.layout.inrelease and self.key:
            files["InRelease"] = self.key.clearsign(release)
        return files

    def _release_fields(self, listed: Mapping[str, bytes], valid_for: timedelta | None) -> dict[str, str]:
        layout = self.layout
        fields = {"Origin": layout.label, "Label": layout.label, "Suite": layout.suite_field}
        fields |= {"Codename": layout.codename, "Date": _release_time(self.date)}
        if valid_for is not None:
            fields["Valid-Until"] = _release_time(self.date + valid_for)
        if layout.by_hash if layout.acquire_by_hash is None else layout.acquire_by_hash:
            fields["Acquire-By-Hash"] = "yes"
        fields["Architectures"] = " ".join((("all",) if layout.separate_all else ()) + layout.architectures)
        if not layout.flat:
            fields["Components"] = " ".join(layout.components)
        for kind in layout.hashes:
            lines = (f"\n {hexdigest(kind, data)} {len(data)} {path}" for path, data in sorted(listed.items()))
            fields[kind] = "".join(lines)
        return fields

    def _write(self, path: Path, data: bytes, last_modified: datetime) -> None:
        if path in self._on_disk and path.read_bytes() == data:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)  # a copy of the earlier state may share the file
        path.write_bytes(data)
        os.utime(path, (last_modified.timestamp(),) * 2)


class MakeRepository(Protocol):
    """A repository on the tests' mirror; keywords are the fields of Layout, `key=None` leaves it unsigned."""

    def __call__(self, name: str = ..., *, key: SigningKey | None = ..., **layout: object) -> Repository: ...


def _compressed(indexes: Mapping[str, bytes], suffixes: Iterable[str]) -> dict[str, bytes]:
    return {path + suffix: COMPRESSORS[suffix](data) for path, data in indexes.items() for suffix in suffixes}


def _release_time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%a, %d %b %Y %H:%M:%S UTC")
