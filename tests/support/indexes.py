# SPDX-License-Identifier: MIT
"""The index files of a repository, uncompressed, by their name in the Release."""

import gzip
import hashlib
import subprocess
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path

from support.layout import Layout
from support.packages import Binary, Source, checksum_fields, hexdigest, stanza

_HASH_FIELDS = {"MD5Sum": "MD5sum", "SHA1": "SHA1", "SHA256": "SHA256", "SHA512": "SHA512"}


def package_indexes(layout: Layout, binaries: Iterable[Binary]) -> dict[str, bytes]:
    """Every Packages: one for each component and architecture, and those of udebs where there are any."""
    stanzas: dict[str, list[bytes]] = defaultdict(list)
    for path in _expected(layout):
        stanzas[path] = []
    for binary in binaries:
        for path in _homes(layout, binary):
            stanzas[path].append(_package_stanza(layout, binary))
    return {path: b"\n".join([*parts, b""]) if parts else b"" for path, parts in stanzas.items()}


def source_indexes(layout: Layout, sources: Iterable[Source]) -> dict[str, bytes]:
    """Every Sources, empty ones too, as Debian has them; a flat repository has it only if it has sources."""
    stanzas: dict[str, list[bytes]] = defaultdict(list)
    for component in () if layout.flat else layout.components:
        stanzas[f"{component}/source/Sources"] = []
    for source in sources:
        directory = "." if layout.flat else source.directory
        fields = {"Package": source.name, **source.control, "Directory": directory}
        if source.extra:
            fields["Extra-Source-Only"] = "yes"
        path = "Sources" if layout.flat else f"{source.component}/source/Sources"
        stanzas[path].append(stanza({**fields, **checksum_fields(source.build(), layout.hashes)}))
    return {path: b"\n".join([*parts, b""]) if parts else b"" for path, parts in stanzas.items()}


def translations(layout: Layout, binaries: Iterable[Binary]) -> dict[str, bytes]:
    """Translation-en of each component, with the long descriptions that Packages leaves out."""
    if layout.flat:
        return {}
    indexes = {f"{component}/i18n/Translation-en": b"" for component in layout.components}
    for binary in binaries:
        text = binary.control["Description"]
        fields = {"Package": binary.name, "Description-md5": _description_md5(binary), "Description-en": text}
        indexes[f"{binary.component}/i18n/Translation-en"] += stanza(fields) + b" A longer text.\n\n"
    return indexes


def patches(
    before: Mapping[str, bytes], after: Mapping[str, bytes], date: datetime
) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """Packages.diff/Index of each Packages, and the patches from the state before that they name."""
    indexes, files = {}, {}
    for path, new in after.items():
        fields = {"SHA256-Current": f"{hexdigest('SHA256', new)} {len(new)}"}
        old = before.get(path, new)
        if old != new:
            name = f"T-{date:%Y-%m-%d-%H%M.%S}-F-{date:%Y-%m-%d-%H%M.%S}"
            patch = _ed_script(old, new)
            packed = gzip.compress(patch, mtime=0)
            files[f"{path}.diff/{name}.gz"] = packed
            for field, data, file in (
                ("History", old, name),
                ("Patches", patch, name),
                ("Download", packed, f"{name}.gz"),
            ):
                fields[f"SHA256-{field}"] = f"\n {hexdigest('SHA256', data)} {len(data)} {file}"
        indexes[f"{path}.diff/Index"] = stanza(fields)
    return indexes, files


def _expected(layout: Layout) -> list[str]:
    if layout.flat:
        return ["Packages"]
    architectures = (*layout.architectures, *(("all",) if layout.separate_all else ()))
    return [f"{component}/binary-{name}/Packages" for component in layout.components for name in architectures]


def _homes(layout: Layout, binary: Binary) -> list[str]:
    """The indexes that list this package."""
    if layout.flat:
        return ["Packages"]
    in_each = binary.architecture == "all" and not layout.separate_all
    architectures = layout.architectures if in_each else (binary.architecture,)
    middle = "debian-installer/" if binary.udeb else ""
    return [f"{binary.component}/{middle}binary-{name}/Packages" for name in architectures]


def _package_stanza(layout: Layout, binary: Binary) -> bytes:
    data = binary.build()
    fields = {**binary.control, "Description-md5": _description_md5(binary)}
    fields |= {"Filename": binary.path, "Size": str(len(data))}
    fields |= {_HASH_FIELDS[kind]: hexdigest(kind, data) for kind in layout.hashes}
    return stanza(fields)


def _description_md5(binary: Binary) -> str:
    text = f"{binary.control['Description']}\n A longer text.\n"
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _ed_script(old: bytes, new: bytes) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder, "old"), Path(folder, "new")]
        for file, data in zip(files, (old, new), strict=True):
            file.write_bytes(data)
        return subprocess.run(["diff", "--ed", *files], stdout=subprocess.PIPE, timeout=30).stdout
