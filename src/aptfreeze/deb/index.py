# SPDX-License-Identifier: MIT
"""The package indexes: which file in the pool has which size and hashes, and which package it belongs to.

`packages` and `sources` scan the whole index with one pattern per stanza instead of parsing deb822: 63 000 stanzas of
Packages in 0.2 s where the fields have the order of Debian's own archive, else in 0.4 s. What they rely on (deb822(5),
and apt reads it alike):
Rule 1: a stanza ends at an empty line; within it the order of the fields is free.
Rule 2: a field starts at the start of a line; a line that starts with a blank continues the one before.
Rule 3: a stanza without file name, size or any hash cannot be served and is skipped, as is a path that leads out.
"""

import re
from collections.abc import Iterator, Mapping

from aptfreeze.deb.deb822 import ParseError
from aptfreeze.deb.filelist import ListedFile, listed_path, merge, normal_hex, parse_size
from aptfreeze.values import immutable


@immutable
class PoolEntry:
    """One file of the pool, as its index describes it."""

    path: str
    """Relative to the repository (to the folder of a flat one), in its one spelling."""
    size: int
    """In bytes."""
    hashes: Mapping[str, str]
    """Lower-case hex by hashlib name (`sha256`); at least one."""
    package: str
    version: str
    """With epoch, as the index has it."""
    architecture: str
    """`source` for the files of a source package."""
    source: str
    """Name of the source package; equal to `package` if the index names none."""
    source_version: str


_HASH_FIELDS = {"sha512": "SHA512", "sha256": "SHA256", "sha1": "SHA1", "md5": "MD5sum"}
_NAMES = ("Package", "Source", "Version", "Architecture", "Filename", "Size", *_HASH_FIELDS.values())
_SPELLING = {name.lower(): name for name in _NAMES}

# The patterns start with the line feed of the line before: for a literal first character the engine uses memchr.
_FIELDS = re.compile(rf"\n({'|'.join(_NAMES)}):[ \t]*(.*)")
_ANY_CASE = re.compile(_FIELDS.pattern, re.IGNORECASE)
_SOURCE = re.compile(r"(\S+)[ \t]*\(([^()]*)\)")

_ANOTHER = rf"(?:(?!(?:{'|'.join(_NAMES)}):).+\n)*+"  # lines of other fields: none of ours is passed over
_USUAL = re.compile(
    rf"Package: ([!-~]+)\n(?:Source: ([!-~]+)(?: \(([!-'*-~]+)\))?\n)?Version: ([!-~]+)\n{_ANOTHER}"
    rf"Architecture: ([!-~]+)\n{_ANOTHER}Filename: ([!-~]+)\nSize: ([0-9]{{1,15}})\n"
    rf"(?:MD5sum: ([0-9a-f]{{32}})\n)?SHA256: ([0-9a-f]{{64}})\n{_ANOTHER}(?:\n|\Z)".encode()
)
"""A whole stanza as Debian's archive software writes it."""

_CHECKSUM_FIELDS = {
    "sha512": "checksums-sha512",
    "sha256": "checksums-sha256",
    "sha1": "checksums-sha1",
    "md5": "files",
}
_SOURCE_NAMES = ("Package", "Version", "Directory", *_CHECKSUM_FIELDS.values())
_SOURCE_FIELDS = re.compile(rf"\n({'|'.join(_SOURCE_NAMES)}):[ \t]*(.*(?:\n[ \t].*)*)", re.IGNORECASE)


def packages(data: bytes) -> Iterator[PoolEntry]:
    """The entries of a Packages index (Debian RepositoryFormat), in its order.

    Never raises: what is no stanza yields nothing.
    """
    at = 0
    while at < len(data):
        usual = _USUAL.match(data, at)
        if usual:
            entry, at = _usual_package(usual), usual.end()
        else:
            end = data.find(b"\n\n", at)
            stanza, at = (data[at:end], end + 2) if end >= 0 else (data[at:], len(data))
            entry = _any_package("\n" + _text(stanza))
        if entry is not None:
            yield entry


def sources(data: bytes) -> Iterator[PoolEntry]:
    """The .dsc, tarballs and patches of a Sources index, one entry per file, in its order.

    Raises ParseError for a stanza whose list of files is malformed.
    """
    for stanza in _stanzas(data):
        fields = {name.lower(): value.strip(" \t") for name, value in _SOURCE_FIELDS.findall(stanza)}
        try:
            files = merge((algorithm, fields.get(name, "")) for algorithm, name in _CHECKSUM_FIELDS.items())
        except ParseError as error:
            raise ParseError(f"source package {fields.get('package', '')!r}: {error}") from error
        for file in files.values():
            entry = _source_file(fields, file)
            if entry is not None:
                yield entry


def _stanzas(data: bytes) -> Iterator[str]:
    """The text of each stanza, a line feed in front."""
    end = data.find(b"\n\n")
    yield "\n" + _text(data[:end] if end >= 0 else data)
    while end >= 0:
        start = end + 1
        end = data.find(b"\n\n", start)
        yield _text(data[start:end] if end >= 0 else data[start:])


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _usual_package(stanza: re.Match[bytes]) -> PoolEntry | None:
    package, source, source_version, version, architecture, name, size, md5, sha256 = stanza.groups()
    path = listed_path(name.decode())
    if path is None:
        return None
    hashes = {"sha256": sha256.decode()} | ({"md5": md5.decode()} if md5 else {})
    own, own_version = package.decode(), version.decode()
    return PoolEntry(
        path,
        int(size),
        hashes,
        own,
        own_version,
        architecture.decode(),
        source.decode() if source else own,
        source_version.decode() if source_version else own_version,
    )


def _any_package(stanza: str) -> PoolEntry | None:
    fields: dict[str, str] = dict(_FIELDS.findall(stanza))
    if "Filename" not in fields or "Size" not in fields or not ("SHA256" in fields or "SHA512" in fields):
        # Names are case-insensitive; the rare index that makes use of it pays for the slower pattern.
        fields = {_SPELLING[name.lower()]: value for name, value in _ANY_CASE.findall(stanza)}
    return _package(fields)


def _package(fields: Mapping[str, str]) -> PoolEntry | None:
    path = listed_path(fields.get("Filename", "").rstrip(" \t"))
    size = parse_size(fields.get("Size", "").rstrip(" \t"))
    hashes = _hashes(fields)
    if path is None or size is None or not hashes:
        return None
    package, version = fields.get("Package", "").rstrip(" \t"), fields.get("Version", "").rstrip(" \t")
    source, source_version = _source(fields.get("Source", "").rstrip(" \t"), package, version)
    architecture = fields.get("Architecture", "").rstrip(" \t")
    return PoolEntry(path, size, hashes, package, version, architecture, source, source_version)


def _hashes(fields: Mapping[str, str]) -> dict[str, str]:
    hashes = {}
    for algorithm, name in _HASH_FIELDS.items():
        if name in fields:
            digest = normal_hex(algorithm, fields[name].rstrip(" \t"))
            if digest is not None:
                hashes[algorithm] = digest
    return hashes


def _source(field: str, package: str, version: str) -> tuple[str, str]:
    """Name and version of the source package; deb-control(5): `Source: name (version)`, each only if it differs."""
    if not field:
        return package, version
    match = _SOURCE.fullmatch(field)
    return (match[1], match[2].strip(" \t")) if match else (field, version)


def _source_file(fields: Mapping[str, str], file: ListedFile) -> PoolEntry | None:
    path = listed_path(f"{fields.get('directory', '')}/{file.path}")
    if path is None:
        return None
    package, version = fields.get("package", ""), fields.get("version", "")
    return PoolEntry(path, file.size, file.hashes, package, version, "source", package, version)
